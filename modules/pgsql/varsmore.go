package pgsql

import (
	"time"

	"github.com/pigsync/pigsync/inventory"
)

// Provision is what every cluster gets before its own objects.
type Provision struct {
	Provision         bool              `var:"pg_provision" default:"true" doc:"Fill the cluster with roles, schemas and extensions once it is made."`
	Init              string            `var:"pg_init" default:"pg-init" doc:"Name of the script that fills the template database."`
	DefaultRoles      []User            `var:"pg_default_roles" default:"[{name: dbrole_readonly, login: false}, {name: dbrole_offline, login: false}, {name: dbrole_readwrite, login: false, roles: [dbrole_readonly]}, {name: dbrole_admin, login: false, roles: [pg_monitor, dbrole_readwrite]}, {name: postgres, superuser: true}, {name: replicator, replication: true, roles: [pg_monitor, dbrole_readonly]}, {name: dbuser_dba, superuser: true, roles: [dbrole_admin], pgbouncer: true, pool_mode: session, pool_connlimit: 16}, {name: dbuser_monitor, roles: [pg_monitor, dbrole_readonly], pgbouncer: true, parameters: {log_min_duration_statement: 1000}, pool_mode: session, pool_connlimit: 8}]" doc:"Roles that every cluster has."`
	DefaultPrivileges []string          `var:"pg_default_privileges" default:"[GRANT USAGE ON SCHEMAS TO dbrole_readonly, GRANT SELECT ON TABLES TO dbrole_readonly, GRANT SELECT ON SEQUENCES TO dbrole_readonly, GRANT EXECUTE ON FUNCTIONS TO dbrole_readonly, GRANT USAGE ON SCHEMAS TO dbrole_offline, GRANT SELECT ON TABLES TO dbrole_offline, GRANT SELECT ON SEQUENCES TO dbrole_offline, GRANT EXECUTE ON FUNCTIONS TO dbrole_offline, GRANT INSERT ON TABLES TO dbrole_readwrite, GRANT UPDATE ON TABLES TO dbrole_readwrite, GRANT DELETE ON TABLES TO dbrole_readwrite, GRANT USAGE ON SEQUENCES TO dbrole_readwrite, GRANT UPDATE ON SEQUENCES TO dbrole_readwrite, GRANT TRUNCATE ON TABLES TO dbrole_admin, GRANT REFERENCES ON TABLES TO dbrole_admin, GRANT TRIGGER ON TABLES TO dbrole_admin, GRANT CREATE ON SCHEMAS TO dbrole_admin]" doc:"What the default roles may do with objects that administrators create."`
	DefaultSchemas    []string          `var:"pg_default_schemas" default:"[monitor]" doc:"Schemas that every database has."`
	DefaultExtensions []inventory.Value `var:"pg_default_extensions" default:"[{name: pg_stat_statements, schema: monitor}, {name: pgstattuple, schema: monitor}, {name: pg_buffercache, schema: monitor}, {name: pageinspect, schema: monitor}, {name: pg_prewarm, schema: monitor}, {name: pg_visibility, schema: monitor}, {name: pg_freespacemap, schema: monitor}, {name: postgres_fdw, schema: public}, {name: file_fdw, schema: public}, {name: btree_gist, schema: public}, {name: btree_gin, schema: public}, {name: pg_trgm, schema: public}, {name: intagg, schema: public}, {name: intarray, schema: public}, {name: pg_repack}]" doc:"Extensions that every database has."`
	Reload            bool              `var:"pg_reload" default:"true" doc:"Reload PostgreSQL when its HBA rules change."`
	DefaultHBA        []HBARule         `var:"pg_default_hba_rules" default:"[{user: '${dbsu}', db: all, addr: local, auth: ident, order: 100}, {user: '${dbsu}', db: replication, addr: local, auth: ident, order: 150}, {user: '${repl}', db: replication, addr: localhost, auth: pwd, order: 200}, {user: '${repl}', db: replication, addr: intra, auth: pwd, order: 250}, {user: '${repl}', db: postgres, addr: intra, auth: pwd, order: 300}, {user: '${monitor}', db: all, addr: localhost, auth: pwd, order: 350}, {user: '${monitor}', db: all, addr: infra, auth: pwd, order: 400}, {user: '${admin}', db: all, addr: intra, auth: pwd, order: 450}, {user: '${admin}', db: all, addr: world, auth: ssl, order: 500}, {user: +dbrole_readonly, db: all, addr: localhost, auth: pwd, order: 550}, {user: +dbrole_readonly, db: all, addr: intra, auth: pwd, order: 600}, {user: +dbrole_offline, db: all, addr: intra, auth: pwd, order: 650}]" doc:"Who may connect to PostgreSQL in every cluster."`
	DefaultPoolHBA    []HBARule         `var:"pgb_default_hba_rules" default:"[{user: '${dbsu}', db: pgbouncer, addr: local, auth: peer, order: 100}, {user: all, db: all, addr: localhost, auth: pwd, order: 150}, {user: '${monitor}', db: pgbouncer, addr: intra, auth: pwd, order: 200}, {user: '${monitor}', db: all, addr: world, auth: deny, order: 250}, {user: '${admin}', db: all, addr: intra, auth: pwd, order: 300}, {user: '${admin}', db: all, addr: world, auth: deny, order: 350}, {user: all, db: all, addr: intra, auth: pwd, order: 400}]" doc:"Who may connect to the pooler in every cluster."`
}

