package node

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/pigsync/pigsync/resource"
)

// nics asks the kernel for the network interfaces that have an address others can use.
func (l *Local) nics() ([]resource.NIC, error) {
	if l.NICs != nil {
		return l.NICs()
	}
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("ask the kernel for network interfaces: %w", err)
	}
	var nics []resource.NIC
	for _, i := range all {
		addrs, err := i.Addrs()
		if err != nil {
			continue // it has gone meanwhile
		}
		if prefixes := usable(addrs); len(prefixes) > 0 {
			nics = append(nics, resource.NIC{Name: i.Name, Addrs: prefixes})
		}
	}
	return nics, nil
}

// usable leaves out the addresses of the machine to itself and of one link.
func usable(addrs []net.Addr) (out []netip.Prefix) {
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() {
			out = append(out, p)
		}
	}
	return out
}
