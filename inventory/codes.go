package inventory

// Codes of problems. They are stable: a code keeps its meaning, and a retired one is not reused.
const (
	// The file cannot be read as an inventory; Load returns these as its error.

	CodeTooLarge = "INV001" // the file is larger than 4 MiB
	CodeText     = "INV002" // not UTF-8, or control characters
	CodeSyntax   = "INV003" // not YAML
	CodeNoGroups = "INV004" // empty, not a mapping, or the configuration of an inventory plugin
	CodeManyDocs = "INV005" // more than one YAML document
	CodeLimit    = "INV006" // nested too deep, too many values, an alias inside itself, a key too long, and the like

	// YAML that parses but is not what Ansible accepts or what was meant.

	CodeDuplicate = "INV010" // a key given twice in one mapping; both places are named
	CodeKey       = "INV011" // a key that is a list or a mapping
	CodeTag       = "INV012" // a tag that is unknown, or does not fit its value
	CodeMerge     = "INV013" // << with something that is no mapping

	CodeDate   = "INV014" // a date that no calendar has
	CodeUnsafe = "INV015" // a list or mapping inside !unsafe, which Ansible reads as empty

	// The structure of groups and hosts.

	CodeTopLevel  = "INV020" // a top-level key that is neither all nor a group
	CodeSection   = "INV021" // a key in a group besides hosts, vars and children
	CodeShape     = "INV022" // a list where a mapping belongs, and the like
	CodeHost      = "INV023" // a host key that is no IP address
	CodeSameHost  = "INV024" // one address spelled in two ways
	CodeEmpty     = "INV025" // a group without hosts
	CodeLoop      = "INV026" // a group that is its own ancestor
	CodePriority  = "INV027" // ansible_group_priority that is no whole number
	CodeNoHosts   = "INV028" // an inventory without any host
	CodeTooMany   = "INV029" // more groups, or hosts in groups, than are accepted
	CodeUngrouped = "INV019" // the group ungrouped as a child of another one
	CodeVarsFile  = "INV032" // a file in group_vars or host_vars that cannot be read, or that nothing reads
	CodeJinja     = "INV030" // an expression that has no value: something in it is not defined, or cannot be computed
	CodeVault     = "INV031" // an Ansible vault value or file that no password opens
	CodeBroken    = "INV033" // what calls itself an Ansible vault and is none, or is damaged
	CodeSOPS      = "INV034" // a SOPS file that no key opens
	CodeChanged   = "INV035" // a SOPS file that was changed since it was encrypted, or is not as SOPS writes it
	CodeRef       = "INV036" // env:NAME or file:NAME that is not allowed, or not there

	// Parameters filled into typed fields.

	CodeType     = "INV040" // a value of the wrong type
	CodeRange    = "INV041" // the right type, but outside what is allowed
	CodeRequired = "INV042" // a required parameter that is missing or empty
	CodeField    = "INV043" // an object key that nothing reads

	// Expressions; see also CodeJinja.

	CodeExpression = "INV090" // an expression that cannot be read, or that names a filter there is not
	CodeCircle     = "INV091" // variables that refer to each other in a circle
	CodeRemote     = "INV092" // an expression that only a node can evaluate
	CodeKeyJinja   = "INV093" // an expression in a key, which nobody evaluates

	// Names.

	CodeUnknown = "INV050" // a variable that is no parameter of any release known here

	// Inventories of older releases: names.

	CodeOldRelease = "INV060" // the inventory is written for an older release
	CodeRenamed    = "INV061" // a parameter that has another name now
	CodeTwoNames   = "INV062" // the old and the new name at one place
	CodeDropped    = "INV063" // a parameter that is gone
	CodeNotCarried = "INV064" // a parameter whose value cannot be carried over to its successor
	CodeShapeOld   = "INV065" // a value that is written in another way now
	CodeOldGroup   = "INV066" // a group that has another name now

	// Inventories of older releases: meanings that changed and would hurt.

	CodeClusterOfV1  = "INV070" // a PostgreSQL cluster that v1 built
	CodeNoVersion    = "INV071" // no pg_version, whose default has changed
	CodeDirectory    = "INV072" // a directory that means another one now
	CodeRecoveryTime = "INV073" // pg_rto in seconds that no plan has
	CodeInterface    = "INV074" // no interface for a VIP, whose default has changed
	CodeRootKey      = "INV075" // no minio_secret_key, whose default has changed
	CodeNoStore      = "INV076" // dcs_servers without a group etcd
	CodeRulesOfV1    = "INV077" // pg_hba_rules of v1, which were added to built-in rules
	CodeTwoVIPs      = "INV078" // vip_mode of v1 in an inventory of a later release
	CodeDocker       = "INV079" // no docker_data, whose default has changed
	CodePortal       = "INV080" // a web address of a program that is gone
	CodeDormant      = "INV081" // the fleet is of v1: nothing is done with it

	CodeMore = "INV099" // stands for the problems left out after the first thousand
)
