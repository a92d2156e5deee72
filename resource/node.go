package resource

// Hostname is the node's own name: the kernel's and that of /etc/hostname. The id is
// "hostname:node@<node>".
type Hostname struct {
	Name   string // kernel name
	Static string // what /etc/hostname says; wanted, it is the same as Name
}

// NewHostname wants name in both places.
func NewHostname(name string) Hostname { return Hostname{Name: name, Static: name} }

// Kind is KindHostname.
func (Hostname) Kind() Kind { return KindHostname }

// Compare looks at both places.
func (n Hostname) Compare(have Spec) []Field {
	h, _ := have.(Hostname)
	var d fields
	d.text("name", h.Name, n.Name, 0)
	d.text("static", h.Static, n.Static, 0)
	return d
}

// Trust is a certificate among those the node trusts. The id's name is the anchor's name.
type Trust struct {
	PEM     string
	Bundled bool // the system's bundle holds it, too
}

// Kind is KindTrust.
func (Trust) Kind() Kind { return KindTrust }

// Compare looks at the anchor and at the bundle made from it.
func (t Trust) Compare(have Spec) []Field {
	h, _ := have.(Trust)
	var d fields
	d.text("certificate", h.PEM, t.PEM, 0)
	d.flag("bundled", h.Bundled, t.Bundled, 0)
	return d
}

// Group is a group of the operating system.
type Group struct {
	GID    int // 0 wants any
	System bool
}

// Kind is KindGroup.
func (Group) Kind() Kind { return KindGroup }

// Compare never renumbers: files belong to numbers.
func (g Group) Compare(have Spec) []Field {
	if _, there := have.(Group); there {
		return nil
	}
	var d fields
	d.text("state", "absent", "present", 0)
	return d
}

// User is an account of the operating system.
type User struct {
	UID    int    // 0 wants any
	Group  string // primary group
	Groups []string
	Home   string
	Shell  string
	System bool
}

// Kind is KindUser.
func (User) Kind() Kind { return KindUser }

// Compare looks at what can be changed under a running service: groups, home, shell. A wanted ""
// is anything, and groups nobody asked for are left alone.
func (u User) Compare(have Spec) []Field {
	h, there := have.(User)
	var d fields
	if !there {
		d.text("state", "absent", "present", 0)
	}
	if u.Group != "" {
		d.text("group", h.Group, u.Group, 0)
	}
	if u.Home != "" {
		d.text("home", h.Home, u.Home, 0)
	}
	if u.Shell != "" {
		d.text("shell", h.Shell, u.Shell, 0)
	}
	d.list("groups", only(h.Groups, u.Groups), u.Groups, 0)
	return d
}

// only keeps of have what want names, too.
func only(have, want []string) []string {
	wanted := map[string]bool{}
	for _, w := range want {
		wanted[w] = true
	}
	var kept []string
	for _, h := range have {
		if wanted[h] {
			kept = append(kept, h)
		}
	}
	return kept
}
