package node

import (
	"net/netip"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/resource"
)

// Vars are the parameters of NODE, and those of other modules that this one reads; the meaning,
// levels and defaults are those of Pigsty v4.5.
type Vars struct {
	borrowed
	Identity
	DNS
	Packaging
	Tuning
	Security
	Admin
	Time
	VIP
	HAProxy
	Watching
	Docker
	Leaving
}

// borrowed are parameters of INFRA and PGSQL that a node needs as well.
type borrowed struct {
	AdminIP      string   `var:"admin_ip" default:"10.10.10.10" doc:"The address of the admin node, which ${admin_ip} stands for."`
	PGCluster    string   `var:"pg_cluster" doc:"The PostgreSQL cluster that the host belongs to."`
	PGSeq        string   `var:"pg_seq" doc:"The number of the host's PostgreSQL instance within its cluster."`
	PGVersion    int      `var:"pg_version" default:"18" doc:"The release of PostgreSQL, which $v and ${pg_version} stand for in a list of packages."`
	RepoEndpoint string   `var:"repo_endpoint" default:"http://${admin_ip}:80" doc:"The URL under which nodes reach the local package repository."`
	RepoName     string   `var:"repo_name" default:"pigsty" doc:"The directory of the local package repository."`
	Upstream     []Source `var:"repo_upstream" doc:"Where packages come from, one entry for each source."`
	Region       string   `var:"region" default:"default" doc:"Which mirror of each source to use."`
	CACreate     bool     `var:"ca_create" default:"true" doc:"Make a certificate authority when there is none."`
	CAName       string   `var:"ca_cn" default:"pigsty-ca" doc:"The common name of the certificate authority."`
}

// Identity is what a node is called.
type Identity struct {
	Nodename      string `var:"nodename" pattern:"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?" like:"pg-test-1" doc:"The name of the node; without one it keeps the name it has."`
	Cluster       string `var:"node_cluster" default:"nodes" pattern:"[A-Za-z0-9][A-Za-z0-9_.-]*" doc:"The set of nodes this one is shown with, and shares a VIP with."`
	NameOverwrite bool   `var:"nodename_overwrite" default:"true" doc:"Give the machine its name, instead of using the name as a label only."`
	NameExchange  bool   `var:"nodename_exchange" default:"false" doc:"Write the names of all nodes into the hosts file of each."`
	NameFromPG    bool   `var:"node_id_from_pg" default:"true" doc:"Name the node after its PostgreSQL instance, when it has one."`
}

// DNS is how a node finds others by name.
type DNS struct {
	WriteHosts   bool     `var:"node_write_etc_hosts" default:"true" doc:"Manage the marked lines of /etc/hosts."`
	DefaultHosts []string `var:"node_default_etc_hosts" default:"[\"${admin_ip} i.pigsty\"]" doc:"Lines for the hosts file of every node: an address and its names."`
	Hosts        []string `var:"node_etc_hosts" doc:"More lines for the hosts file of these nodes."`
	DNSMethod    string   `var:"node_dns_method" default:"add" enum:"add,none,overwrite" doc:"What to do with the resolvers a node has: add ours, leave them, or replace them."`
	DNSServers   []string `var:"node_dns_servers" default:"[\"${admin_ip}\"]" doc:"The addresses of the resolvers."`
	DNSOptions   []string `var:"node_dns_options" default:"[\"options single-request-reopen timeout:1\"]" doc:"Other lines of resolv.conf."`
}

// Packaging is where a node's packages come from and which it has.
type Packaging struct {
	RepoModules     string   `var:"node_repo_modules" default:"local" doc:"The groups of package sources a node uses, with commas between them."`
	RepoRemove      bool     `var:"node_repo_remove" default:"true" doc:"Set the package sources of others aside; only where the inventory says so itself."`
	DefaultPackages []string `var:"node_default_packages" doc:"Packages that every node has; the default depends on the system. An item is a name, an alias or name=version."`
	Packages        []string `var:"node_packages" default:"[\"openssh-server\"]" doc:"More packages of these nodes, as node_default_packages."`
	UVEnv           string   `var:"node_uv_env" default:"/data/venv" kind:"path" doc:"Where the Python environment is made; empty for none."`
	PIPPackages     string   `var:"node_pip_packages" doc:"Python packages for that environment, with spaces between them."`
}

