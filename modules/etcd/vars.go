package etcd

import (
	"time"

	"github.com/pigsync/pigsync/inventory"
)

// Identity is who a member is.
type Identity struct {
	Seq     int    `var:"etcd_seq" required:"true" min:"0"`
	Cluster string `var:"etcd_cluster" default:"etcd" pattern:"[A-Za-z0-9][A-Za-z0-9_-]*"`
}

// Vars are the parameters of ETCD, with the defaults of Pigsty v4.5.
type Vars struct {
	Cluster   string           `var:"etcd_cluster" default:"etcd" pattern:"[A-Za-z0-9][A-Za-z0-9_-]*"`
	Learner   bool             `var:"etcd_learner" default:"false"`
	Data      string           `var:"etcd_data" default:"/data/etcd" kind:"path" pattern:"[A-Za-z0-9/._-]+"`
	Port      int              `var:"etcd_port" default:"2379" kind:"port"`
	PeerPort  int              `var:"etcd_peer_port" default:"2380" kind:"port"`
	Init      string           `var:"etcd_init" default:"new" enum:"new,existing"`
	Election  int              `var:"etcd_election_timeout" default:"1000" min:"10" max:"50000"`
	Heartbeat int              `var:"etcd_heartbeat_interval" default:"100" min:"1" max:"10000"`
	Password  inventory.Secret `var:"etcd_root_password" default:"Etcd.Root"`
	Safeguard bool             `var:"etcd_safeguard" default:"false"`
	RemoveAll bool             `var:"etcd_rm_data" default:"true"`
	RemovePkg bool             `var:"etcd_rm_pkg" default:"false"`
	Validity  time.Duration    `var:"cert_validity" default:"7300d" min:"1h"`
}

// client is a PostgreSQL cluster as etcd knows it: a user with a key prefix of its own.
type client struct {
	Cluster   string           `var:"pg_cluster"`
	Shard     string           `var:"pg_shard"`
	Namespace string           `var:"pg_namespace" default:"/pg"`
	Password  inventory.Secret `var:"pg_etcd_password"`
}

// scope is the name under which Patroni keeps the cluster in etcd.
func (c client) scope() string {
	if c.Shard != "" {
		return c.Shard
	}
	return c.Cluster
}

// The codes of this module's problems.
const (
	CodeDuplicateSeq = "ETCD002" // two members with one etcd_seq
	CodeEven         = "ETCD003" // an even number of members
	CodeEmpty        = "ETCD004" // a group etcd without hosts
	CodeNoCluster    = "ETCD005" // etcd_init is existing, and there is no cluster to join
	CodeDisagree     = "ETCD006" // members disagree on a parameter of the cluster
	CodeTiming       = "ETCD007" // the election timeout is too close to the heartbeat
	CodeMoved        = "ETCD008" // a member that lives is to have another name, peer address or data directory
	CodeMixed        = "ETCD010" // a new cluster on different releases of a system
	CodeInTheWay     = "ETCD009" // nobody can join before a member of the list has left
)
