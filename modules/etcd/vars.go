package etcd

import (
	"time"

	"github.com/pigsync/pigsync/inventory"
)

// Identity is who a member is.
type Identity struct {
	Seq     int    `var:"etcd_seq" required:"true" min:"0" doc:"Number of the member, which no other member has; its name is made from it."`
	Cluster string `var:"etcd_cluster" default:"etcd" pattern:"[A-Za-z0-9][A-Za-z0-9_-]*" doc:"Name of the cluster, the first part of the names of its members."`
}

// Vars are the parameters of ETCD, with the defaults of Pigsty v4.5.
type Vars struct {
	Cluster   string           `var:"etcd_cluster" default:"etcd" pattern:"[A-Za-z0-9][A-Za-z0-9_-]*" doc:"Name of the cluster, the first part of the names of its members."`
	Learner   bool             `var:"etcd_learner" default:"false" doc:"Let the member join without a vote; Pigsty promotes it later."`
	Data      string           `var:"etcd_data" default:"/data/etcd" kind:"path" pattern:"[A-Za-z0-9/._-]+" doc:"Directory of the member's data."`
	Port      int              `var:"etcd_port" default:"2379" kind:"port" doc:"Port that clients connect to."`
	PeerPort  int              `var:"etcd_peer_port" default:"2380" kind:"port" doc:"Port that members talk to each other on."`
	Init      string           `var:"etcd_init" default:"new" enum:"new,existing" doc:"Whether a cluster may be made (new), or only joined (existing)."`
	Election  int              `var:"etcd_election_timeout" default:"1000" min:"10" max:"50000" unit:"ms" doc:"Time without a heartbeat after which a member calls an election; at least five heartbeats."`
	Heartbeat int              `var:"etcd_heartbeat_interval" default:"100" min:"1" max:"10000" unit:"ms" doc:"Time between two heartbeats of the leader."`
	Password  inventory.Secret `var:"etcd_root_password" default:"Etcd.Root" doc:"Password of the user root, who may do everything."`
	Safeguard bool             `var:"etcd_safeguard" default:"false" doc:"Refuse to take any member away, whatever is approved."`
	RemoveAll bool             `var:"etcd_rm_data" default:"true" doc:"Delete the data directory with the member."`
	RemovePkg bool             `var:"etcd_rm_pkg" default:"false" doc:"Take the package off with the member."`
	Validity  time.Duration    `var:"cert_validity" default:"7300d" min:"1h" doc:"How long a certificate is valid from the day it is issued."`
}

// client is a PostgreSQL cluster as etcd knows it: a user with a key prefix of its own.
type client struct {
	Cluster   string           `var:"pg_cluster" doc:"Name of the PostgreSQL cluster, which has a user in etcd."`
	Shard     string           `var:"pg_shard" doc:"Name of the set of shards, which stands for the cluster in etcd."`
	Namespace string           `var:"pg_namespace" default:"/pg" doc:"Where PostgreSQL clusters keep their keys in etcd."`
	Password  inventory.Secret `var:"pg_etcd_password" doc:"Password of the cluster's user in etcd; the name of the cluster when it is empty."`
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