// Tuning is how a node's kernel is set up.
type Tuning struct {
	DisableNUMA     bool              `var:"node_disable_numa" default:"false" doc:"Switch NUMA off in the kernel's arguments; takes a reboot."`
	DisableSwap     bool              `var:"node_disable_swap" default:"false" doc:"Switch swap off."`
	StaticNetwork   bool              `var:"node_static_network" default:"true" doc:"Keep the resolvers over a restart of the network."`
	DiskPrefetch    bool              `var:"node_disk_prefetch" default:"false" doc:"Read ahead on rotating disks."`
	KernelModules   []string          `var:"node_kernel_modules" default:"[softdog, ip_vs, ip_vs_rr, ip_vs_wrr, ip_vs_sh]" pattern:"[A-Za-z0-9_-]+" like:"ip_vs" doc:"Kernel modules to load, now and at every start."`
	HugepageCount   int               `var:"node_hugepage_count" default:"0" min:"0" doc:"How many huge pages of 2 MB to reserve."`
	HugepageRatio   float64           `var:"node_hugepage_ratio" default:"0" min:"0" max:"1" doc:"Which part of the memory to reserve as huge pages, when no count is given."`
	OvercommitRatio float64           `var:"node_overcommit_ratio" default:"0" min:"0" doc:"The percentage of memory that may be promised; 0 leaves overcommit as it is."`
	Tune            string            `var:"node_tune" default:"oltp" enum:"none,oltp,olap,crit,tiny" doc:"The tuned profile."`
	ProfileDir      string            `var:"node_tuned_profile_dir" default:"/etc/tuned" kind:"path" doc:"Where the tuned profiles are put; the place depends on the system."`
	Sysctl          map[string]string `var:"node_sysctl_params" default:"{fs.nr_open: 8388608}" doc:"Kernel settings by name, over those of the profile."`
	Data            string            `var:"node_data" default:"/data" kind:"path" doc:"The directory where the data of all modules lies."`
}

// Security is how a node protects itself.
type Security struct {
	SELinux      string         `var:"node_selinux_mode" default:"permissive" enum:"disabled,permissive,enforcing" doc:"The mode of SELinux, where the system has it."`
	FirewallMode string         `var:"node_firewall_mode" default:"zone" enum:"zone,off,none" doc:"Manage the firewall by zones, switch it off, or leave it alone."`
	Intranet     []netip.Prefix `var:"node_firewall_intranet" default:"[10.0.0.0/8, 192.168.0.0/16, 172.16.0.0/12]" doc:"The networks that are trusted, and that the HBA alias intra stands for."`
	PublicPorts  []int          `var:"node_firewall_public_port" default:"[22, 80, 443]" kind:"port" doc:"The ports that are open to everybody."`
}

// Admin is the account that administrates a node.
type Admin struct {
	Enabled   bool              `var:"node_admin_enabled" default:"true" doc:"Make an account for administrators."`
	UID       int               `var:"node_admin_uid" default:"88" min:"1" max:"60000" doc:"The number of that account and of its group."`
	Username  string            `var:"node_admin_username" default:"dba" pattern:"[a-z_][a-z0-9_-]{0,31}" doc:"The name of that account."`
	Sudo      string            `var:"node_admin_sudo" default:"nopass" enum:"none,limit,all,nopass" doc:"What that account may do with sudo."`
	Exchange  bool              `var:"node_admin_ssh_exchange" default:"true" doc:"Let that account reach the other nodes with its own key."`
	PKCurrent bool              `var:"node_admin_pk_current" default:"true" doc:"Let the keys that pigsync itself comes with log in as that account."`
	PKList    []string          `var:"node_admin_pk_list" doc:"More public keys that may log in."`
	Aliases   map[string]string `var:"node_aliases" doc:"Shell aliases by name."`
}

// Time is a node's clock and what happens by it.
type Time struct {
	Zone             string   `var:"node_timezone" doc:"The time zone, such as Europe/Berlin; empty leaves it as it is."`
	NTPEnabled       bool     `var:"node_ntp_enabled" default:"true" doc:"Keep the clock with chrony."`
	NTPServers       []string `var:"node_ntp_servers" default:"[pool pool.ntp.org iburst]" doc:"The lines of chrony that name where the time comes from."`
	CrontabOverwrite bool     `var:"node_crontab_overwrite" default:"true" doc:"Replace /etc/crontab, instead of adding to it."`
	Crontab          []string `var:"node_crontab" doc:"The lines of /etc/crontab, with a user column."`
}

