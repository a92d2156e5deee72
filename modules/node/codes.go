package node

// The codes of this module's problems.
const (
	CodeNoCA     = "NODE001" // no authority, and none may be made
	CodeNoSource = "NODE002" // a repository module that nothing defines for this system
	CodeSameName = "NODE003" // two nodes with one name
	CodeName     = "NODE004" // a name that a kernel or DNS would refuse
	CodeCron     = "NODE005" // a line that cron cannot read
	CodeHosts    = "NODE006" // a line that is no line of a hosts file
	CodeSysctl   = "NODE007" // a name that is no kernel setting
	CodeZone     = "NODE008" // a text that is no time zone
	CodeTime     = "NODE009" // a line that chrony takes no time from
	CodeResolver = "NODE010" // a resolver that is no address, or a line that is not of resolv.conf
	CodeNoVIP    = "NODE011" // a shared address that is switched on and not given
	CodePeers    = "NODE012" // nodes that share an address and do not agree about it
	CodeVRID     = "NODE013" // one router number for two shared addresses of a network
	CodeMasters  = "NODE014" // a shared address with two masters
	CodeFarVIP   = "NODE015" // a shared address in a network none of its nodes is in
	CodeService  = "NODE016" // two services, or two servers of one, with the same name
	CodeServer   = "NODE017" // a server of a service that is no host, or no address at all
	CodeAlias    = "NODE018" // a name that no shell takes for an alias
	CodeKey      = "NODE019" // a text that is no public key
	CodeClosed   = "NODE040" // a firewall that would close the port by which the hand comes in
	CodeOutside  = "NODE041" // a node outside of the networks that its firewall trusts
	CodeNoNIC    = "NODE050" // a shared address, and no network interface to hold it
	CodeVIPAuth  = "NODE051" // a password that VRRP cannot carry
	CodeLeftOut  = "NODE052" // a program that is left out, because no package source offers it

	CodeRepoName   = "NODE060" // a name that no module of package sources can have
	CodeNoURL      = "NODE061" // a package source that has no URL for the region
	CodeOption     = "NODE062" // an option that would break the file of a package source
	CodeTwoSources = "NODE063" // two package sources of one module with the same name
	CodePackage    = "NODE064" // a word that is no package
	CodeNoOwn      = "NODE065" // package sources of others that cannot go, because there are no others
)
