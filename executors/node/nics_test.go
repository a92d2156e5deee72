package node

import (
	"net"
	"net/netip"
	"slices"
	"testing"
)

func TestUsableAddresses(t *testing.T) {
	var all []net.Addr
	for _, a := range []string{"127.0.0.1/8", "::1/128", "fe80::1/64", "169.254.1.1/16", "10.0.0.1/24", "fd00::1/64"} {
		p := netip.MustParsePrefix(a)
		all = append(all, &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("fd00::1/64")}
	if got := usable(all); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
