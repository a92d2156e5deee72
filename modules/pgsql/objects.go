package pgsql

import (
	"go/token"

	"github.com/pigsync/pigsync/inventory"
)

// User is an entry of pg_users and pg_default_roles. What is nil is left as it is.
type User struct {
	Pos        token.Position
	Name       string                     `var:"name" required:"true" doc:"Name of the role."`
	State      string                     `var:"state" default:"create" enum:"create,absent" doc:"Absent drops the role; what it owns goes to the superuser."`
	Password   inventory.Secret           `var:"password" doc:"Password, in plain text or hashed as md5 or SCRAM-SHA-256; without one it is left alone."`
	Login      *bool                      `var:"login" doc:"May log in to databases."`
	Superuser  *bool                      `var:"superuser" doc:"Passes every permission check."`
	CreateDB   *bool                      `var:"createdb" doc:"May create databases."`
	CreateRole *bool                      `var:"createrole" doc:"May create roles."`
	Inherit    *bool                      `var:"inherit" doc:"Has the privileges of the roles it is in without asking for them."`
	Replicate  *bool                      `var:"replication" doc:"May stream the write-ahead log."`
	BypassRLS  *bool                      `var:"bypassrls" doc:"Is not bound by row-level security."`
	ConnLimit  *int                       `var:"connlimit" min:"-1" doc:"Number of connections it may have; -1 for any."`
	ExpireIn   *int                       `var:"expire_in" min:"0" doc:"Days from now until the password expires; stronger than expire_at."`
	ExpireAt   string                     `var:"expire_at" doc:"Date on which the password expires, or infinity."`
	Parameters map[string]inventory.Value `var:"parameters" doc:"Settings of its sessions; DEFAULT takes one away."`
	Comment    string                     `var:"comment" doc:"Comment on the role."`
	Roles      []inventory.Value          `var:"roles" doc:"Roles it is in: names, or objects with name, state, admin, set and inherit."`
	Pooled     bool                       `var:"pgbouncer" default:"false" doc:"May connect through the pooler."`
	PoolMode   string                     `var:"pool_mode" enum:"transaction,session,statement" doc:"How long it keeps a connection of the pooler."`
	PoolLimit  *int                       `var:"pool_connlimit" min:"-1" doc:"Number of connections it may have in the pooler."`
}

// Membership is an entry of a user's roles.
type Membership struct {
	Pos     token.Position
	Name    string `var:"name" required:"true" doc:"Name of the role to be in."`
	State   string `var:"state" default:"grant" enum:"grant,revoke,absent" doc:"Revoke and absent end the membership."`
	Admin   *bool  `var:"admin" doc:"May let others into the role."`
	Set     *bool  `var:"set" doc:"May become the role; from PostgreSQL 16 on."`
	Inherit *bool  `var:"inherit" doc:"Has the role's privileges without asking for them; from PostgreSQL 16 on."`
}

// Database is an entry of pg_databases.
type Database struct {
	Pos        token.Position
	Name       string                     `var:"name" required:"true" doc:"Name of the database."`
	State      string                     `var:"state" default:"create" enum:"create,absent,recreate" doc:"Absent drops the database; recreate drops and makes it again."`
	Owner      string                     `var:"owner" doc:"Role that owns the database."`
	Template   string                     `var:"template" doc:"Database it is copied from; only when it is created."`
	Encoding   string                     `var:"encoding" doc:"Encoding; only when it is created."`
	Locale     string                     `var:"locale" doc:"Locale; only when it is created."`
	LCCollate  string                     `var:"lc_collate" doc:"Sort order; only when it is created."`
	LCCtype    string                     `var:"lc_ctype" doc:"Character classes; only when it is created."`
	Provider   string                     `var:"locale_provider" enum:"libc,icu,builtin" doc:"Who knows the locale, from PostgreSQL 15 on; only when it is created."`
	ICULocale  string                     `var:"icu_locale" doc:"Locale of ICU, from PostgreSQL 15 on; only when it is created."`
	ICURules   string                     `var:"icu_rules" doc:"More rules for ICU, from PostgreSQL 16 on; only when it is created."`
	Builtin    string                     `var:"builtin_locale" doc:"Locale of PostgreSQL's own, from 17 on; only when it is created."`
	Strategy   string                     `var:"strategy" enum:"FILE_COPY,WAL_LOG,file_copy,wal_log" doc:"How it is copied, from PostgreSQL 15 on; only when it is created."`
	Tablespace string                     `var:"tablespace" doc:"Where its files lie; to change it moves them under a lock."`
	IsTemplate *bool                      `var:"is_template" doc:"Anybody who may create databases may copy it."`
	AllowConn  *bool                      `var:"allowconn" doc:"May be connected to at all."`
	RevokeConn *bool                      `var:"revokeconn" doc:"Only its owner and the system roles may connect."`
	ConnLimit  *int                       `var:"connlimit" min:"-1" doc:"Number of connections it may have; -1 for any."`
	Parameters map[string]inventory.Value `var:"parameters" doc:"Settings of its sessions; DEFAULT takes one away."`
	Comment    string                     `var:"comment" doc:"Comment on the database."`
	Schemas    []inventory.Value          `var:"schemas" doc:"Schemas: names, or objects with name, owner and state."`
	Extensions []inventory.Value          `var:"extensions" doc:"Extensions: names, or objects with name, schema, version and state."`
	Baseline   string                     `var:"baseline" doc:"File with SQL that is run once it is created."`
	Pooled     bool                       `var:"pgbouncer" default:"true" doc:"Can be reached through the pooler."`
	PoolAuth   string                     `var:"pool_auth_user" doc:"Role the pooler looks passwords up with."`
	PoolMode   string                     `var:"pool_mode" enum:"transaction,session,statement" doc:"How long a client keeps a connection of the pooler."`
	PoolSize   *int                       `var:"pool_size" min:"0" doc:"Connections of the pooler to it."`
	PoolMin    *int                       `var:"pool_size_min" min:"0" doc:"Connections the pooler keeps open at least."`
	PoolSpare  *int                       `var:"pool_reserve" min:"0" doc:"Connections the pooler may open beyond its size."`
	PoolLimit  *int                       `var:"pool_connlimit" min:"-1" doc:"Connections the pooler may have to it in all."`
	Datasource bool                       `var:"register_datasource" default:"true" doc:"Make it a data source of Grafana."`
}

