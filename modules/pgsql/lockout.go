package pgsql

import (
	"net/netip"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/pgsql/hba"
)

// checkReplication wants every member to be able to stream from every other, since any may lead, and those
// of a standby cluster from the one they follow.
func (c *cluster) checkReplication(books []*rulebook) {
	for _, b := range books {
		for _, o := range c.followers(b.member) {
			stream := hba.Conn{Addr: o.host.IP, Replication: true, User: b.member.vars.ReplUser}
			if why, out := b.lockedOut(stream, "", false); out {
				b.Errorf(b.place(why), CodeReplication, "%s: %s on %s cannot stream from %s%s", b.list, b.member.vars.ReplUser, o.addr(), b.member.addr(), why.because())
				return
			}
			rewind := from(o.host.IP, b.member.vars.ReplUser)
			if why, out := b.lockedOut(rewind, "", false); out && o.vars.Cluster == c.name {
				b.Warnf(b.place(why), CodeReplication, "%s: %s on %s cannot connect to database postgres of %s%s: pg_rewind fails after a failover",
					b.list, b.member.vars.ReplUser, o.addr(), b.member.addr(), why.because())
				return
			}
		}
	}
}

// followers are the members that may have to stream from m.
func (c *cluster) followers(m *member) (all []*member) {
	for _, o := range c.members {
		if o != m {
			all = append(all, o)
		}
	}
	for _, other := range c.fleet.clusters {
		if p := other.primary(); p != nil && other != c && p.vars.Up == m.host.IP {
			all = append(all, p)
		}
	}
	return all
}

// checkDbsu wants the superuser to come in over the socket, where Patroni and pigsync do.
func (b *rulebook) checkDbsu() {
	dbsu := b.member.vars.Dbsu
	if why, out := b.lockedOut(hba.Conn{Local: true, Database: "postgres", User: dbsu}, dbsu, false); out {
		b.Errorf(b.place(why), CodeAdmin, "%s: the superuser %s cannot connect over the socket of %s%s: Patroni cannot manage it",
			b.list, dbsu, b.member.addr(), why.because())
	}
}

// checkMonitor wants the exporter to come in over the socket, and Grafana from the hosts that watch.
func (b *rulebook) checkMonitor() {
	v := &b.member.vars
	if v.ExporterEnabled && v.ExporterURL.IsZero() {
		if why, out := b.lockedOut(hba.Conn{Local: true, Database: "postgres", User: v.MonitorUser}, v.Dbsu, false); out {
			b.Warnf(b.place(why), CodeMonitor, "%s: %s cannot connect over the socket of %s%s: the exporter sees nothing", b.list, v.MonitorUser, b.member.addr(), why.because())
		}
	}
	for _, h := range b.fleet.watchers() {
		if why, out := b.lockedOut(from(h.IP, v.MonitorUser), "", false); out {
			b.Warnf(b.place(why), CodeMonitor, "%s: %s on %s cannot connect to %s%s: Grafana shows nothing of it", b.list, v.MonitorUser, h.Addr, b.member.addr(), why.because())
			return
		}
	}
}

func (f *fleet) watchers() []*inventory.Host {
	if g := f.Inventory.Group("infra"); g != nil {
		return g.Hosts()
	}
	return nil
}

// checkAdmin wants the administrator to come in from the host where administrators work.
func (b *rulebook) checkAdmin() {
	v, ok := b.member.host.Lookup("admin_ip")
	a, err := netip.ParseAddr(b.member.around.AdminIP)
	if !ok || v.IsNull() || err != nil {
		return
	}
	if why, out := b.lockedOut(from(a, b.member.vars.AdminUser), "", true); out {
		b.Warnf(b.place(why), CodeAdmin, "%s: the administrator %s on %s (admin_ip) cannot connect to %s%s", b.list, b.member.vars.AdminUser, a, b.member.addr(), why.because())
	}
}
