package inventory

import (
	"cmp"
	"slices"
	"strings"
)

func byName(a, b *Group) int { return strings.Compare(a.Name, b.Name) }

// byPrecedence sorts what wins last: deeper groups, then higher priority, then later names.
func byPrecedence(a, b *Group) int {
	return cmp.Or(cmp.Compare(a.depth, b.depth), cmp.Compare(a.priority, b.priority), byName(a, b))
}

// resolve computes, once for all, which groups each group and host inherits from, in which order.
func (b *builder) resolve(root *node) error {
	b.link()
	for _, g := range b.descend() {
		if g.depth > maxDepth {
			return refuse(root.src, g.Pos.Line, g.Pos.Column, CodeLimit, "groups nested deeper than %d levels", maxDepth)
		}
		g.chain = ancestry([]*Group{g})
	}
	b.placeUngrouped()
	if err := b.chainHosts(root); err != nil {
		return err
	}
	b.list()
	return nil
}

// link makes parents of edges. Loops are cut where they close, and reported there.
func (b *builder) link() {
	children := map[*Group][]edge{}
	for _, e := range b.edges {
		children[e.parent] = append(children[e.parent], e)
	}
	const open, closed = 1, 2
	state := map[*Group]int{}
	var visit func(g *Group)
	visit = func(g *Group) {
		state[g] = open
		for _, e := range children[g] {
			if e.child.Name == ungrouped && g != b.inv.all {
				b.problems.errorf(e.at, CodeUngrouped, "group %s has the child ungrouped: Ansible then takes every host out of ungrouped", quoteKey(g.Name))
			}
			if state[e.child] == open || e.child == b.inv.all {
				b.problems.errorf(e.at, CodeLoop, "group %s is its own ancestor through %s", quoteKey(e.child.Name), quoteKey(g.Name))
				continue
			}
			if !slices.Contains(e.child.parents, g) {
				e.child.parents = append(e.child.parents, g)
				g.children = append(g.children, e.child)
			}
			if state[e.child] == 0 {
				visit(e.child)
			}
		}
		state[g] = closed
	}
	for _, g := range b.sorted() {
		if state[g] == 0 {
			visit(g)
		}
	}
	b.adopt()
}

// adopt makes a child of all of every group that has no parent. Ansible does so after it has read
// the file, but for ungrouped, which is there from the beginning.
func (b *builder) adopt() {
	all, un := b.inv.all, b.inv.named[ungrouped]
	if !slices.Contains(un.parents, all) {
		un.parents = append(un.parents, all)
	} else {
		all.children = slices.DeleteFunc(all.children, func(g *Group) bool { return g == un })
	}
	all.children = slices.Insert(all.children, 0, un)
	for _, g := range b.groups {
		if g != all && len(g.parents) == 0 {
			g.parents = []*Group{all}
			all.children = append(all.children, g)
		}
	}
}

// sorted returns every group: all first, then by name.
func (b *builder) sorted() []*Group {
	if len(b.order) == len(b.inv.named) {
		return b.order
	}
	groups := make([]*Group, 0, len(b.inv.named))
	for _, g := range b.inv.named {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(x, y *Group) int {
		switch b.inv.all {
		case x:
			return -1
		case y:
			return 1
		}
		return byName(x, y)
	})
	b.order = groups
	return groups
}

// descend sets every depth, the longest way from all, and returns the groups parents first.
func (b *builder) descend() []*Group {
	var order []*Group
	seen := map[*Group]bool{}
	var visit func(g *Group)
	visit = func(g *Group) {
		if seen[g] {
			return
		}
		seen[g] = true
		for _, parent := range g.parents {
			visit(parent)
			g.depth = max(g.depth, parent.depth+1)
		}
		order = append(order, g)
	}
	for _, g := range b.sorted() {
		visit(g)
	}
	return order
}

// ancestry returns the groups and all their ancestors in the order of precedence.
func ancestry(groups []*Group) []*Group {
	var chain []*Group
	seen := map[*Group]bool{}
	todo := slices.Clone(groups)
	for len(todo) > 0 {
		g := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[g] {
			continue
		}
		seen[g] = true
		chain = append(chain, g)
		todo = append(todo, g.parents...)
	}
	slices.SortFunc(chain, byPrecedence)
	return chain
}

