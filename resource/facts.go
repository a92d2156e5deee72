package resource

import "net/netip"

// Facts are what is true of a node by nature: observed, never wanted. The id is "facts:node@<node>".
type Facts struct {
	Hostname string
	Arch     string // as Go names it: amd64, arm64
	Distro   string // /etc/os-release ID: debian, ubuntu, rocky
	Release  string // VERSION_ID: "13"
	Codename string // trixie
	CPU      int
	MemMB    int
	DiskMB   int // of the file system that holds /data, or would
	Free     []FileSystem
	BootID   string
	Packages string // package format: "deb", "rpm" or ""
	// Resolver is who writes /etc/resolv.conf: "resolved", "networkmanager", "resolvconf", "openresolv",
	// "dhclient", or "" for nobody.
	Resolver string
	// Nameservers are those NetworkManager had before us, with spaces between them.
	Nameservers string
	NICs        []NIC // those with an address, but for the loopback
	Ansible     Ansible
}

// Ansible is what is to be seen of Ansible on a node.
type Ansible struct {
	Runs  int  // the process that has tasks done from here, wherever that is; 0 for none
	Tasks bool // tasks are done here, or were a few seconds ago, wherever they come from
}

// FileSystem is how much room there is where a service writes: at the root, and where /data is, or would be.
type FileSystem struct {
	Path           string
	SizeMB, FreeMB int
}

// NIC is a network interface and its addresses, those that hold for one link only left out.
type NIC struct {
	Name  string
	Addrs []netip.Prefix
}

// NIC is the interface that has an address, "" when none has.
func (f Facts) NIC(addr netip.Addr) string {
	for _, n := range f.NICs {
		for _, p := range n.Addrs {
			if p.Addr() == addr {
				return n.Name
			}
		}
	}
	return ""
}

// NetworkManagerDNS is where NetworkManager is told of servers for all connections. BeforeUs begins the
// comment in it that says which there were before.
const (
	NetworkManagerDNS = "/etc/NetworkManager/conf.d/90-pigsty-dns.conf"
	BeforeUs          = "# written by pigsync; before it: "
)

// Kind is KindFacts.
func (Facts) Kind() Kind { return KindFacts }

// Compare finds nothing: nobody wants facts to be otherwise.
func (Facts) Compare(Spec) []Field { return nil }

// FactsOf is the id of a node's facts.
func FactsOf(node string) ID { return ID{Kind: KindFacts, Name: "node", At: node} }

// LastFactsOf is the id of what a node was when it was last seen, of one that cannot be seen now.
func LastFactsOf(node string) ID { return ID{Kind: KindFacts, Name: "last", At: node} }

// CA is a certificate authority on the admin side: "ca:pigsty-ca@admin". Its key never leaves it.
type CA struct {
	Name string // common name (parameter ca_cn)
	Days int    // lifetime when it is made
	PEM  string // the certificate; observed only
	Sum  string // fingerprint of PEM; observed only
}

// Kind is KindCA.
func (CA) Kind() Kind { return KindCA }

// Compare wants the authority to exist; one that exists is never made again.
func (c CA) Compare(have Spec) []Field {
	h, _ := have.(CA)
	var d fields
	d.text("name", h.Name, c.Name, 0)
	return d
}

// Loss says that without its authority every certificate must be made again.
func (CA) Loss() Hazard { return DataLoss }

// CAOf is the id of the authority with that common name.
func CAOf(name string) ID { return ID{Kind: KindCA, Name: name, At: "admin"} }
