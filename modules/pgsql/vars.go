package pgsql

import (
	"net/netip"
	"time"

	"github.com/pigsync/pigsync/inventory"
)

// Vars are the parameters of PGSQL, with the defaults of Pigsty v4.5. The sections follow the life of a
// cluster: who it is, what it holds, how it is made, reached, saved, watched and taken away.
type Vars struct {
	Identity
	Business
	Install
	Bootstrap
	Tuning
	Provision
	Backup
	Access
	Monitor
	Removal
	Restarts
}

// Identity is who a host is to PostgreSQL.
type Identity struct {
	Cluster string     `var:"pg_cluster" pattern:"[A-Za-z0-9-]+" like:"pg-test" doc:"Name of the cluster this host belongs to; without it the host has no PostgreSQL."`
	Seq     int        `var:"pg_seq" required:"true" min:"0" doc:"Number of the instance, which no other member of the cluster has."`
	Role    string     `var:"pg_role" required:"true" enum:"primary,replica,standby,offline,delayed" doc:"What the instance is when the cluster is made; Patroni decides who leads afterwards."`
	Mode    string     `var:"pg_mode" default:"pgsql" enum:"pgsql,citus,mssql,mysql,ivory,pgtde,polar,gpsql,agens,oriole,oriol,pgedge" doc:"Flavour of the engine, which decides packages, directories and presets."`
	Shard   string     `var:"pg_shard" pattern:"[A-Za-z0-9-]*" like:"pg-citus" doc:"Name of the set of shards this cluster is a part of; Patroni's scope in Citus."`
	Group   *int       `var:"pg_group" min:"0" doc:"Number of the shard in its set; 0 is the coordinator."`
	Up      netip.Addr `var:"pg_upstream" doc:"Address to replicate from: makes a replica cascade, and a primary the leader of a standby cluster."`
	Offline bool       `var:"pg_offline_query" default:"false" doc:"Let this instance also serve the offline service and the offline HBA rules."`

	Segment   string            `var:"gp_role" enum:"master,segment" doc:"Kind of a Greenplum instance that is only watched."`
	Instances map[int]Segment   `var:"pg_instances" doc:"Instances of Greenplum on this host that are only watched, by port."`
	Exporters map[int]*Exporter `var:"pg_exporters" doc:"PostgreSQL elsewhere that is watched from this host, by the local port of the exporter."`
}

// Business is what a cluster holds for its users.
type Business struct {
	Users     []User     `var:"pg_users" default:"[]" doc:"Roles and logins of the applications."`
	Databases []Database `var:"pg_databases" default:"[]" doc:"Databases of the applications."`
	Services  []Service  `var:"pg_services" default:"[]" doc:"Services of this cluster, beside the default ones."`
	HBA       []HBARule  `var:"pg_hba_rules" default:"[]" doc:"Who may connect to PostgreSQL, beside the default rules."`
	PoolHBA   []HBARule  `var:"pgb_hba_rules" default:"[]" doc:"Who may connect to the pooler, beside the default rules."`
	Crontab   []string   `var:"pg_crontab" default:"[]" doc:"Cron lines of the database account, without a user column."`

	ReplUser        string           `var:"pg_replication_username" default:"replicator" doc:"Role that replicas connect with."`
	ReplPassword    inventory.Secret `var:"pg_replication_password" default:"DBUser.Replicator" doc:"Password of the replication role."`
	AdminUser       string           `var:"pg_admin_username" default:"dbuser_dba" doc:"Role of the database administrator."`
	AdminPassword   inventory.Secret `var:"pg_admin_password" default:"DBUser.DBA" doc:"Password of the administrator's role."`
	MonitorUser     string           `var:"pg_monitor_username" default:"dbuser_monitor" doc:"Role that exporters and Grafana connect with."`
	MonitorPassword inventory.Secret `var:"pg_monitor_password" default:"DBUser.Monitor" doc:"Password of the monitoring role."`
	DbsuPassword    inventory.Secret `var:"pg_dbsu_password" default:"" doc:"Password of the superuser; empty for none, so that it logs in over the socket only."`
}

