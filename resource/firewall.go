package resource

import (
	"slices"
	"strconv"
)

// Firewall is what we have asked of the firewall of a node, by whatever tool is in charge there. The
// id is "firewall:node@<node>". Rules of others are none of it. A change is made on trial: it undoes
// itself unless it is confirmed over a new connection.
type Firewall struct {
	Tool    string   // firewalld, ufw or nftables; observed only
	On      bool     // it filters, now and after the next start of the node
	Trusted []string // the networks from which everything is let in, sorted
	Ports   []int    // the TCP ports that are open to everybody, sorted
	// Live says that what filters now is what is kept for the next start, and nothing of ours is left
	// with a tool that is not in charge.
	Live bool
	// Confirmed says that no change stands that nobody has confirmed.
	Confirmed bool
}

// NewFirewall wants a firewall that lets in what is named, and what others have asked it to.
func NewFirewall(trusted []string, ports []int) Firewall {
	f := Firewall{On: true, Live: true, Confirmed: true}
	f.Trusted = slices.Compact(slices.Sorted(slices.Values(trusted)))
	f.Ports = slices.Compact(slices.Sorted(slices.Values(ports)))
	return f
}

// NoFirewall wants the firewall off.
func NoFirewall() Firewall { return Firewall{Live: true, Confirmed: true} }

// Kind is KindFirewall.
func (Firewall) Kind() Kind { return KindFirewall }

// Compare sees a reload in every change. It is no Lockout: what undoes itself needs nobody's approval.
func (f Firewall) Compare(have Spec) []Field {
	h, there := have.(Firewall)
	var d fields
	d.flag("on", h.On, f.On, Reload)
	d.list("trusted", h.Trusted, f.Trusted, Reload)
	d.list("ports", numbers(h.Ports), numbers(f.Ports), Reload)
	d.flag("live", h.Live, f.Live, Reload)
	d.flag("confirmed", h.Confirmed, f.Confirmed, 0)
	if !there && len(d) == 0 {
		d.text("state", "not ours", "set", 0)
	}
	return d
}

func numbers(list []int) []string {
	var out []string
	for _, n := range list {
		out = append(out, strconv.Itoa(n))
	}
	return out
}
