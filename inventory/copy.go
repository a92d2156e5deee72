package inventory

import "maps"

// with is a copy of the inventory that has other blocks of variables; not when one of them is nowhere.
func (inv *Inventory) with(blocks map[*entry]layer) (*Inventory, bool) {
	made := *inv
	c := &copier{
		inv: &made, blocks: blocks, found: map[*entry]bool{},
		groups: make([]Group, len(inv.named)), hosts: make([]Host, len(inv.known)), chains: map[**Group][]*Group{},
	}
	made.expressions = inv.expressions.of(&made)
	made.all, made.groups = c.group(inv.all), c.groupsOf(inv.groups)
	made.hosts, made.known = c.hostsOf(inv.hosts), c.hostsOf(inv.known)
	made.named = maps.Clone(inv.named)
	for name, g := range inv.named {
		made.named[name] = c.group(g)
		c.copyGroup(g)
	}
	made.byAddr = make(map[string]*Host, len(inv.byAddr))
	for _, h := range inv.known {
		c.copyHost(h)
	}
	for _, h := range made.hosts {
		made.byAddr[h.Addr] = h
	}
	return &made, len(c.found) == len(blocks)
}

// of is what another inventory knows of the same expressions.
func (x *expressions) of(inv *Inventory) *expressions {
	return &expressions{
		inv: inv, options: x.options, templates: x.templates, dynamic: x.dynamic, known: x.known, refers: x.refers,
		counts: map[*node]map[string]*tally{},
	}
}

// copier copies groups and hosts, which know each other.
type copier struct {
	inv    *Inventory
	blocks map[*entry]layer
	found  map[*entry]bool // of the blocks
	groups []Group
	hosts  []Host
	chains map[**Group][]*Group // by the chain before, which hosts share
}

func (c *copier) group(g *Group) *Group { return &c.groups[g.at] }

func (c *copier) groupsOf(groups []*Group) []*Group {
	made := make([]*Group, len(groups))
	for i, g := range groups {
		made[i] = c.group(g)
	}
	return made
}

func (c *copier) hostsOf(hosts []*Host) []*Host {
	made := make([]*Host, len(hosts))
	for i, h := range hosts {
		made[i] = &c.hosts[h.at]
	}
	return made
}

func (c *copier) copyGroup(g *Group) {
	made := c.group(g)
	made.Name, made.Pos, made.inv, made.alias, made.defined, made.at = g.Name, g.Pos, c.inv, g.alias, g.defined, g.at
	made.priority, made.depth, made.files = g.priority, g.depth, g.files
	made.parents, made.children, made.chain = c.groupsOf(g.parents), c.groupsOf(g.children), c.groupsOf(g.chain)
	made.hosts, made.direct = c.hostsOf(g.hosts), c.hostsOf(g.direct)
	made.view.group = made
	made.layers = make([]layer, len(g.layers))
	for i, l := range g.layers {
		made.layers[i] = c.layer(l)
	}
}

func (c *copier) copyHost(h *Host) {
	made := &c.hosts[h.at]
	made.Addr, made.IP, made.Pos, made.inv, made.port, made.at = h.Addr, h.IP, h.Pos, c.inv, h.port, h.at
	made.files, made.fault, made.chain = h.files, h.fault, c.chain(h.chain)
	made.view.host = made
	made.mentions = made.few[:0]
	for _, m := range h.mentions {
		made.mentions = append(made.mentions, mention{c.group(m.group), m.key, c.layer(m.vars)})
	}
}

func (c *copier) chain(chain []*Group) []*Group {
	made := c.chains[&chain[0]]
	if made == nil {
		made = c.groupsOf(chain)
		c.chains[&chain[0]] = made
	}
	return made
}

// layer is the block, or what stands in its place.
func (c *copier) layer(l layer) layer {
	if len(l.entries) == 0 {
		return l
	}
	other, ok := c.blocks[&l.entries[0]]
	if !ok {
		return l
	}
	c.found[&l.entries[0]] = true
	return other
}
