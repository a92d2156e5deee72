package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// modelGroup is a group as drawn: children have a higher index, so there are no loops.
type modelGroup struct {
	name     string
	priority int
	vars     map[string]string
	children []int
	hosts    map[int]map[string]string
}

// drawn is a random inventory and, in the plainest way, what Ansible makes of it.
type drawn struct{ groups []modelGroup }

const (
	drawnGroups = 7
	drawnHosts  = 4
)

func drawVars(t *rapid.T, label, owner string) map[string]string {
	vars := map[string]string{}
	for _, name := range []string{"u", "v", "w"} {
		if rapid.Bool().Draw(t, label+name) {
			vars[name] = owner
		}
	}
	return vars
}

func draw(t *rapid.T) drawn {
	var d drawn
	for i := range drawnGroups {
		// Names run against the order of definition for some, so that order by name is tested.
		name := fmt.Sprintf("g%d", (i*3)%drawnGroups)
		g := modelGroup{name: name, priority: rapid.IntRange(-1, 2).Draw(t, "priority"), hosts: map[int]map[string]string{}}
		g.vars = drawVars(t, name, name)
		for j := i + 1; j < drawnGroups; j++ {
			if rapid.IntRange(0, 3).Draw(t, "child") == 0 {
				g.children = append(g.children, j)
			}
		}
		for h := range drawnHosts {
			if rapid.IntRange(0, 2).Draw(t, "member") == 0 {
				g.hosts[h] = drawVars(t, name, fmt.Sprintf("%s-host", name))
			}
		}
		d.groups = append(d.groups, g)
	}
	return d
}

func (d drawn) yaml() string {
	var b strings.Builder
	b.WriteString("all:\n  vars: { u: all }\n")
	for _, g := range d.groups {
		fmt.Fprintf(&b, "%s:\n  vars: { ansible_group_priority: %d%s }\n  children: {", g.name, g.priority, flow(g.vars))
		for _, c := range g.children {
			fmt.Fprintf(&b, " %s: ,", d.groups[c].name)
		}
		b.WriteString(" }\n  hosts: {")
		for _, h := range slices.Sorted(maps.Keys(g.hosts)) {
			fmt.Fprintf(&b, " 10.0.0.%d: { %s },", h, strings.TrimPrefix(flow(g.hosts[h]), ", "))
		}
		b.WriteString(" }\n")
	}
	return b.String()
}

func flow(vars map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		fmt.Fprintf(&b, ", %s: %s", name, vars[name])
	}
	return b.String()
}

// depth is the longest way down from all.
func (d drawn) depth(i int) int {
	most := 1
	for p, g := range d.groups[:i] {
		if slices.Contains(g.children, i) {
			most = max(most, d.depth(p)+1)
		}
	}
	return most
}

func (d drawn) holds(i, host int) bool {
	if _, ok := d.groups[i].hosts[host]; ok {
		return true
	}
	return slices.ContainsFunc(d.groups[i].children, func(c int) bool { return d.holds(c, host) })
}

// resolve merges one dictionary after the other: all, groups by depth, priority and name, host.
func (d drawn) resolve(host int) map[string]string {
	var in []int
	for i := range d.groups {
		if d.holds(i, host) {
			in = append(in, i)
		}
	}
	slices.SortFunc(in, func(a, b int) int {
		x, y := d.groups[a], d.groups[b]
		if n := d.depth(a) - d.depth(b); n != 0 {
			return n
		}
		if n := x.priority - y.priority; n != 0 {
			return n
		}
		return strings.Compare(x.name, y.name)
	})
	vars := map[string]string{"u": "all"}
	for _, i := range in {
		maps.Copy(vars, d.groups[i].vars)
	}
	for _, g := range d.groups {
		maps.Copy(vars, g.hosts[host])
	}
	return vars
}

func TestLookupIsAnsibles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		inv, problems, err := load(d.yaml())
		if err != nil || HasErrors(problems) && len(inv.Hosts()) > 0 {
			t.Fatalf("%v %v\n%s", err, problems, d.yaml())
		}
		for _, h := range inv.Hosts() {
			host := int(h.IP.As4()[3])
			want := d.resolve(host)
			for _, name := range []string{"u", "v", "w"} {
				v, ok := h.Lookup(name)
				expected, set := want[name]
				if ok != set || v.String() != expected {
					t.Fatalf("%s of %s: got %q, want %q\n%s", name, h.Addr, v.String(), expected, d.yaml())
				}
				lines := Explain(h, name)
				if ok != (len(lines) > 0) || ok && lines[0].Value != v {
					t.Fatalf("%s of %s: Explain says %v, Lookup says %v\n%s", name, h.Addr, lines, v, d.yaml())
				}
			}
		}
	})
}

func TestExpandIsPlainReplacement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`([a-z${}]|\$\{a\}|\$\{b\}){0,12}`).Draw(t, "s")
		want := strings.NewReplacer("${a}", "1", "${b}", "2").Replace(s)
		if got := Expand(s, map[string]string{"a": "1", "b": "2"}); got != want {
			t.Fatalf("%q: got %q, want %q", s, got, want)
		}
	})
}
