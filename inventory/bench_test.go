package inventory

import (
	"fmt"
	"strings"
	"testing"
)

// fleet writes an inventory of n hosts in clusters of four, each host also in a rack.
func fleet(n int) string {
	var b strings.Builder
	b.WriteString("all:\n  vars:\n    admin_ip: 10.0.0.1\n")
	for i := range 80 {
		fmt.Fprintf(&b, "    global_%d: { a: [1, 2, 3], b: \"text ${admin_ip}\" }\n", i)
	}
	b.WriteString("  children:\n")
	for i := range n {
		if i%4 == 0 {
			fmt.Fprintf(&b, "    pg-%d:\n      vars: { pg_cluster: pg-%d, pg_version: 18, pg_users: [{ name: a, roles: [b, c] }] }\n      hosts:\n", i/4, i/4)
		}
		fmt.Fprintf(&b, "        10.%d.%d.%d: { pg_seq: %d, pg_role: replica, nodename: n%d }\n", i>>16, i>>8&255, i&255, i%4, i)
	}
	for i := range n {
		if i%40 == 0 {
			fmt.Fprintf(&b, "    rack-%d:\n      vars: { node_cluster: r%d }\n      hosts:\n", i/40, i/40)
		}
		fmt.Fprintf(&b, "        10.%d.%d.%d:\n", i>>16, i>>8&255, i&255)
	}
	return b.String()
}

func BenchmarkLoad1000(b *testing.B) {
	text := fleet(1000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		inv, _, err := load(text)
		if err != nil {
			b.Fatal(err)
		}
		for _, h := range inv.Hosts() {
			if _, ok := h.Lookup("global_7"); !ok {
				b.Fatal("not resolved")
			}
		}
	}
}

func BenchmarkLookup1000(b *testing.B) {
	inv := mustLoad(b, fleet(1000))
	names := inv.Hosts()[0].Names()
	b.ReportAllocs()
	for b.Loop() {
		for _, h := range inv.Hosts() {
			for _, name := range names {
				h.Lookup(name)
			}
		}
	}
}

func BenchmarkBind1000(b *testing.B) {
	inv := mustLoad(b, fleet(1000))
	b.ReportAllocs()
	for b.Loop() {
		for _, h := range inv.Hosts() {
			var v vars
			Bind(h, &v)
		}
	}
}

func BenchmarkCheckAllUnknown(b *testing.B) {
	var text strings.Builder
	text.WriteString("all:\n  hosts: {10.0.0.1: }\n  vars:\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "    pg_shared_%d_bufer: 1\n", i)
	}
	inv := mustLoad(b, text.String())
	b.ReportAllocs()
	for b.Loop() {
		Check(inv)
	}
}
