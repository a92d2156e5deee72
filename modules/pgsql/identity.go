package pgsql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
)

// maxLabel is what DNS and the kernel take for the name of a host, which an instance's name becomes.
const maxLabel = 63

// checkStrays finds hosts that were probably meant to be members, and values that make everybody one.
func (f *fleet) checkStrays() {
	for _, name := range []string{"pg_cluster", "pg_seq", "pg_role"} {
		if v, ok := f.Inventory.All().Lookup(name); ok && !v.IsNull() && len(f.clusters) > 0 {
			f.For("pgsql").Refusef(v.KeyPos(), CodeGlobal, "%s: is set for all hosts, and says who one of them is: set it at the cluster or the host", name)
		}
	}
	for _, h := range f.Inventory.Hosts() {
		f.checkHomes(h)
		if f.byAddr[h.IP] != nil {
			continue
		}
		f.checkHalf(h)
	}
}

// checkHalf finds a host with a number or a role, and no cluster.
func (f *fleet) checkHalf(h *inventory.Host) {
	for _, name := range []string{"pg_seq", "pg_role"} {
		_, everybody := f.Inventory.All().Lookup(name)
		if v, ok := h.Lookup(name); ok && !v.IsNull() && !everybody && !isWatched(h) {
			f.Warnf(v.KeyPos(), CodeStray, "%s: %s has no pg_cluster, so it is in no cluster", name, h.Addr)
			return
		}
	}
}

// checkHomes finds a host that several groups claim for different clusters.
func (f *fleet) checkHomes(h *inventory.Host) {
	lines := inventory.Explain(h, "pg_cluster")
	if len(lines) < 2 || lines[0].Value.Unevaluated() {
		return
	}
	wins := lines[0]
	for _, other := range lines[1:] {
		switch {
		case other.Group == "all" || other.Group == wins.Group || other.Value.Unevaluated() || other.Value.String() == wins.Value.String():
			continue
		case other.Own == wins.Own:
			f.For(owner(wins.Value.String())).Errorf(wins.Value.Pos, CodeTwoHomes, "pg_cluster: %s is a member of %s and, by group %s, of %s (%s): a host has one cluster",
				h.Addr, wins.Value.String(), other.Group, other.Value.String(), place(other.Value.Pos))
		default:
			f.Warnf(wins.Value.Pos, CodeTwoHomes, "pg_cluster: %s is a member of %s here, and group %s puts it into %s (%s)",
				h.Addr, wins.Value.String(), other.Group, other.Value.String(), place(other.Value.Pos))
		}
		return
	}
}

// checkNames judges the names of clusters, by themselves and side by side.
func (f *fleet) checkNames() {
	for _, c := range f.clusters {
		c.checkName()
		c.checkNumbers()
	}
	instances := map[string]*member{}
	for _, c := range f.clusters {
		for _, m := range c.members {
			instances[strings.ToLower(m.name())] = m
		}
	}
	for i, c := range f.clusters {
		if m := instances[strings.ToLower(c.name)]; m != nil && c.name != "" {
			c.Errorf(c.members[0].pos("pg_cluster"), CodeSameName, "pg_cluster: %s is also the name of instance %s of cluster %s (%s): both become the same name in DNS",
				c.name, strconv.Itoa(m.seq), m.vars.Cluster, place(m.pos("pg_seq")))
		}
		for j, other := range f.clusters {
			c.compareName(other, i < j)
		}
	}
}

func (c *cluster) compareName(other *cluster, first bool) {
	pos := c.members[0].pos("pg_cluster")
	switch {
	case c == other || c.name == "":
		return
	case first && strings.EqualFold(c.name, other.name):
		c.Errorf(pos, CodeSameName, "pg_cluster: %s and %s (%s) differ in upper and lower case only: both become the same name in DNS",
			c.name, other.name, place(other.members[0].pos("pg_cluster")))
	case strings.HasPrefix(other.name, c.name+"-"):
		c.Warnf(pos, CodePrefix, "pg_cluster: %s begins the name of %s (%s): what is done to files %s-* meets both",
			c.name, other.name, place(other.members[0].pos("pg_cluster")), c.name)
	}
}

// checkName judges the name of a cluster, of which those of instances, users and files are made.
func (c *cluster) checkName() {
	m := c.members[len(c.members)-1]
	pos := m.pos("pg_cluster")
	switch {
	case c.name == "":
		return
	case c.name == "root":
		c.Errorf(pos, CodeName, "pg_cluster: root is etcd's superuser, and the cluster's name becomes a user of etcd: want another name")
	case strings.HasPrefix(c.name, "-") || strings.HasSuffix(c.name, "-"):
		c.Errorf(pos, CodeName, "pg_cluster: %s begins or ends with a hyphen, which DNS refuses", c.name)
	case len(m.name()) > maxLabel:
		c.Errorf(pos, CodeName, "pg_cluster: %s is longer than %d bytes, and becomes the name of a host: want a shorter name", m.name(), maxLabel)
	case strings.Trim(c.name, "0123456789") == "":
		c.Warnf(pos, CodeName, "pg_cluster: %s is a number: tools may take the name for one", c.name)
	}
}

// checkNumbers wants every number once.
func (c *cluster) checkNumbers() {
	for i, m := range c.members {
		first := slices.IndexFunc(c.members, func(o *member) bool { return o.seq == m.seq })
		if m.seq >= 0 && first < i {
			c.Refusef(m.pos("pg_seq"), CodeSameSeq, "pg_seq: %d is already the number of %s (%s)",
				m.seq, c.members[first].addr(), place(c.members[first].pos("pg_seq")))
		}
	}
}

func (c *cluster) checkPrimary() {
	var first *member
	for _, m := range c.members {
		switch {
		case m.vars.Role != "primary":
			continue
		case first == nil:
			first = m
		default:
			c.Errorf(m.pos("pg_role"), CodePrimaries, "pg_role: %s is already the primary of %s (%s): want one, and the others replicas",
				first.addr(), c.name, place(first.pos("pg_role")))
		}
	}
	if first == nil {
		m := c.members[0]
		c.Errorf(m.pos("pg_role"), CodeNoPrimary, "pg_role: no member of %s is the primary: want exactly one, to make the cluster with", c.name)
	}
}
