package redis

import (
	"maps"
	"path"
	"slices"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
)

// Module is the REDIS module.
var Module = &modules.Module{
	Name: "redis", Doc: "redis instances: servers with replicas, sentinels or native clusters",
	Vars: Vars{}, Compile: compile,
}

func compile(p *modules.Pass) {
	fleet := read(p)
	for _, name := range slices.Sorted(maps.Keys(fleet.clusters)) {
		members := fleet.clusters[name]
		checkNodes(members)
		checkAgreement(members)
		for _, m := range members {
			m.check(fleet)
		}
		checkMasters(members)
		checkSentinels(members)
	}
	checkCircles(fleet)
}

// member is a host with instances.
type member struct {
	*modules.Pass
	host  *inventory.Host
	vars  Vars
	bound *inventory.Bound
}

// fleet is every cluster of the inventory.
type fleet struct {
	clusters map[string][]*member
	byAddr   map[string]*member
}

// read binds every host that names a cluster; one that cannot be read is left out.
func read(p *modules.Pass) *fleet {
	f := &fleet{clusters: map[string][]*member{}, byAddr: map[string]*member{}}
	for _, h := range p.Inventory.Hosts() {
		name, ok := h.Lookup("redis_cluster")
		if !ok || name.IsNull() {
			continue
		}
		m := &member{Pass: p.For("redis/" + name.String()), host: h}
		m.bound = inventory.Bind(h, &m.vars)
		if m.Bound(m.bound.Problems) {
			f.clusters[m.vars.Cluster] = append(f.clusters[m.vars.Cluster], m)
			f.byAddr[h.Addr] = m
		}
	}
	return f
}

func checkNodes(members []*member) {
	first := map[int]*member{}
	for _, m := range members {
		if other, taken := first[m.vars.Node]; taken {
			m.Errorf(m.bound.Pos("redis_node"), CodeSameNode, "redis_node: %d is already the number of %s (%s)",
				m.vars.Node, other.host.Addr, other.bound.Pos("redis_node"))
			continue
		}
		first[m.vars.Node] = m
	}
}

// checkAgreement wants what makes a cluster one to be the same at every host.
func checkAgreement(members []*member) {
	first := members[0]
	for _, m := range members[1:] {
		switch {
		case m.vars.Mode != first.vars.Mode:
			m.disagrees(first, "redis_mode", first.vars.Mode, m.vars.Mode)
		case m.vars.Type != first.vars.Type:
			m.disagrees(first, "redis_type", first.vars.Type, m.vars.Type)
		case !m.vars.Password.Equal(first.vars.Password):
			m.disagrees(first, "redis_password", "another", "one secret")
		}
	}
}

func (m *member) disagrees(first *member, name, there, here string) {
	m.Errorf(m.bound.Pos(name), CodeDisagree, "%s: %s here and %s at %s: want one value for the cluster", name, here, there, first.host.Addr)
}

// check reports what is wrong with one host.
func (m *member) check(f *fleet) {
	m.checkPorts()
	if data := path.Clean(m.vars.Data); data == "/data" || data == "/" {
		m.Errorf(m.bound.Pos("redis_fs_main"), CodeData, "redis_fs_main: is %s, which other modules share and removing redis would empty: want a directory of its own such as /data/redis", data)
	}
	for _, port := range m.ports() {
		m.checkReplica(f, port)
	}
	for i := range m.vars.Monitor {
		m.checkMonitor(f, i)
	}
}

// ports are those of the host's instances, the lowest first.
func (m *member) ports() []int { return slices.Sorted(maps.Keys(m.vars.Instances)) }

// highest is the last port of a native cluster: its members talk on a port 10000 above.
const highest = 65535 - 10000

func (m *member) checkPorts() {
	v, _ := m.host.Lookup("redis_instances")
	entries, _ := v.Map() // it was bound already
	seen := map[int]bool{}
	for _, e := range entries {
		port, err := e.Key.Int()
		switch {
		case err != nil || port < 1 || port > 65535:
			m.Errorf(e.Key.Pos, CodePort, "redis_instances: want a port number (1..65535) for a key, got %s", e.Key.String())
		case seen[port]:
			m.Errorf(e.Key.Pos, CodePort, "redis_instances: %d is there twice", port)
		case m.vars.Mode == "cluster" && port > highest:
			m.Errorf(e.Key.Pos, CodePort, "redis_instances: want at most %d in a native cluster, whose members talk on a port 10000 higher, got %d", highest, port)
		}
		seen[port] = true
	}
}
