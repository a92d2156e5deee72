package redis

import (
	"net/netip"

	"github.com/pigsync/pigsync/inventory"
)

// Vars are the parameters of REDIS, with the defaults of Pigsty v4.5.
type Vars struct {
	Cluster         string            `var:"redis_cluster" required:"true" pattern:"[A-Za-z0-9][A-Za-z0-9_.-]*" like:"redis-test" doc:"The cluster that the host's instances belong to."`
	Node            int               `var:"redis_node" required:"true" min:"0" doc:"The number of the host within its cluster."`
	Instances       map[int]Instance  `var:"redis_instances" required:"true" doc:"The instances of the host, by port."`
	Data            string            `var:"redis_fs_main" default:"/data/redis" kind:"path" doc:"The directory above the data of all instances, which goes with the module."`
	ExporterEnabled bool              `var:"redis_exporter_enabled" default:"true" doc:"Offer the metrics of the instances."`
	ExporterPort    int               `var:"redis_exporter_port" default:"9121" kind:"port" doc:"The port of these metrics."`
	ExporterOptions string            `var:"redis_exporter_options" doc:"More flags of the redis exporter."`
	Type            string            `var:"redis_type" default:"redis" enum:"redis,valkey" doc:"Which program it is: redis or valkey."`
	Mode            string            `var:"redis_mode" default:"standalone" enum:"standalone,sentinel,cluster" doc:"What the instances are together: servers of their own, sentinels or a native cluster."`
	Conf            string            `var:"redis_conf" default:"redis.conf" doc:"The template of their configuration."`
	Bind            netip.Addr        `var:"redis_bind_address" default:"0.0.0.0" doc:"The address to listen on; empty is the host's own."`
	MaxMemory       string            `var:"redis_max_memory" default:"1GB" pattern:"[0-9]+([kKmMgG][bB]?)?" doc:"How much memory each instance may take."`
	MemPolicy       string            `var:"redis_mem_policy" default:"allkeys-lru" enum:"noeviction,allkeys-lru,allkeys-lfu,allkeys-lrm,allkeys-random,volatile-lru,volatile-lfu,volatile-lrm,volatile-random,volatile-ttl" doc:"What is forgotten when the memory is full."`
	Password        inventory.Secret  `var:"redis_password" doc:"The password of every instance; empty for none."`
	RDBSave         []string          `var:"redis_rdb_save" default:"[1200 1]" pattern:"[0-9]+ +[0-9]+( +[0-9]+ +[0-9]+)*" like:"1200 1" doc:"When the data is written to disk: after so many seconds with so many changes."`
	AOFEnabled      bool              `var:"redis_aof_enabled" default:"false" doc:"Write every change to disk."`
	Renamed         map[string]string `var:"redis_rename_commands" doc:"Other names for dangerous commands."`
	Replicas        int               `var:"redis_cluster_replicas" default:"1" min:"0" doc:"How many replicas each master of a native cluster has."`
	Monitor         []Master          `var:"redis_sentinel_monitor" doc:"The masters that sentinels watch."`
	Safeguard       bool              `var:"redis_safeguard" default:"false" doc:"Refuse to remove an instance."`
	RemoveData      bool              `var:"redis_rm_data" default:"true" doc:"Removing an instance removes its data."`
	RemovePackages  bool              `var:"redis_rm_pkg" default:"false" doc:"Removing the module removes its packages."`
}

// Instance is one entry of redis_instances.
type Instance struct {
	ReplicaOf string `var:"replica_of" doc:"The instance to copy, as its address and port with a space between them."`
}

// Master is an entry of redis_sentinel_monitor.
type Master struct {
	Name     string           `var:"name" required:"true" pattern:"[A-Za-z0-9][A-Za-z0-9_.-]*" like:"redis-test" doc:"What sentinels call the master."`
	Host     string           `var:"host" required:"true" doc:"Its address."`
	Port     int              `var:"port" default:"6379" kind:"port" doc:"Its port."`
	Quorum   int              `var:"quorum" default:"1" min:"1" doc:"How many sentinels must agree that it is gone."`
	Password inventory.Secret `var:"password" doc:"Its password."`
	Remove   bool             `var:"remove" default:"false" doc:"Do not watch it any more."`
}

// The codes of this module's problems.
const (
	CodeSameNode  = "REDIS001" // two hosts of a cluster with one redis_node
	CodeDisagree  = "REDIS002" // hosts of a cluster that do not agree about it
	CodePort      = "REDIS003" // a port that is none, or there twice, or too high for a native cluster
	CodeReplicaOf = "REDIS004" // a replica of something that is no instance
	CodeCircle    = "REDIS005" // replicas in a circle
	CodeMasters   = "REDIS006" // a native cluster with too few masters
	CodeMonitor   = "REDIS007" // a sentinel that watches what is no instance
	CodeQuorum    = "REDIS008" // sentinels with nothing to watch, or never enough of them
	CodeData      = "REDIS009" // a data directory that is not redis' own
)