// placeUngrouped keeps in ungrouped exactly the hosts that are in no other group but all, as
// Ansible does. As a child of another group, ungrouped has no hosts at all.
func (b *builder) placeUngrouped() {
	un := b.inv.named[ungrouped]
	isUn := func(g *Group) bool { return g == un }
	var added []*Host
	for _, h := range b.known {
		direct := h.direct()
		elsewhere := slices.ContainsFunc(direct, func(g *Group) bool { return g != b.inv.all && (g != un || len(un.parents) > 1) })
		switch {
		case elsewhere:
			if slices.Contains(direct, un) {
				b.ousted[h] = true
			}
			direct = slices.DeleteFunc(direct, isUn)
		case !slices.Contains(direct, un):
			direct = append(direct, un)
			added = append(added, h)
		}
		h.chain = direct
	}
	un.direct = slices.DeleteFunc(un.direct, func(h *Host) bool { return !slices.Contains(h.chain, un) })
	un.direct = append(un.direct, added...)
}

// direct returns the groups that mention the host.
func (h *Host) direct() []*Group {
	var groups []*Group
	seen := map[*Group]bool{}
	for _, m := range h.mentions {
		if !seen[m.group] {
			seen[m.group] = true
			groups = append(groups, m.group)
		}
	}
	return groups
}

// chainHosts replaces the direct groups of each host by its whole chain. Hosts in the same groups
// share one.
func (b *builder) chainHosts(root *node) error {
	shared := map[string][]*Group{}
	memberships := 0
	b.known = slices.DeleteFunc(b.known, func(h *Host) bool { return len(h.chain) == 0 })
	for _, h := range b.known {
		key := names(h.chain)
		if b.ousted[h] {
			key += "\x00"
		}
		chain, ok := shared[key]
		if !ok {
			chain = ancestry(append(h.chain, b.inv.all))
			if b.ousted[h] {
				chain = slices.DeleteFunc(chain, func(g *Group) bool { return g.Name == ungrouped })
			}
			shared[key] = chain
		}
		h.chain = chain
		if memberships += len(chain); memberships > maxMemberships {
			return refuse(root.src, h.Pos.Line, h.Pos.Column, CodeLimit, "hosts are in groups more than %d times", maxMemberships)
		}
		if h.fault != nil {
			continue
		}
		for _, g := range chain {
			g.hosts = append(g.hosts, h)
		}
	}
	return nil
}

func names(groups []*Group) string {
	if len(groups) == 1 {
		return groups[0].Name
	}
	all := make([]string, len(groups))
	for i, g := range groups {
		all[i] = g.Name
	}
	slices.Sort(all)
	return strings.Join(all, "\x00")
}

// list sorts what the inventory hands out, and reports groups without hosts.
func (b *builder) list() {
	byAddr := func(x, y *Host) int { return cmp.Or(x.IP.Compare(y.IP), strings.Compare(x.Addr, y.Addr)) }
	slices.SortFunc(b.inv.hosts, byAddr)
	for _, g := range b.sorted() {
		slices.SortFunc(g.hosts, byAddr)
		if !g.defined && !isBuiltin(g) {
			continue
		}
		if len(g.hosts) == 0 && !isBuiltin(g) {
			b.problems.add(Problem{Pos: g.Pos, Severity: Warning, Code: CodeEmpty, Msg: "group " + quoteKey(g.Name) + " has no hosts"})
		}
		if g != b.inv.all && (len(g.hosts) > 0 || g.Name != ungrouped) {
			b.inv.groups = append(b.inv.groups, g)
		}
	}
}

// unevaluated warns of every variable that holds what cannot be evaluated yet.
func (b *builder) unevaluated() {
	for _, g := range b.sorted() {
		for _, l := range slices.Concat(g.layers, g.files) {
			b.warnHeld(l)
		}
	}
	for _, h := range b.inv.hosts {
		for _, m := range h.mentions {
			b.warnHeld(m.vars)
		}
		for _, l := range h.files {
			b.warnHeld(l)
		}
	}
}

func (b *builder) warnHeld(l layer) {
	for _, e := range l.entries {
		if n := e.value.firstVault(); n != nil && !n.broken() {
			b.problems.warnf(n, heldCode(n), "%s: %s", quoteKey(e.key.text), heldText(n))
		}
	}
}
