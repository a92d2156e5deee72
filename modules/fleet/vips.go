package fleet

import (
	"net/netip"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
)

// leader is a PostgreSQL cluster that keeps an address.
type leader struct {
	cluster string
	value   inventory.Value
}

// checkVIPs compares the addresses that nodes share with those of hosts and of PostgreSQL leaders.
func checkVIPs(p *modules.Pass) {
	hosts := map[netip.Addr]*inventory.Host{}
	leaders := map[netip.Addr]leader{}
	for _, h := range p.Inventory.Hosts() {
		hosts[h.IP] = h
		addLeader(leaders, h)
	}
	for _, h := range p.Inventory.Hosts() {
		var v vips
		b := inventory.Bind(h, &v)
		if !v.Enabled || !v.Address.IsValid() {
			continue
		}
		q := p.For("node/" + h.Addr)
		if other := hosts[v.Address]; other != nil {
			q.Errorf(b.Pos("vip_address"), CodeTaken, "vip_address: %s is the address of a host (%s)", v.Address, other.Pos)
		}
		if l, taken := leaders[v.Address]; taken {
			q.Errorf(b.Pos("vip_address"), CodeTwoVIPs, "vip_address: %s is the address of the leader of %s (%s)", v.Address, l.cluster, l.value.Pos)
		}
	}
}

func addLeader(leaders map[netip.Addr]leader, h *inventory.Host) {
	if !has(h, "pg_cluster") || !has(h, "pg_vip_address") {
		return
	}
	var v vips
	inventory.Bind(h, &v)
	prefix, err := netip.ParsePrefix(v.PGAddress)
	if err != nil || !v.PGEnabled {
		return
	}
	value, _ := h.Lookup("pg_vip_address")
	leaders[prefix.Addr()] = leader{v.Cluster, value}
}