// VIP is the address that nodes share by keepalived.
type VIP struct {
	VIPEnabled   bool             `var:"vip_enabled" default:"false" doc:"Share an address between the nodes that name the same one."`
	VIPAddress   netip.Addr       `var:"vip_address" doc:"The shared address, without a mask."`
	VRID         int              `var:"vip_vrid" min:"1" max:"254" doc:"The number of the virtual router, one for each shared address of a network."`
	VIPRole      string           `var:"vip_role" default:"backup" enum:"master,backup" doc:"Whether the node holds the address at first."`
	VIPPreempt   bool             `var:"vip_preempt" default:"false" doc:"Let a stronger node take the address back."`
	VIPInterface string           `var:"vip_interface" default:"auto" pattern:"[A-Za-z0-9_.:@-]{1,15}" like:"eth0" doc:"The network interface of the address; auto is the one with the host's own."`
	VIPSuffix    string           `var:"vip_dns_suffix" pattern:"[A-Za-z0-9.-]*" like:".vip" doc:"What follows the cluster's name in the DNS name of the address."`
	VIPAuthPass  inventory.Secret `var:"vip_auth_pass" doc:"The password the nodes show each other; empty makes one of cluster and router number."`
	VIPExporter  int              `var:"vip_exporter_port" default:"9650" kind:"port" doc:"The port of the metrics of keepalived."`
}

// HAProxy is a node's load balancer.
type HAProxy struct {
	HAProxyEnabled bool             `var:"haproxy_enabled" default:"true" doc:"Run haproxy on the node."`
	HAProxyClean   bool             `var:"haproxy_clean" default:"false" doc:"Delete every service of haproxy first, those of PostgreSQL too."`
	HAProxyReload  bool             `var:"haproxy_reload" default:"true" doc:"Let haproxy read a change at once."`
	HAProxyAuth    bool             `var:"haproxy_auth_enabled" default:"true" doc:"Ask for a password on haproxy's page."`
	HAProxyUser    string           `var:"haproxy_admin_username" default:"admin" pattern:"[A-Za-z0-9_.@-]+" doc:"The account of haproxy's page."`
	HAProxyPass    inventory.Secret `var:"haproxy_admin_password" default:"pigsty" doc:"The password of haproxy's page."`
	HAProxyPort    int              `var:"haproxy_exporter_port" default:"9101" kind:"port" doc:"The port of haproxy's page and metrics."`
	ClientTimeout  string           `var:"haproxy_client_timeout" default:"24h" pattern:"[0-9]+(us|ms|s|m|h|d)?" doc:"How long a client may be idle."`
	ServerTimeout  string           `var:"haproxy_server_timeout" default:"24h" pattern:"[0-9]+(us|ms|s|m|h|d)?" doc:"How long a server may be idle."`
	Services       []Service        `var:"haproxy_services" doc:"What the node's haproxy offers beside the services of PostgreSQL."`
}

// Watching is how a node is watched: its metrics and logs.
type Watching struct {
	ExporterEnabled bool     `var:"node_exporter_enabled" default:"true" doc:"Offer the node's metrics."`
	ExporterPort    int      `var:"node_exporter_port" default:"9100" kind:"port" doc:"The port of the node's metrics."`
	ExporterOptions string   `var:"node_exporter_options" default:"--no-collector.softnet --no-collector.nvme --collector.tcpstat --collector.processes" doc:"More flags of the node exporter."`
	VectorEnabled   bool     `var:"vector_enabled" default:"true" doc:"Send the node's logs away with vector."`
	VectorClean     bool     `var:"vector_clean" default:"false" doc:"Forget which logs were sent already."`
	VectorData      string   `var:"vector_data" default:"/data/vector" kind:"path" doc:"Where vector remembers what it sent."`
	VectorPort      int      `var:"vector_port" default:"9598" kind:"port" doc:"The port of vector's own metrics."`
	VectorReadFrom  string   `var:"vector_read_from" default:"beginning" enum:"beginning,end" doc:"Where to begin in a log that is new to vector."`
	VectorEndpoint  []string `var:"vector_log_endpoint" default:"[infra]" doc:"Where the logs go: the word infra, or URLs."`
}

