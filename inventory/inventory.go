package inventory

import (
	"go/token"
	"io/fs"
	"net/netip"
	"slices"
)

// Inventory is everything that one file says, and the files of variables beside it. It does not
// change after Load.
type Inventory struct {
	src      *source
	fsys     fs.FS
	all      *Group
	named    map[string]*Group
	groups   []*Group // sorted by name, without all
	hosts    []*Host  // sorted by address
	byAddr   map[string]*Host
	known    []*Host           // also those that only the listing shows, in the order of the file
	renamed  map[string]*Group // by the names that old groups have today
	outdated []Outdated        // what an older release wanted to have written so
	written  int               // the major release it is written for
	hidden   []string          // what was decrypted, the longest first
	dormant  *Problem          // why nothing may be done with it; nil when something may
	read     *kept             // its own file, for Reload
	said     []Problem         // of the reading, for Reload
	steady   bool              // one file that asks for nothing outside of it: see share.go

	expressions *expressions
}

// Generation is the major release of Pigsty that the inventory is written for: what its version says, or the
// names in it; 2 counts as 3.
func (inv *Inventory) Generation() int { return max(inv.written, 1) }

// Groups returns the groups sorted by name, without all, and without ungrouped when it has no hosts.
func (inv *Inventory) Groups() []*Group { return slices.Clone(inv.groups) }

// Hosts returns every host once, sorted by address.
func (inv *Inventory) Hosts() []*Host { return slices.Clone(inv.hosts) }

// Group returns a group by name, also all and ungrouped; nil when there is none. An old group is
// also found by the name that it has today.
func (inv *Inventory) Group(name string) *Group {
	if g := inv.named[name]; g != nil {
		return g
	}
	return inv.renamed[name]
}

// All returns the group of all hosts, whose variables are the global ones.
func (inv *Inventory) All() *Group { return inv.all }

// Host returns a host by its key; nil when there is none.
func (inv *Inventory) Host(addr string) *Host { return inv.byAddr[addr] }

// File returns the name that Load was given. It is the file name in every position, but for what
// is written in group_vars and host_vars.
func (inv *Inventory) File() string { return inv.src.name }

// GroupAt returns the innermost group whose block holds the position, also all; empty when there
// is none. It serves to tell what a problem found elsewhere concerns.
func (inv *Inventory) GroupAt(pos token.Position) string { return inv.src.groupAt(pos) }

// Host is one node. Its address is its identity, not merely how it is reached: ansible_host may
// name another address for that.
type Host struct {
	Addr string         // the key as written: an IPv4 or IPv6 address
	IP   netip.Addr     // the same, parsed
	Pos  token.Position // of the first mention

	inv      *Inventory
	mentions []mention  // in the order of the file
	few      [2]mention // where most hosts have theirs
	files    []layer    // of host_vars, which win over what is written at a mention
	chain    []*Group   // lowest precedence first, all included; shared between hosts
	port     string     // written behind the address in the key, as Ansible reads it
	at       int        // among all that the file names
	fault    *Problem   // why it is no host but only shown in the listing
	view     perspective
}

// mention is one appearance of a host in a group, with the variables written there.
type mention struct {
	group *Group
	key   *node
	vars  layer
}

// Groups returns the groups the host is in, directly or through a child group, sorted by name and
// without all.
func (h *Host) Groups() []*Group {
	groups := slices.DeleteFunc(slices.Clone(h.chain), func(g *Group) bool { return g == h.inv.all })
	slices.SortFunc(groups, byName)
	return groups
}

// In reports whether the host is in the group called name.
func (h *Host) In(name string) bool {
	return slices.ContainsFunc(h.chain, func(g *Group) bool { return g.called(name) })
}

// PosIn returns where the host is mentioned in the group called name or, when it is a member
// through a child group only, where it is mentioned first.
func (h *Host) PosIn(name string) token.Position {
	for _, m := range h.mentions {
		if m.group.called(name) {
			return m.key.pos()
		}
	}
	return h.Pos
}

// Group is a cluster, or a module such as infra, or merely a set of hosts with common variables.
type Group struct {
	Name string
	Pos  token.Position // of the first definition

	inv      *Inventory
	alias    string  // what it would be called today; see legacy.go
	defined  bool    // false for all and ungrouped when the file does not write them
	layers   []layer // one for each definition, in the order of the file
	files    []layer // of group_vars, which win over all that the inventory writes in groups
	priority int
	depth    int
	at       int // among all groups
	parents  []*Group
	children []*Group // in the order of the file
	chain    []*Group // ancestors and the group itself, lowest precedence first
	hosts    []*Host
	direct   []*Host // those mentioned in the group itself, in the order of the file
	view     perspective
}

// Hosts returns the members, those of child groups included, sorted by address.
func (g *Group) Hosts() []*Host { return slices.Clone(g.hosts) }

// Parents returns the groups this one is a child of, sorted by name; of a top-level group, all.
func (g *Group) Parents() []*Group {
	parents := slices.Clone(g.parents)
	slices.SortFunc(parents, byName)
	return parents
}

// layer is one block of variables.
type layer struct {
	entries []entry
	index   map[string]int // nil when there are few entries
	old     []entry        // as written, when entries are translated from an older release
}

// fewEntries is how many are searched one after the other faster than through a map.
const fewEntries = 8

func newLayer(entries []entry) layer {
	l := layer{entries: entries}
	if len(entries) > fewEntries {
		l.index = make(map[string]int, len(entries))
		for i, e := range entries {
			l.index[e.key.text] = i
		}
	}
	return l
}

func (l layer) get(name string) (entry, bool) {
	if l.index != nil {
		i, ok := l.index[name]
		if !ok {
			return entry{}, false
		}
		return l.entries[i], true
	}
	for _, e := range l.entries {
		if e.key.text == name {
			return e, true
		}
	}
	return entry{}, false
}