// Backup is where backups go.
type Backup struct {
	BackupEnabled bool            `var:"pgbackrest_enabled" default:"true" doc:"Keep backups and the write-ahead log with pgBackRest."`
	BackupLogDir  string          `var:"pgbackrest_log_dir" default:"/pg/log/pgbackrest" kind:"path" doc:"Directory for the log of pgBackRest."`
	BackupMethod  string          `var:"pgbackrest_method" default:"local" doc:"Name of the entry of pgbackrest_repo that is used."`
	InitBackup    bool            `var:"pgbackrest_init_backup" default:"true" doc:"Take a full backup as soon as the cluster is made."`
	Repos         map[string]Repo `var:"pgbackrest_repo" default:"{local: {path: /pg/backup, retention_full_type: count, retention_full: 2}, minio: {type: s3, s3_endpoint: sss.pigsty, s3_region: us-east-1, s3_bucket: pgsql, s3_key: pgbackrest, s3_key_secret: S3User.Backup, s3_uri_style: path, path: /pgbackrest, storage_port: 9000, storage_ca_file: /etc/pki/ca.crt, block: y, bundle: y, bundle_limit: 20MiB, bundle_size: 128MiB, cipher_type: aes-256-cbc, cipher_pass: pgBackRest, retention_full_type: time, retention_full: 14}}" doc:"Places where backups can go, by name."`
	PITR          *PITR           `var:"pg_pitr" doc:"A request to bring the cluster back to an earlier moment, usually given for one run."`
}

// Access is how clients reach the cluster.
type Access struct {
	PoolEnabled     bool      `var:"pgbouncer_enabled" default:"true" doc:"Run the connection pooler on every member."`
	PoolPort        int       `var:"pgbouncer_port" default:"6432" kind:"port" doc:"Port of the pooler."`
	PoolLogDir      string    `var:"pgbouncer_log_dir" default:"/pg/log/pgbouncer" kind:"path" doc:"Directory for the log of the pooler."`
	PoolAuthQuery   bool      `var:"pgbouncer_auth_query" default:"false" doc:"Let the pooler ask PostgreSQL for the passwords of users it has no list of."`
	PoolMode        string    `var:"pgbouncer_poolmode" default:"transaction" enum:"transaction,session,statement" doc:"How long a client keeps a connection of the pooler."`
	PoolSSL         string    `var:"pgbouncer_sslmode" default:"disable" enum:"disable,allow,prefer,require,verify-ca,verify-full" doc:"Whether clients of the pooler use TLS."`
	PoolIgnore      []string  `var:"pgbouncer_ignore_param" default:"[extra_float_digits, application_name, TimeZone, DateStyle, IntervalStyle, search_path]" doc:"Settings that clients may send when they connect and the pooler passes over."`
	PoolRedirect    string    `var:"pgbouncer_redirect_to" doc:"Host the pooler sends its databases to, instead of the local PostgreSQL."`
	Weight          int       `var:"pg_weight" default:"100" min:"0" max:"255" doc:"Share of the load this instance gets."`
	Provider        string    `var:"pg_service_provider" default:"" doc:"Group of hosts that serve as load balancers; empty for the members themselves."`
	ServiceDest     string    `var:"pg_default_service_dest" default:"pgbouncer" enum:"pgbouncer,postgres" doc:"Where services lead whose dest is default."`
	DefaultServices []Service `var:"pg_default_services" default:"[{name: primary, port: 5433, dest: default, check: /primary, selector: '[]'}, {name: replica, port: 5434, dest: default, check: /read-only, selector: '[]', backup: '[? pg_role == \x60primary\x60 || pg_role == \x60offline\x60 ]'}, {name: default, port: 5436, dest: postgres, check: /primary, selector: '[]'}, {name: offline, port: 5438, dest: postgres, check: /replica, selector: '[? pg_role == \x60offline\x60 || pg_offline_query ]', backup: '[? pg_role == \x60replica\x60 && !pg_offline_query]'}]" doc:"Services that every cluster has."`
	VIPEnabled      bool      `var:"pg_vip_enabled" default:"false" doc:"Keep a virtual address with whoever leads."`
	VIPAddress      string    `var:"pg_vip_address" default:"127.0.0.1/24" doc:"The virtual address, with the length of its network's mask."`
	VIPInterface    string    `var:"pg_vip_interface" default:"auto" doc:"Network card for the virtual address; auto takes the one with the host's address."`
	DNSSuffix       string    `var:"pg_dns_suffix" default:"" doc:"What is appended to the cluster's name in DNS."`
	DNSTarget       string    `var:"pg_dns_target" default:"auto" doc:"What the cluster's name stands for: auto, vip, primary, none or an address."`
}

