package minio

import "github.com/pigsync/pigsync/inventory"

// Vars are the parameters of MINIO, with the defaults of Pigsty v4.5.
type Vars struct {
	Type           string           `var:"minio_type" default:"silo" enum:"silo" doc:"Which program it is; v4.5 has silo only."`
	Seq            int              `var:"minio_seq" required:"true" min:"0" doc:"The number of the host within its store, without gaps."`
	Cluster        string           `var:"minio_cluster" required:"true" pattern:"[A-Za-z0-9][A-Za-z0-9-]*" like:"minio" doc:"The store that the host is a member of."`
	User           string           `var:"minio_user" default:"minio" pattern:"[a-z_][a-z0-9_-]{0,31}" doc:"The account that the server runs as."`
	HTTPS          bool             `var:"minio_https" default:"true" doc:"Speak TLS."`
	Node           string           `var:"minio_node" default:"${minio_cluster}-${minio_seq}.pigsty" doc:"How the members are called among themselves, by cluster and number."`
	Data           string           `var:"minio_data" default:"/data/minio" kind:"path" doc:"Where the data lies: one directory, or a range of disks such as /data{1...4}."`
	Volumes        string           `var:"minio_volumes" doc:"All volumes in the words of the server, in place of what is made of the members."`
	Domain         string           `var:"minio_domain" default:"sss.pigsty" doc:"The name under which clients reach the store."`
	Port           int              `var:"minio_port" default:"9000" kind:"port" doc:"The port of the store."`
	AdminPort      int              `var:"minio_admin_port" default:"9001" kind:"port" doc:"The port of its console."`
	AccessKey      string           `var:"minio_access_key" default:"minioadmin" doc:"The name of the administrator."`
	SecretKey      inventory.Secret `var:"minio_secret_key" default:"S3User.MinIO" doc:"The password of the administrator."`
	ExtraVars      inventory.Secret `var:"minio_extra_vars" doc:"More lines for the environment of the server."`
	Provision      bool             `var:"minio_provision" default:"true" doc:"Make buckets and users once the store runs."`
	Alias          string           `var:"minio_alias" default:"sss" pattern:"[A-Za-z][A-Za-z0-9_-]*" doc:"What clients on the infra hosts call the store."`
	Endpoint       string           `var:"minio_endpoint" pattern:"(https?://[^ ]+)?" like:"https://sss.pigsty:9000" doc:"The URL of the store for these clients, when it is not made of the domain."`
	Buckets        []Bucket         `var:"minio_buckets" default:"[{name: pgsql}, {name: meta, versioning: true}, {name: data}]" doc:"The buckets to make, each with a policy of its name."`
	Users          []User           `var:"minio_users" default:"[{access_key: pgbackrest, secret_key: S3User.Backup, policy: pgsql}, {access_key: s3user_meta, secret_key: S3User.Meta, policy: meta}, {access_key: s3user_data, secret_key: S3User.Data, policy: data}]" doc:"The users to make, each with a policy."`
	Safeguard      bool             `var:"minio_safeguard" default:"false" doc:"Refuse to remove the store."`
	RemoveData     bool             `var:"minio_rm_data" default:"true" doc:"Removing the store removes its data."`
	RemovePackages bool             `var:"minio_rm_pkg" default:"false" doc:"Removing the store removes its packages."`
}

// Bucket is an entry of minio_buckets.
type Bucket struct {
	Name       string `var:"name" required:"true" doc:"What the bucket is called."`
	Versioning bool   `var:"versioning" default:"false" doc:"Keep what is overwritten or deleted."`
	Lock       bool   `var:"lock" default:"false" doc:"Let objects be locked; only a new bucket can be made so."`
}

// User is an entry of minio_users.
type User struct {
	AccessKey string           `var:"access_key" required:"true" doc:"The name of the user."`
	SecretKey inventory.Secret `var:"secret_key" required:"true" doc:"The password of the user."`
	Policy    string           `var:"policy" doc:"What the user may do: the name of a bucket, or a policy of the server."`
}

// The codes of this module's problems.
const (
	CodeSameSeq  = "MINIO001" // two members with one minio_seq
	CodeGap      = "MINIO002" // numbers with a gap between them
	CodeGlobal   = "MINIO003" // minio_cluster among the variables of all hosts
	CodeData     = "MINIO004" // a data path that cannot be read, or not used
	CodeDisagree = "MINIO005" // members that do not agree about the store
	CodeNode     = "MINIO006" // a pattern that makes no name for each member
	CodeBucket   = "MINIO007" // a bucket the store would refuse, or one twice
	CodeUser     = "MINIO008" // a user the store would refuse, or one twice
	CodePolicy   = "MINIO009" // a policy that nobody defines
)