// Install is the account, the release and the packages.
type Install struct {
	Dbsu        string   `var:"pg_dbsu" default:"postgres" pattern:"[a-z_][a-z0-9_-]{0,31}" doc:"Account of the operating system that owns PostgreSQL, and its superuser."`
	DbsuUID     int      `var:"pg_dbsu_uid" default:"26" min:"1" max:"65533" doc:"Number of the account and its group; Debian's package takes 543 in Pigsty."`
	DbsuSudo    string   `var:"pg_dbsu_sudo" default:"limit" enum:"none,limit,all,nopass" doc:"What the database account may do as root."`
	DbsuHome    string   `var:"pg_dbsu_home" default:"/var/lib/pgsql" kind:"path" doc:"Home directory of the database account."`
	SSHExchange bool     `var:"pg_dbsu_ssh_exchange" default:"true" doc:"Let the database accounts of a cluster's members log in to each other."`
	Version     int      `var:"pg_version" default:"18" doc:"Major release of PostgreSQL; to change it is a migration."`
	BinDir      string   `var:"pg_bin_dir" default:"/usr/pgsql/bin" kind:"path" doc:"Directory with the programs of PostgreSQL."`
	LogDir      string   `var:"pg_log_dir" default:"/pg/log/postgres" kind:"path" doc:"Directory for the log of PostgreSQL."`
	Packages    []string `var:"pg_packages" default:"['pgsql-main pgsql-common']" doc:"Packages of the engine and its companions, by name or alias."`
	Extensions  []string `var:"pg_extensions" default:"[]" doc:"Packages of extensions, by name or alias; they are created in databases separately."`
}

// Bootstrap is how an instance is made, and what keeps it alive.
type Bootstrap struct {
	Data        string `var:"pg_data" default:"/pg/data" kind:"path" doc:"Data directory as PostgreSQL sees it."`
	FSMain      string `var:"pg_fs_main" default:"/data/postgres" kind:"path" doc:"Directory that holds the data of each cluster."`
	FSBackup    string `var:"pg_fs_backup" default:"/data/backups" kind:"path" doc:"Directory that holds local backups."`
	StorageType string `var:"pg_storage_type" default:"SSD" enum:"SSD,HDD" doc:"Kind of disk, for the costs the planner reckons with."`
	DummySize   string `var:"pg_dummy_filesize" default:"64MiB" pattern:"[0-9]+ ?([kKMGT]i?)?B?" doc:"Size of a file to delete when the disk is full."`
	Listen      string `var:"pg_listen" default:"0.0.0.0" doc:"Addresses to listen on, separated by commas; the placeholders are ip, lo and vip."`
	Port        int    `var:"pg_port" default:"5432" kind:"port" doc:"Port of PostgreSQL."`
	Localhost   string `var:"pg_localhost" default:"/var/run/postgresql" kind:"path" doc:"Directory of the Unix socket."`
	Namespace   string `var:"pg_namespace" default:"/pg" kind:"path" doc:"Prefix of the keys that Patroni keeps in etcd."`

	PatroniEnabled  bool             `var:"patroni_enabled" default:"true" doc:"Run Patroni, and with it PostgreSQL; otherwise the host is only prepared."`
	PatroniMode     string           `var:"patroni_mode" default:"default" enum:"default,pause,remove" doc:"Whether Patroni rules, pauses, or leaves once the cluster is made."`
	PatroniPort     int              `var:"patroni_port" default:"8008" kind:"port" doc:"Port of Patroni's REST API."`
	PatroniLogDir   string           `var:"patroni_log_dir" default:"/pg/log/patroni" kind:"path" doc:"Directory for the log of Patroni."`
	PatroniSSL      bool             `var:"patroni_ssl_enabled" default:"false" doc:"Serve the REST API over TLS."`
	PatroniWatchdog string           `var:"patroni_watchdog_mode" default:"off" enum:"off,automatic,required" doc:"Whether a watchdog resets a leader that hangs."`
	PatroniUser     string           `var:"patroni_username" default:"postgres" doc:"User of the REST API for what changes something."`
	PatroniPassword inventory.Secret `var:"patroni_password" default:"Patroni.API" doc:"Password of the REST API."`
	EtcdPassword    inventory.Secret `var:"pg_etcd_password" default:"" doc:"Password of the cluster in etcd; empty for the name of the cluster."`

	PrimaryDB     string   `var:"pg_primary_db" default:"postgres" doc:"Main database, which Citus spreads over the shards."`
	Files         []string `var:"pg_files" default:"[]" doc:"Files that are copied into the data directory."`
	SodiumKey     string   `var:"pgsodium_key" doc:"Master key of pgsodium in hexadecimal; derived from the cluster's name when it is not set."`
	SodiumKeyFrom string   `var:"pgsodium_getkey_script" doc:"Script that prints the master key of pgsodium."`
}

