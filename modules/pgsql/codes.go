package pgsql

// The codes of this module's problems. They keep their meaning; a retired one is not used again.
const (
	// Who is who.

	CodeName      = "PG001" // a cluster's name that etcd, DNS or the system would refuse
	CodeStray     = "PG002" // a host with half an identity: a number or a role, and no cluster
	CodeSameSeq   = "PG003" // two members with one pg_seq
	CodePrimaries = "PG004" // more than one initial primary
	CodeNoPrimary = "PG005" // no initial primary
	CodeTwoHomes  = "PG006" // a host that two groups put into different clusters
	CodeDisagree  = "PG007" // members disagree on what only a cluster can have
	CodeGlobal    = "PG008" // pg_cluster, pg_seq or pg_role for all hosts
	CodePrefix    = "PG009" // the name of one cluster begins that of another
	CodeSameName  = "PG010" // a cluster called like an instance, or like another cluster but for case
	CodeUpstream  = "PG011" // pg_upstream names nobody to follow
	CodeCircle    = "PG012" // members, or clusters, that follow each other in a circle
	CodeDelay     = "PG013" // pg_delay where nothing is delayed
	CodeCitus     = "PG014" // a part of Citus without shard or group, or the other way round

	// What runs.

	CodeVersion  = "PG015" // a release of PostgreSQL that is not supported
	CodeMode     = "PG016" // an engine without the library it consists of
	CodeTemplate = "PG017" // a template for pg_conf that nobody has
	CodeNoEtcd   = "PG018" // Patroni without etcd
	CodePlan     = "PG019" // timings that make failover impossible or too eager
	CodeForeign  = "PG024" // data of another cluster, or of nobody knows whom
	CodePaused   = "PG025" // somebody has paused Patroni
	CodePending  = "PG026" // settings wait for a restart
	CodePackage  = "PG027" // an item of a list of packages that is none
	CodeSite     = "PG090" // a host that an instance cannot be made on
	CodeHeadless = "PG091" // nobody leads a cluster that has been made
	CodeFavoured = "PG092" // a preferred leader beside another one, or one that is not to lead
	CodeOther    = "PG028" // a cluster that is kept by something else than Patroni on etcd

	// The virtual address of the leader.

	CodeSameVIP  = "PG020" // two clusters with one address
	CodeTakenVIP = "PG021" // an address that a host has
	CodeFarVIP   = "PG022" // outside the network of the hosts
	CodeBadVIP   = "PG023" // no address that can be kept, or a mask that cannot be meant

	CodeOldVIP = "PG029" // a vip-manager that cannot speak with etcd
	CodeNoCard = "PG039" // a host without a network card for the address

	// Services and ports.

	CodePort       = "PG030" // two things on one port of a host
	CodeSelector   = "PG031" // a selector that is no JMESPath
	CodeNobody     = "PG032" // a service without servers
	CodeProvider   = "PG033" // a group of load balancers that does not exist
	CodeCheckPath  = "PG034" // a health check that Patroni does not know
	CodeSameTwice  = "PG035" // two services with one name
	CodeBalance    = "PG036" // a way to balance that HAProxy does not know
	CodeSamePeer   = "PG037" // a remote instance that is watched twice
	CodeRemoteHost = "PG038" // a remote instance at an address that cannot be

	// Roles and databases.

	CodeRoleName     = "PG040" // a name that PostgreSQL or Pigsty refuses for a role
	CodeReserved     = "PG041" // a name that belongs to PostgreSQL
	CodeSameRole     = "PG042" // a role defined twice
	CodeNoRole       = "PG043" // a role that nobody defines
	CodeRoleCircle   = "PG044" // roles that are members of each other
	CodePoolPassword = "PG045" // a pooler's user without a password
	CodeNamePassword = "PG046" // a password that is the role's name
	CodeOwner        = "PG047" // a database or schema whose owner nobody defines
	CodeSameDatabase = "PG048" // a database defined twice
	CodeDatabaseName = "PG049" // a name that cannot be a database's
	CodeNewer        = "PG050" // what only a newer release knows
	CodeRecreate     = "PG051" // a database that is dropped again and again
	CodeProtected    = "PG052" // something that must not go
	CodeExpiry       = "PG053" // a date that is none, or is given twice
	CodeLocale       = "PG054" // a locale that does not go with its provider
	CodeSetting      = "PG055" // a setting that is unknown, or has no effect where it stands
	CodeBaseline     = "PG056" // a baseline that is not there

	// Extensions and libraries.

	CodeExtension = "PG060" // an extension nobody knows
	CodeMajor     = "PG061" // an extension the release does not have
	CodePreload   = "PG062" // an extension whose library is not loaded
	CodeLibrary   = "PG063" // a library whose package is not installed
	CodeUnoffered = "PG064" // a package that no source offers, and that is done without

	// Who may connect.

	CodeHBA         = "PG070" // a rule that cannot be read
	CodeShadowed    = "PG071" // a rule that can never match
	CodeHBAUnknown  = "PG072" // a rule for a role or database nobody has
	CodeHBARole     = "PG073" // a rule for members the cluster does not have
	CodeReplication = "PG074" // replication is locked out
	CodeMonitor     = "PG075" // monitoring is locked out
	CodeAdmin       = "PG076" // the administrator is locked out
	CodeTrust       = "PG077" // anybody may connect without a password

	// Backups and other duties.

	CodeNoRepo  = "PG080" // pgbackrest_method names no repository
	CodeNoStore = "PG081" // an object store that no MinIO cluster provides
	CodeRepo    = "PG082" // a repository whose options do not fit together
	CodeNoAim   = "PG083" // a recovery whose aim is missing
	CodeCron    = "PG084" // a cron line that cron would not take
	CodeListen  = "PG085" // an address PostgreSQL cannot listen on
	CodeMembers = "PG086" // synchronous replication without anybody to replicate to
	CodeStanza  = "PG087" // backups of another cluster under this one's name

	CodeDataFile = "PG088" // a file for the data directory that cannot be put there
)
