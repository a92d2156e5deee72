package inventory

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

const (
	allGroup  = "all"
	ungrouped = "ungrouped"
	priority  = "ansible_group_priority"
)

// builder walks the file once and notes groups, hosts and who belongs to whom.
type builder struct {
	inv      *Inventory
	problems *collector
	byIP     map[netip.Addr]*Host
	byName   map[string]*Host
	known    []*Host        // also those that are no hosts of pigsync, in the order of the file
	groups   []*Group       // in the order of the file
	order    []*Group       // sorted; of another length than there are groups when it is out of date
	ousted   map[*Host]bool // out of ungrouped, even when they are in a child of it
	edges    []edge
	defined  int // definitions of groups so far
	mentions int // of hosts so far
}

// edge makes child a child of parent; at is where that is said.
type edge struct {
	parent, child *Group
	at            *node
}

func (l *loader) build(root *node) (*Inventory, error) {
	if root.kind != Map {
		return nil, refuse(root.src, root.line, root.col, CodeNoGroups, "want a mapping with the key all, got %s", root.kind)
	}
	if plugin, ok := root.get("plugin"); ok {
		return nil, refuse(root.src, plugin.key.line, plugin.key.col, CodeNoGroups,
			"this configures an inventory plugin: it is not an inventory")
	}
	inv := &Inventory{src: root.src, fsys: l.fsys, named: make(map[string]*Group, l.groups), byAddr: make(map[string]*Host, l.hosts)}
	b := &builder{
		inv: inv, problems: l.problems, ousted: map[*Host]bool{},
		byIP: make(map[netip.Addr]*Host, l.hosts), byName: make(map[string]*Host, l.hosts), known: make([]*Host, 0, l.hosts),
	}
	inv.all = b.named(allGroup, root)
	b.named(ungrouped, root)
	for _, e := range root.entries {
		b.topLevel(e)
	}
	if len(inv.hosts) == 0 {
		l.problems.errorf(root, CodeNoHosts, "the inventory has no hosts")
	}
	l.addVarFiles(b)
	if err := b.resolve(root); err != nil {
		return nil, err
	}
	if l.opened() {
		b.hide()
	}
	modern := b.modernize()
	b.unevaluated()
	asks := b.readExpressions(l.options)
	inv.steady = modern && !asks && len(l.files) == 1 && len(b.byName) == len(b.known) && l.src.kept.simple && !l.opened()
	b.number()
	inv.known = b.known
	inv.src.sortMarks()
	return inv, nil
}

// number tells groups and hosts which they are, so that a copy finds theirs.
func (b *builder) number() {
	for i, g := range b.groups {
		g.at = i
	}
	for i, h := range b.known {
		h.at = i
	}
}

// named returns the group called name, made at the first call.
func (b *builder) named(name string, at *node) *Group {
	if g := b.inv.named[name]; g != nil {
		return g
	}
	g := &Group{Name: name, Pos: at.pos(), inv: b.inv, priority: 1}
	b.inv.named[name] = g
	b.groups = append(b.groups, g)
	return g
}

func (b *builder) topLevel(e entry) {
	if e.key.text != allGroup && e.value.kind != Null && !looksLikeGroup(e.value) {
		b.mark(e.key, "")
		b.problems.warnf(e.key, CodeTopLevel, "unknown top-level key %s: want %s", quoteKey(e.key.text), allGroup)
		b.empty(e)
		return
	}
	b.group(e, nil)
}

// empty notes a group that is none to us. Ansible makes a group without anything in it of every
// mapping at the top.
func (b *builder) empty(e entry) {
	if e.value.kind == Map && e.key.kind == String {
		b.named(e.key.text, e.key)
	}
}

// looksLikeGroup reports whether n has any of the three parts of a group.
func looksLikeGroup(n *node) bool {
	return slices.ContainsFunc(n.entries, func(e entry) bool {
		return e.key.text == "hosts" || e.key.text == "vars" || e.key.text == "children"
	})
}

// group reads one definition of a group; the same group may be defined in several places.
func (b *builder) group(e entry, parent *Group) {
	g := b.define(e.key, parent)
	if g == nil {
		return
	}
	b.mark(e.key, g.Name)
	if e.value.kind != Map && e.value.kind != Null {
		b.problems.errorf(e.value, CodeShape, "group %s: want a mapping, got %s", quoteKey(g.Name), e.value.kind)
		return
	}
	for _, section := range e.value.entries {
		b.section(g, section)
	}
}

// define notes that a group exists here; nil means that it is not to be read.
func (b *builder) define(key *node, parent *Group) *Group {
	if b.defined++; b.defined > maxGroups {
		if b.defined == maxGroups+1 {
			b.problems.errorf(key, CodeTooMany, "more than %d groups: this one and what follows is not read", maxGroups)
		}
		return nil
	}
	g := b.named(key.text, key)
	if key.kind != String {
		b.problems.errorf(key, CodeKey, "group %s is no text for Ansible, but %s: put it in quotes", quoteKey(key.text), key.kind)
	}
	if !g.defined {
		g.defined, g.Pos = true, key.pos()
	}
	if parent != nil {
		b.edges = append(b.edges, edge{parent, g, key})
	}
	return g
}

func isBuiltin(g *Group) bool { return g.Name == allGroup || g.Name == ungrouped }