// Tuning is what PostgreSQL and Patroni are told of speed and safety.
type Tuning struct {
	Parameters  map[string]inventory.Value `var:"pg_parameters" default:"{}" doc:"Settings for postgresql.auto.conf of every member."`
	Conf        string                     `var:"pg_conf" default:"oltp.yml" doc:"Template of Patroni's settings: oltp, olap, crit or tiny, with the ending .yml."`
	MaxConn     string                     `var:"pg_max_conn" default:"auto" pattern:"auto|[1-9][0-9]*" like:"200" doc:"Number of connections PostgreSQL takes; auto leaves it to the template."`
	BufferRatio float64                    `var:"pg_shared_buffer_ratio" default:"0.25" min:"0.1" max:"0.5" doc:"Share of memory for the buffers of PostgreSQL."`
	RTO         string                     `var:"pg_rto" default:"norm" doc:"Plan of pg_rto_plan that says how soon a dead leader is replaced."`
	RTOPlan     map[string][]string        `var:"pg_rto_plan" default:"{fast: [20, 5, 5, 15, 5, 1s, 0.5s, 1s, 3, 3], norm: [30, 5, 10, 25, 5, 2s, 1s, 2s, 3, 3], safe: [60, 10, 20, 45, 10, 3s, 1.5s, 3s, 3, 3], wide: [120, 20, 30, 95, 15, 4s, 2s, 4s, 3, 3]}" doc:"Timings of Patroni and HAProxy by plan: ttl, loop, retry, start, margin, inter, fastinter, downinter, rise, fall."`
	RPO         int                        `var:"pg_rpo" default:"1048576" min:"0" doc:"Bytes a replica may lack and still take the lead; 0 makes replication synchronous."`
	Libs        string                     `var:"pg_libs" default:"pg_stat_statements, auto_explain" doc:"Libraries that are loaded when PostgreSQL starts."`
	Delay       time.Duration              `var:"pg_delay" default:"0" min:"0" doc:"How long the leader of a standby cluster waits before it replays."`
	Checksum    bool                       `var:"pg_checksum" default:"true" doc:"Make the cluster with checksums on data pages."`
	PwdEnc      string                     `var:"pg_pwd_enc" default:"scram-sha-256" enum:"scram-sha-256,md5" doc:"How passwords are hashed."`
	Encoding    string                     `var:"pg_encoding" default:"UTF8" doc:"Encoding the cluster is made with."`
	Locale      string                     `var:"pg_locale" default:"C" doc:"Locale the cluster is made with."`
	LCCollate   string                     `var:"pg_lc_collate" default:"C" doc:"Sort order the cluster is made with."`
	LCCtype     string                     `var:"pg_lc_ctype" default:"C" doc:"Character classes the cluster is made with."`
	IOMethod    string                     `var:"pg_io_method" default:"worker" enum:"auto,sync,worker,io_uring" doc:"How PostgreSQL 18 reads asynchronously."`
}
