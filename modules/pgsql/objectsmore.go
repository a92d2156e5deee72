package pgsql

import (
	"go/token"

	"github.com/pigsync/pigsync/inventory"
)

// Repo is an entry of pgbackrest_repo: options of pgBackRest for a repository.
type Repo struct {
	Pos           token.Position
	Type          string                     `var:"type" default:"posix" enum:"posix,s3,gcs,azure,sftp,cifs" doc:"Kind of storage."`
	Path          string                     `var:"path" default:"/var/lib/pgbackrest" kind:"path" doc:"Path inside the storage."`
	Endpoint      string                     `var:"s3_endpoint" doc:"Host of the object store."`
	Region        string                     `var:"s3_region" doc:"Region of the object store."`
	Bucket        string                     `var:"s3_bucket" doc:"Bucket that holds the backups."`
	Key           inventory.Secret           `var:"s3_key" doc:"Access key of the object store."`
	KeySecret     inventory.Secret           `var:"s3_key_secret" doc:"Secret key of the object store."`
	URIStyle      string                     `var:"s3_uri_style" default:"host" enum:"host,path" doc:"Whether the bucket is a part of the host or of the path."`
	Port          int                        `var:"storage_port" default:"443" kind:"port" doc:"Port of the object store."`
	CAFile        string                     `var:"storage_ca_file" kind:"path" doc:"Authority that vouches for the object store."`
	VerifyTLS     string                     `var:"storage_verify_tls" enum:"y,n,yes,no,true,false,on,off" doc:"Whether the certificate of the object store is looked at."`
	Block         string                     `var:"block" enum:"y,n,yes,no,true,false,on,off" doc:"Save changed blocks of files only."`
	Bundle        string                     `var:"bundle" enum:"y,n,yes,no,true,false,on,off" doc:"Put small files into one."`
	BundleLimit   string                     `var:"bundle_limit" doc:"Size below which a file is bundled."`
	BundleSize    string                     `var:"bundle_size" doc:"Size of a bundle."`
	CipherType    string                     `var:"cipher_type" enum:"none,aes-256-cbc" doc:"How the repository is encrypted."`
	CipherPass    inventory.Secret           `var:"cipher_pass" doc:"Passphrase of the repository; it cannot be changed in place."`
	RetentionType string                     `var:"retention_full_type" default:"count" enum:"count,time" doc:"Whether full backups are kept by number or by days."`
	RetentionFull *int                       `var:"retention_full" min:"1" max:"9999999" doc:"How many full backups, or for how many days."`
	RetentionDiff *int                       `var:"retention_diff" min:"1" max:"9999999" doc:"How many differential backups."`
	Rest          map[string]inventory.Value `var:"*"`
}

// Exporter is an entry of pg_exporters: PostgreSQL elsewhere, watched from here.
type Exporter struct {
	Pos             token.Position
	Cluster         string           `var:"pg_cluster" required:"true" pattern:"[A-Za-z0-9_-]+" like:"pg-test" doc:"Name to show the remote cluster under."`
	Seq             int              `var:"pg_seq" required:"true" min:"0" doc:"Number of the remote instance in its cluster."`
	Host            string           `var:"pg_host" required:"true" doc:"Host of the remote instance."`
	Port            int              `var:"pg_port" kind:"port" default:"5432" doc:"Port of the remote instance."`
	Dbsu            string           `var:"pg_dbsu" doc:"Account the exporter runs as."`
	MonitorUser     string           `var:"pg_monitor_username" doc:"Role to connect with."`
	MonitorPassword inventory.Secret `var:"pg_monitor_password" doc:"Password of that role."`
	URL             inventory.Secret `var:"pg_exporter_url" doc:"Connection string, instead of the one that is made."`
	Config          string           `var:"pg_exporter_config" doc:"File that says what is collected."`
	TTLs            string           `var:"pg_exporter_cache_ttls" doc:"Seconds that the four kinds of metrics are kept."`
	Params          string           `var:"pg_exporter_params" doc:"Parameters of the connection."`
	Discovery       *bool            `var:"pg_exporter_auto_discovery" doc:"Watch every database, not only the first."`
	Include         string           `var:"pg_exporter_include_database" doc:"The only databases that are watched."`
	Exclude         string           `var:"pg_exporter_exclude_database" doc:"Databases that are not watched."`
	Timeout         *int             `var:"pg_exporter_connect_timeout" min:"1" doc:"Milliseconds to wait for a connection."`
	Databases       []Database       `var:"pg_databases" doc:"Databases that become data sources of Grafana."`
}

// Segment is an entry of pg_instances: one instance of Greenplum.
type Segment struct {
	Cluster      string                     `var:"pg_cluster" required:"true" doc:"Name of the cluster the instance belongs to."`
	Seq          int                        `var:"pg_seq" required:"true" min:"0" doc:"Number of the instance in its cluster."`
	Role         string                     `var:"pg_role" doc:"Role of the instance."`
	ExporterPort int                        `var:"pg_exporter_port" kind:"port" default:"9630" doc:"Port of its exporter."`
	Rest         map[string]inventory.Value `var:"*"`
}

// PITR is pg_pitr: to which moment to go back, and how.
type PITR struct {
	Pos       token.Position
	Cluster   string            `var:"cluster" doc:"Cluster whose backups are restored; this one when it is not set."`
	Type      string            `var:"type" default:"default" enum:"default,time,xid,name,lsn,immediate" doc:"What the moment is given by."`
	Time      string            `var:"time" doc:"The moment as a time."`
	Name      string            `var:"name" doc:"The moment as the name of a restore point."`
	XID       string            `var:"xid" pattern:"[0-9]*" like:"1234567" doc:"The moment as a transaction."`
	LSN       string            `var:"lsn" pattern:"([0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8})?" like:"0/3000148" doc:"The moment as a place in the write-ahead log."`
	Set       string            `var:"set" doc:"Backup to begin with; the latest that fits when it is not set."`
	Timeline  string            `var:"timeline" doc:"Timeline to follow."`
	Exclusive bool              `var:"exclusive" default:"false" doc:"Stop before the moment rather than behind it."`
	Action    string            `var:"action" default:"pause" enum:"pause,promote,shutdown" doc:"What to do when the moment is reached."`
	Archive   *bool             `var:"archive" doc:"Keep archiving while it is restored."`
	Include   []string          `var:"db_include" doc:"Databases to restore."`
	Exclude   []string          `var:"db_exclude" doc:"Databases to leave out."`
	LinkMap   map[string]string `var:"link_map" doc:"New targets of symbolic links."`
	Process   *int              `var:"process" min:"1" max:"999" doc:"How many processes restore."`
	Repo      inventory.Value   `var:"repo" doc:"Repository to restore from, as an entry of pgbackrest_repo."`
	Backup    inventory.Value   `var:"backup" doc:"Whether to save the present data first."`
	Data      string            `var:"data" kind:"path" doc:"Directory to restore into."`
	Port      *int              `var:"port" kind:"port" doc:"Port of what is restored."`
}