// Source is an entry of repo_upstream.
type Source struct {
	Name        string            `var:"name" required:"true" pattern:"[A-Za-z0-9][A-Za-z0-9._:-]*" like:"pgdg" doc:"What the source is called."`
	Description string            `var:"description" doc:"What it is, for people."`
	Module      string            `var:"module" required:"true" pattern:"[a-z0-9_-]+" like:"pgsql" doc:"The group of sources it belongs to."`
	Releases    []string          `var:"releases" pattern:"[0-9]+([.][0-9]+)?" like:"13" doc:"The major releases of the system it is for; none means all."`
	Arch        []string          `var:"arch" enum:"x86_64,aarch64" doc:"The architectures it is for, x86_64 or aarch64; none means all."`
	BaseURL     map[string]string `var:"baseurl" required:"true" doc:"Its URL by region; default is for every other region."`
	Meta        map[string]string `var:"meta" doc:"More options of a yum source. The option gpgkey may be the text of the key itself."`
	Minor       bool              `var:"minor" default:"false" doc:"Use the whole release of the system in the URL, not the major one."`
}

// Service is an entry of haproxy_services.
type Service struct {
	Name     string   `var:"name" required:"true" pattern:"[A-Za-z0-9][A-Za-z0-9_.:-]*" like:"web" doc:"What the service is called; its file has the same name."`
	Port     int      `var:"port" required:"true" kind:"port" doc:"The port clients connect to."`
	IP       string   `var:"ip" default:"*" doc:"The address clients connect to; * is every one."`
	Protocol string   `var:"protocol" default:"tcp" enum:"tcp,http" doc:"What haproxy understands of the traffic."`
	Balance  string   `var:"balance" default:"roundrobin" doc:"How a server is chosen."`
	MaxConn  int      `var:"maxconn" default:"10000" min:"1" doc:"How many connections are taken at once."`
	Default  string   `var:"default" doc:"Options of every server."`
	Options  []string `var:"options" doc:"More lines of the section, as they are."`
	Servers  []Server `var:"servers" doc:"Where the traffic goes."`
}

// Server is an entry of the servers of a Service.
type Server struct {
	Name    string `var:"name" required:"true" pattern:"[A-Za-z0-9_.:-]+" like:"web-1" doc:"What the server is called."`
	IP      string `var:"ip" required:"true" doc:"Its address."`
	Port    int    `var:"port" required:"true" kind:"port" doc:"Its port."`
	Backup  bool   `var:"backup" default:"false" doc:"Use it only when no other server is left."`
	Weight  *int   `var:"weight" min:"0" max:"256" doc:"Its share of the traffic."`
	Options string `var:"options" doc:"More options of the server, as they are."`
}

// expand replaces the placeholders a line of this host may hold.
func (v *Vars) expand(s string, f resource.Facts) string {
	return inventory.Expand(s, map[string]string{
		"admin_ip":        v.AdminIP,
		"distro_codename": f.Codename,
		"distro_name":     f.Distro,
	})
}

// name is the node's name: borrowed from PostgreSQL's identity, else explicit, else "" for the one
// it has.
func (v *Vars) name() string {
	if v.namedByPG() {
		return v.PGCluster + "-" + v.PGSeq
	}
	return v.Nodename
}

func (v *Vars) namedByPG() bool { return v.NameFromPG && v.PGCluster != "" && v.PGSeq != "" }

// cluster is the set of nodes the node is in.
func (v *Vars) cluster() string {
	if (v.Cluster == "" || v.Cluster == "nodes") && v.NameFromPG && v.PGCluster != "" {
		return v.PGCluster
	}
	return v.Cluster
}

// words splits a list whose items may themselves hold several names.
func words(lists ...[]string) []string {
	var out []string
	seen := map[string]bool{}
	for _, list := range lists {
		for _, item := range list {
			for _, w := range strings.FieldsFunc(item, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }) {
				if !seen[w] {
					seen[w] = true
					out = append(out, w)
				}
			}
		}
	}
	return out
}
