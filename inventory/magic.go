package inventory

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory/jinja"
)

// magicNames are the names that Ansible gives a meaning of its own, as far as an inventory can.
var magicNames = []string{"inventory_hostname", "inventory_hostname_short", "group_names", "groups", "hostvars", "omit"}

// elsewhere are names of Ansible that have no meaning here, and why.
var elsewhere = map[string]string{
	"omit":                   "it leaves out an argument of a task, and an inventory has no tasks",
	"playbook_dir":           "it is a place on the machine where Ansible runs",
	"inventory_dir":          "it is a place on the machine where Ansible runs",
	"inventory_file":         "it is a place on the machine where Ansible runs",
	"role_path":              "it is a place on the machine where Ansible runs",
	"role_name":              "it is the role that is running",
	"play_hosts":             "it depends on how Ansible is called",
	"ansible_play_hosts":     "it depends on how Ansible is called",
	"ansible_play_batch":     "it depends on how Ansible is called",
	"ansible_play_name":      "it depends on how Ansible is called",
	"ansible_play_hosts_all": "it depends on how Ansible is called",
	"ansible_limit":          "it depends on how Ansible is called",
	"ansible_check_mode":     "it depends on how Ansible is called",
	"ansible_diff_mode":      "it depends on how Ansible is called",
	"ansible_run_tags":       "it depends on how Ansible is called",
	"ansible_skip_tags":      "it depends on how Ansible is called",
	"ansible_forks":          "it depends on how Ansible is called",
	"ansible_verbosity":      "it depends on how Ansible is called",
	"ansible_config_file":    "it is a place on the machine where Ansible runs",
	"ansible_version":        "it is the version of Ansible",
	"environment":            "it belongs to a task, and an inventory has no tasks",
	"vars":                   "name the variable itself",
}

// byRelease are variables that a release of Pigsty sets on each node, after its operating system.
var byRelease = []string{
	"package_map", "pg_home_map", "repo_upstream_default", "repo_packages_default", "repo_extra_packages_default",
	"node_packages_default", "infra_packages_default", "syslog_path", "node_tuned_profile_dir",
}

// onNode is the cause of what only the node knows; the line that asks for it gives it its place.
var onNode = &node{held: remote}

// magic answers the names that no line of the inventory can set.
func (ev *evaluation) magic(p *perspective, name string) (v jinja.Variable, found bool, err error) {
	plain := func(value any) (jinja.Variable, bool, error) { return jinja.Variable{Value: value}, true, nil }
	switch name {
	case "groups":
		return plain(groupsMapping{ev.x.inv})
	case "hostvars":
		return plain(hostsMapping{ev})
	case "inventory_hostname", "inventory_hostname_short", "group_names":
	default:
		if why := elsewhere[name]; why != "" {
			return v, true, fmt.Errorf("%s is not known here: %s", name, why)
		}
		return v, false, nil
	}
	if p.host == nil {
		return v, true, fmt.Errorf("%s is another on each host, and this is asked for group %s as a whole", name, p.group.Name)
	}
	switch name {
	case "inventory_hostname_short":
		short, _, _ := strings.Cut(p.host.Addr, ".")
		return plain(short)
	case "group_names":
		names := []any{}
		for _, g := range p.host.Groups() {
			names = append(names, g.Name)
		}
		return plain(names)
	}
	return plain(p.host.Addr)
}

// unset answers a name that no line sets: a parameter has its default, as in the roles of Pigsty.
func (ev *evaluation) unset(name string) (jinja.Variable, bool, error) {
	if slices.Contains(byRelease, name) {
		return jinja.Variable{}, true, trouble{onNode}
	}
	param, ok := ev.x.known().Lookup(name)
	if !ok || param.Default == "" || param.Legacy() {
		if strings.HasPrefix(name, "ansible_") {
			return jinja.Variable{}, true, fmt.Errorf("%s is not set, and what Ansible finds out on the node is not known here", name)
		}
		return jinja.Variable{}, false, nil
	}
	if param.Default == `"@os"` {
		return jinja.Variable{}, true, trouble{onNode}
	}
	var value any
	d := json.NewDecoder(strings.NewReader(param.Default))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return jinja.Variable{}, false, nil
	}
	return jinja.Variable{Value: fromJSON(value), Plain: true, Secret: param.Secret()}, true, nil
}

func fromJSON(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64() // the table is part of the program, and tested
		return f
	case []any:
		for i := range v {
			v[i] = fromJSON(v[i])
		}
	case map[string]any:
		d := jinja.Dict{}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			d = append(d, jinja.Pair{Key: key, Value: fromJSON(v[key])})
		}
		return d
	}
	return v
}

// groupsMapping is the variable groups: the names of the hosts in each group.
type groupsMapping struct{ inv *Inventory }

func (m groupsMapping) Get(name string) (jinja.Variable, bool, error) {
	g := m.inv.named[name]
	if g == nil {
		return jinja.Variable{}, false, nil
	}
	return jinja.Variable{Value: g.members()}, true, nil
}

func (m groupsMapping) Keys() []string { return slices.Sorted(maps.Keys(m.inv.named)) }

// members names the hosts of a group in Ansible's order: its own, then those of its children.
func (g *Group) members() []any {
	names := []any{}
	seenGroup, seenHost := map[*Group]bool{g: true}, map[*Host]bool{}
	for todo := []*Group{g}; len(todo) > 0; todo = todo[1:] {
		for _, h := range todo[0].direct {
			if !seenHost[h] {
				seenHost[h] = true
				names = append(names, h.Addr)
			}
		}
		for _, child := range todo[0].children {
			if !seenGroup[child] {
				seenGroup[child] = true
				todo = append(todo, child)
			}
		}
	}
	return names
}

// hostsMapping is the variable hostvars.
type hostsMapping struct{ ev *evaluation }

func (m hostsMapping) Get(addr string) (jinja.Variable, bool, error) {
	h := m.ev.x.inv.byAddr[addr]
	if h == nil {
		return jinja.Variable{}, false, nil
	}
	return jinja.Variable{Value: hostMapping{m.ev, h}}, true, nil
}

func (m hostsMapping) Keys() []string {
	names := make([]string, len(m.ev.x.inv.hosts))
	for i, h := range m.ev.x.inv.hosts {
		names[i] = h.Addr
	}
	return names
}

// hostMapping is one host in hostvars.
type hostMapping struct {
	ev   *evaluation
	host *Host
}

func (m hostMapping) Get(name string) (jinja.Variable, bool, error) {
	return m.ev.variable(&m.host.view, name)
}

func (m hostMapping) Keys() []string { return append(m.host.Names(), magicNames[:3]...) }