// Monitor is how the cluster is watched.
type Monitor struct {
	ExporterEnabled   bool             `var:"pg_exporter_enabled" default:"true" doc:"Run the exporter of PostgreSQL's metrics."`
	ExporterConfig    string           `var:"pg_exporter_config" default:"pg_exporter.yml" doc:"File that says what the exporter collects."`
	ExporterTTLs      string           `var:"pg_exporter_cache_ttls" default:"1,10,60,300" pattern:"[0-9]+(\\.[0-9]+)?( *, *[0-9]+(\\.[0-9]+)?){3}" doc:"Seconds that the four kinds of metrics are kept."`
	ExporterPort      int              `var:"pg_exporter_port" default:"9630" kind:"port" doc:"Port of the exporter of PostgreSQL."`
	ExporterParams    string           `var:"pg_exporter_params" default:"sslmode=disable" doc:"Parameters of the exporter's connection."`
	ExporterURL       inventory.Secret `var:"pg_exporter_url" default:"" doc:"Connection string of the exporter, instead of the one that is made for it."`
	ExporterDiscovery bool             `var:"pg_exporter_auto_discovery" default:"true" doc:"Watch every database, not only the first."`
	ExporterExclude   string           `var:"pg_exporter_exclude_database" default:"template0,template1,postgres" doc:"Databases that are not watched."`
	ExporterInclude   string           `var:"pg_exporter_include_database" default:"" doc:"The only databases that are watched; empty for all."`
	ExporterTimeout   int              `var:"pg_exporter_connect_timeout" default:"200" min:"1" doc:"Milliseconds the exporter waits for a connection."`
	ExporterOptions   string           `var:"pg_exporter_options" default:"" doc:"More arguments for the exporter."`

	PoolExporterEnabled bool             `var:"pgbouncer_exporter_enabled" default:"true" doc:"Run the exporter of the pooler's metrics."`
	PoolExporterPort    int              `var:"pgbouncer_exporter_port" default:"9631" kind:"port" doc:"Port of the exporter of the pooler."`
	PoolExporterURL     inventory.Secret `var:"pgbouncer_exporter_url" default:"" doc:"Connection string of the pooler's exporter, instead of the one that is made for it."`
	PoolExporterOptions string           `var:"pgbouncer_exporter_options" default:"" doc:"More arguments for the pooler's exporter."`

	BackupExporterEnabled bool   `var:"pgbackrest_exporter_enabled" default:"true" doc:"Run the exporter of the backups' metrics."`
	BackupExporterPort    int    `var:"pgbackrest_exporter_port" default:"9854" kind:"port" doc:"Port of the exporter of the backups."`
	BackupExporterOptions string `var:"pgbackrest_exporter_options" default:"--collect.interval=120 --log.level=info" doc:"More arguments for the exporter of the backups."`
}

// Removal is what may be lost when an instance goes.
type Removal struct {
	Safeguard    bool `var:"pg_safeguard" default:"false" doc:"Refuse to take anything of this cluster away."`
	RemoveData   bool `var:"pg_rm_data" default:"true" doc:"Delete the data directory with the instance: only where this is written in the inventory, and once that was approved."`
	RemoveBackup bool `var:"pg_rm_backup" default:"true" doc:"Pigsty deletes the backups with the primary; pigsync never removes a backup."`
	RemovePkg    bool `var:"pg_rm_pkg" default:"true" doc:"Pigsty takes the packages off with the instance; pigsync leaves them."`
}

// Restarts is who leads, and how a member that must start again does so.
type Restarts struct {
	PreferredLeader bool `var:"pg_preferred_leader" default:"false" doc:"Let this member lead whenever it can: after a failover another switchover is proposed, which waits for an approval."`

	LeaderRestart string `var:"pg_leader_restart" default:"in_place" enum:"in_place,switchover" doc:"How a leader restarts: where it is, with its clients waiting at the pooler, or after another member has taken the lead, which waits for an approval."`
}

// around are the parameters of other modules that decide what the rules of a cluster mean.
type around struct {
	AdminIP     string   `var:"admin_ip" default:"10.10.10.10"`
	Intranet    []string `var:"node_firewall_intranet" default:"[10.0.0.0/8, 192.168.0.0/16, 172.16.0.0/12]"`
	HAProxy     bool     `var:"haproxy_enabled" default:"true"`
	HAProxyAt   int      `var:"haproxy_exporter_port" default:"9101"`
	MetricsPath string   `var:"exporter_metrics_path" default:"/metrics" kind:"path"`

	Validity time.Duration `var:"cert_validity" default:"7300d" min:"1h"`
}