// Schema is an entry of a database's schemas.
type Schema struct {
	Pos   token.Position
	Name  string `var:"name" required:"true" doc:"Name of the schema."`
	Owner string `var:"owner" doc:"Role that owns the schema."`
	State string `var:"state" default:"create" enum:"create,absent" doc:"Absent drops the schema with all that is in it."`
}

// Extension is an entry of a database's extensions and of pg_default_extensions.
type Extension struct {
	Pos     token.Position
	Name    string `var:"name" required:"true" doc:"Name as CREATE EXTENSION takes it."`
	Schema  string `var:"schema" doc:"Schema it is created in."`
	Version string `var:"version" doc:"Version to create; one that exists is not moved."`
	State   string `var:"state" default:"create" enum:"create,absent" doc:"Absent drops the extension with all that depends on it."`
}

// HBARule is an entry of the four lists of HBA rules: raw lines, or an address with an alias or two.
type HBARule struct {
	Pos   token.Position
	Title string            `var:"title" doc:"What the rule is for."`
	Role  string            `var:"role" default:"default" enum:"default,common,primary,replica,offline,standby,delayed" doc:"Instances on which the rule holds, by their role in the inventory."`
	Order *int              `var:"order" doc:"Place among the rules, the smallest first; rules without one come last."`
	Rules []inventory.Value `var:"rules" doc:"Lines of pg_hba.conf as they stand."`
	User  string            `var:"user" default:"all" doc:"Role, +group, all, or a placeholder for a system role."`
	DB    string            `var:"db" default:"all" doc:"Database, all, or replication."`
	Addr  string            `var:"addr" doc:"Address with mask, or local, localhost, admin, infra, cluster, intra or world."`
	Auth  string            `var:"auth" default:"pwd" enum:"deny,pwd,ssl,sha,cert,md5,ssl-md5,ssl-sha,os,ident,peer,trust,reject,scram-sha-256" doc:"How clients prove who they are."`
}

// Service is an entry of pg_services and pg_default_services.
type Service struct {
	Pos      token.Position
	Name     string `var:"name" required:"true" pattern:"[A-Za-z0-9_.-]+" like:"replica" doc:"Name, which is appended to the cluster's."`
	Port     int    `var:"port" required:"true" kind:"port" doc:"Port of the load balancer."`
	IP       string `var:"ip" default:"*" doc:"Address it listens on; * for all."`
	Selector string `var:"selector" required:"true" doc:"JMESPath over the members' variables that picks the servers."`
	Backup   string `var:"backup" doc:"JMESPath that picks the servers of last resort."`
	Dest     string `var:"dest" default:"default" pattern:"default|postgres|pgbouncer|[1-9][0-9]{0,4}" like:"5432" doc:"Where it leads: default, postgres, pgbouncer or a port."`
	Check    string `var:"check" default:"/" pattern:"/.*" like:"/primary" doc:"Path of Patroni's REST API that answers 200 where the service may lead."`
	MaxConn  int    `var:"maxconn" default:"5000" min:"1" doc:"Number of connections it takes."`
	Balance  string `var:"balance" default:"roundrobin" doc:"How HAProxy picks a server."`
	Options  string `var:"options" doc:"Options of HAProxy for every server, instead of those of pg_rto_plan."`
}