// mark notes which group the file speaks of from here on; parts of it brought in by an alias or a
// merge key are marked again at each use, and the first use counts.
func (b *builder) mark(at *node, group string) {
	b.inv.src.marks = append(b.inv.src.marks, mark{at.line, at.col, group})
}

func (b *builder) section(g *Group, e entry) {
	b.mark(e.key, g.Name)
	switch e.key.text {
	case "vars":
		b.vars(g, b.mapping(g, e, false))
	case "children":
		for _, child := range b.mapping(g, e, true) {
			b.group(child, g)
		}
	case "hosts":
		for _, host := range b.mapping(g, e, true) {
			b.host(g, host)
		}
	default:
		b.problems.warnf(e.key, CodeSection, "group %s: unknown key %s: want hosts, vars or children",
			quoteKey(g.Name), quoteKey(e.key.text))
	}
}

// mapping returns the entries of one section. A single name stands for a mapping with that key
// where Ansible takes it so.
func (b *builder) mapping(g *Group, e entry, single bool) []entry {
	switch {
	case e.value.kind == Map || e.value.kind == Null:
		return e.value.entries
	case e.value.kind == String && single:
		null := *e.value
		null.kind, null.text = Null, ""
		return []entry{{e.value, &null}}
	}
	b.problems.errorf(e.value, CodeShape, "group %s: %s: want a mapping, got %s%s", quoteKey(g.Name), e.key.text, e.value.kind, unmapped(e.value))
	return nil
}

// vars adds a block of variables to g. The priority is an attribute of the group, no variable.
func (b *builder) vars(g *Group, entries []entry) {
	kept := entries
	if i := slices.IndexFunc(entries, func(e entry) bool { return e.key.text == priority }); i >= 0 {
		kept = slices.Delete(slices.Clone(entries), i, i+1)
		b.priority(g, entries[i].value)
	}
	g.layers = append(g.layers, newLayer(kept))
}

func (b *builder) priority(g *Group, n *node) {
	p, err := Value{n: n, name: priority}.Int()
	if err != nil {
		b.problems.errorf(n, CodePriority, "%s: want a whole number, got %s", priority, describe(n))
		return
	}
	g.priority = p
}

// host reads one mention of a host, or of as many as a range stands for.
func (b *builder) host(g *Group, e entry) {
	if e.key.kind != String {
		b.problems.errorf(e.key, CodeHost, "host %s is no text for Ansible, but %s: put it in quotes", quoteKey(e.key.text), e.key.kind)
		return
	}
	if e.value.kind != Map && e.value.kind != Null {
		b.problems.errorf(e.value, CodeShape, "host %s: want a mapping of variables, got %s", e.key.text, e.value.kind)
	}
	if b.mentions > maxHosts {
		return
	}
	names, port, err := hostKeys(e.key.text)
	if b.mentions += len(names); b.mentions > maxHosts {
		b.problems.errorf(e.key, CodeTooMany, "more than %d hosts: these and what follows are not read", maxHosts)
		return
	}
	if err != nil {
		b.problems.errorf(e.key, CodeHost, "host %s: %v", quoteKey(e.key.text), err)
		return
	}
	if port != "" {
		b.problems.errorf(e.key, CodeHost, "host %s: want an address alone, and its port in ansible_port", quoteKey(e.key.text))
	}
	m := mention{g, e.key, newLayer(e.value.entries)}
	told := false
	for _, name := range names {
		h := b.hostAt(e.key, name, port)
		if !slices.ContainsFunc(h.mentions, func(m mention) bool { return m.group == g }) {
			g.direct = append(g.direct, h)
		}
		h.mentions = append(h.mentions, m)
		if h.fault != nil && !told {
			told = true
			b.problems.errorf(e.key, h.fault.Code, "%s", h.fault.Msg)
		}
	}
}

// hostAt returns the host of that name, made at the first call. What is no address, or one that
// is a host by another name, makes a host that only the listing shows.
func (b *builder) hostAt(key *node, name, port string) *Host {
	if h := b.byName[name]; h != nil {
		return h
	}
	h := &Host{Addr: name, Pos: key.pos(), inv: b.inv, port: port}
	h.mentions = h.few[:0]
	b.byName[name] = h
	b.known = append(b.known, h)
	ip, err := netip.ParseAddr(name)
	ip = ip.Unmap()
	switch same := b.byIP[ip]; {
	case err != nil || ip.Zone() != "":
		h.fault = &Problem{Code: CodeHost, Msg: "host " + quoteKey(name) + " is no IP address: want the address here, and a name as nodename"}
	case same != nil:
		h.fault = &Problem{Code: CodeSameHost, Msg: fmt.Sprintf("host %s is written %s at %s: write it one way", name, same.Addr, same.Pos)}
	default:
		h.IP, b.byIP[ip], b.inv.byAddr[name] = ip, h, h
		b.inv.hosts = append(b.inv.hosts, h)
	}
	return h
}

// unmapped says how what stands in the place of a mapping is made one.
func unmapped(n *node) string {
	switch {
	case n.kind == List:
		return ": want each name with a colon behind it, and no hyphen"
	case n.kind == String && strings.Contains(n.text, ":"):
		return ": want a space behind the colon"
	}
	return ""
}
