package redis

import (
	"fmt"
	"go/token"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/modules/notation"
)

// address is one instance of the fleet.
type address struct {
	host string
	port int
}

// master is what an instance is to copy; ok is false when that cannot be read.
func (i Instance) master() (a address, ok bool) {
	words := strings.FieldsFunc(i.ReplicaOf, func(r rune) bool { return r == ' ' || r == '\t' })
	if len(words) != 2 {
		return address{}, false
	}
	port, err := strconv.Atoi(words[1])
	return address{canonical(words[0]), port}, err == nil && port > 0 && port <= 65535 && notation.IsHost(words[0])
}

// canonical is the one spelling of an address.
func canonical(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.String()
	}
	return host
}

// others names the ports that a host has instead.
func (f *fleet) others(host string) string {
	m := f.byAddr[host]
	if m == nil {
		return ""
	}
	return ": it has " + strings.Trim(fmt.Sprint(m.ports()), "[]")
}

func (f *fleet) has(a address) bool {
	m := f.byAddr[a.host]
	if m == nil {
		return false
	}
	_, ok := m.vars.Instances[a.port]
	return ok
}

func (m *member) replicaPos(port int) (name string, pos token.Position) {
	name = fmt.Sprintf("redis_instances.%d.replica_of", port)
	return name, m.bound.Pos(name)
}

// checkReplica wants what an instance copies to be an instance as well. One outside of the
// inventory may be: nothing is known of it.
func (m *member) checkReplica(f *fleet, port int) {
	i := m.vars.Instances[port]
	if i.ReplicaOf == "" {
		return
	}
	name, pos := m.replicaPos(port)
	of, ok := i.master()
	switch {
	case !ok:
		m.Errorf(pos, CodeReplicaOf, "%s: want an address and a port with a space between them", name)
	case m.vars.Mode != "standalone":
		m.Warnf(pos, CodeReplicaOf, "%s: means nothing when redis_mode is %s", name, m.vars.Mode)
	case of == address{m.host.Addr, port}:
		m.Errorf(pos, CodeCircle, "%s: is the instance itself", name)
	case f.has(of):
		m.checkMaster(f, name, pos, of)
	case m.Inventory.Host(of.host) != nil:
		m.Errorf(pos, CodeReplicaOf, "%s: %s has no redis instance with port %d%s", name, of.host, of.port, f.others(of.host))
	default:
		m.Warnf(pos, CodeReplicaOf, "%s: %s is no host of this inventory", name, of.host)
	}
}

// checkMaster wants a replica and what it copies to be servers of one cluster: its password is the
// one they log in with.
func (m *member) checkMaster(f *fleet, name string, pos token.Position, of address) {
	if other := f.byAddr[of.host].vars; other.Cluster != m.vars.Cluster {
		m.Warnf(pos, CodeReplicaOf, "%s: %s %d belongs to another cluster, %s", name, of.host, of.port, other.Cluster)
	}
}

// checkCircles reports replicas that copy each other: none of them has the data.
func checkCircles(f *fleet) {
	done := map[address]bool{}
	for _, addr := range slices.Sorted(maps.Keys(f.byAddr)) {
		m := f.byAddr[addr]
		for _, port := range m.ports() {
			if at := (address{addr, port}); m.vars.Mode == "standalone" && !done[at] && f.circles(at, done) {
				name, pos := m.replicaPos(port)
				m.Errorf(pos, CodeCircle, "%s: leads back to this instance: none of the circle is the master", name)
			}
		}
	}
}

// circles follows the replicas from one instance; each is followed once.
func (f *fleet) circles(start address, done map[address]bool) bool {
	trail := map[address]bool{}
	for at := start; f.has(at) && !done[at]; {
		done[at], trail[at] = true, true
		next, ok := f.byAddr[at.host].vars.Instances[at.port].master()
		if !ok || next == at {
			return false
		}
		if trail[next] {
			return true
		}
		at = next
	}
	return false
}

// leastMasters is how many a native cluster needs to tell that one is gone.
const leastMasters = 3

func checkMasters(members []*member) {
	first := members[0]
	if first.vars.Mode != "cluster" {
		return
	}
	n := 0
	for _, m := range members {
		n += len(m.vars.Instances)
	}
	if masters := n / (1 + first.vars.Replicas); masters < leastMasters {
		first.Errorf(first.bound.Pos("redis_cluster"), CodeMasters, "redis_cluster: %s has %d instances, %d masters with redis_cluster_replicas %d: a native cluster wants at least %d masters",
			first.vars.Cluster, n, masters, first.vars.Replicas, leastMasters)
	}
}

// checkMonitor wants what sentinels watch to be an instance.
func (m *member) checkMonitor(f *fleet, i int) {
	w := m.vars.Monitor[i]
	at := fmt.Sprintf("redis_sentinel_monitor[%d]", i)
	of := address{canonical(w.Host), w.Port}
	pos := m.bound.Pos(at + ".host")
	switch {
	case w.Remove || m.vars.Mode != "sentinel" || f.has(of) && f.byAddr[of.host].vars.Mode == "standalone":
	case f.has(of):
		m.Errorf(pos, CodeMonitor, "%s.host: %s %d is of the mode %s: sentinels watch standalone masters", at, of.host, of.port, f.byAddr[of.host].vars.Mode)
	case m.Inventory.Host(of.host) != nil:
		m.Errorf(pos, CodeMonitor, "%s.host: %s has no redis instance with port %d%s", at, of.host, of.port, f.others(of.host))
	default:
		m.Warnf(pos, CodeMonitor, "%s.host: %s is no host of this inventory", at, w.Host)
	}
}

// checkSentinels wants sentinels to watch something, and to be enough to agree that it is gone.
func checkSentinels(members []*member) {
	first := members[0]
	if first.vars.Mode != "sentinel" {
		return
	}
	if len(first.vars.Monitor) == 0 {
		first.Warnf(first.bound.Pos("redis_mode"), CodeQuorum, "redis_mode: is sentinel, and redis_sentinel_monitor names nothing to watch")
	}
	n := 0
	for _, m := range members {
		n += len(m.vars.Instances)
	}
	for i, w := range first.vars.Monitor {
		if w.Quorum > n && !w.Remove {
			at := fmt.Sprintf("redis_sentinel_monitor[%d].quorum", i)
			first.Errorf(first.bound.Pos(at), CodeQuorum, "%s: %d sentinels can never be found among the %d there are", at, w.Quorum, n)
		}
	}
}
