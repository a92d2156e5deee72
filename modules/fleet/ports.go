package fleet

import (
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
)

// checkPorts reports programs of one node that want the same port.
func checkPorts(p *modules.Pass) {
	over := takenOver(p)
	seen := map[told]bool{}
	for _, h := range p.Inventory.Hosts() {
		claims := append(claimsOf(h), over[h.Addr]...)
		first := map[int][]claim{}
		for _, c := range claims {
			for _, other := range first[c.port] {
				if c.collides(other) {
					report(p, seen, h, other, c)
					break
				}
			}
			first[c.port] = append(first[c.port], c)
		}
		checkServiceNames(p, h, claims)
	}
}

// collides tells whether two claims on one port cannot both be met. A service that is given twice
// by one name is one file, and the last one counts.
func (c claim) collides(other claim) bool {
	if c.file != "" && c.file == other.file || c.leftToPG(other) {
		return false
	}
	return everywhere(c.ip) || everywhere(other.ip) || c.ip == other.ip
}

// leftToPG tells whether the module of PostgreSQL compares the two: its own ports among each other,
// and with those of haproxy.
func (c claim) leftToPG(other claim) bool {
	ours, theirs := c.ofPG(), other.ofPG()
	return ours && theirs || ours && other.ofHAProxy() || theirs && c.ofHAProxy()
}

func (c claim) ofPG() bool { return strings.HasPrefix(c.owner, "pgsql/") }

func (c claim) ofHAProxy() bool { return strings.HasPrefix(c.name, "haproxy_") }

func everywhere(ip string) bool { return ip == "" || ip == "*" || ip == "0.0.0.0" || ip == "::" }

// told is a collision as it is written, which is told once however many hosts have it.
type told struct{ here, there string }

// report tells it at the line that is written; when both are, at the second.
func report(p *modules.Pass, seen map[told]bool, h *inventory.Host, first, second claim) {
	if !second.written {
		first, second = second, first
	}
	key := told{second.name + second.pos.String(), first.name}
	if first.written {
		key.there += first.pos.String()
	}
	if seen[key] {
		p.For(first.owner).Freeze()
		p.For(second.owner).Freeze()
		return
	}
	seen[key] = true
	where := "by default"
	if first.written {
		where = "(" + first.pos.String() + ")"
	}
	p.For(first.owner).Freeze()
	p.For(second.owner).Errorf(second.pos, CodePort, "%s: port %d of %s is already taken by %s %s", second.name, second.port, h.Addr, first.name, where)
}

// checkServiceNames reports services of a node whose files belong to a PostgreSQL cluster there: one
// overwrites the other, and removing the cluster removes all files that begin with its name.
func checkServiceNames(p *modules.Pass, h *inventory.Host, claims []claim) {
	files := map[string]bool{}
	for _, c := range claims {
		if c.ofPG() && c.file != "" {
			files[c.file] = true
		}
	}
	cluster, _ := h.Lookup("pg_cluster")
	for _, c := range claims {
		if !strings.HasPrefix(c.owner, "node/") || c.file == "" {
			continue
		}
		name := strings.TrimSuffix(c.name, ".port") + ".name"
		switch {
		case files[c.file]:
			p.For(c.owner).Errorf(c.pos, CodeServiceName, "%s: %s is the file of a service of PostgreSQL on %s", name, c.file, h.Addr)
		case cluster.String() != "" && strings.HasPrefix(c.file, cluster.String()+"-"):
			p.For(c.owner).Warnf(c.pos, CodeServiceName, "%s: %s begins as the services of the cluster %s do, and would be removed with them", name, c.file, cluster.String())
		}
	}
}
