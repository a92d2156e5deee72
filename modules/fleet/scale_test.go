package fleet_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/fleet"
	"github.com/pigsync/pigsync/modules/infra"
	"github.com/pigsync/pigsync/modules/minio"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/modules/redis"
)

func load(t testing.TB, text string) *inventory.Inventory {
	t.Helper()
	inv, problems, err := inventory.Load(fstest.MapFS{"pigsty.yml": {Data: []byte(text)}}, "pigsty.yml")
	if err != nil || inventory.HasErrors(problems) {
		t.Fatal(problems, err)
	}
	return inv
}

// BenchmarkCompile judges 5,000 hosts in clusters of three; the time is to grow with the hosts.
func BenchmarkCompile(b *testing.B) {
	var text strings.Builder
	text.WriteString("all:\n  vars: { admin_ip: 10.0.0.0, node_etc_hosts: ['${admin_ip} i.pigsty'] }\n  children:\n")
	for i := range 5000 {
		if i%3 == 0 {
			fmt.Fprintf(&text, "    c%dx:\n      vars: { pg_cluster: c%dx, redis_cluster: c%dx }\n      hosts:\n", i/3, i/3, i/3)
		}
		fmt.Fprintf(&text, "        10.0.%d.%d: { pg_seq: %d, redis_node: %d, redis_instances: { 6379: {} } }\n", i>>8, i&255, i%3+1, i%3+1)
	}
	inv := load(b, text.String())
	for _, m := range []*modules.Module{node.Module, infra.Module, minio.Module, redis.Module, fleet.Module} {
		b.Run(m.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if c := modules.Compile(inv, nil, []*modules.Module{m}); len(c.Problems) > 0 {
					b.Fatal(c.Problems[0])
				}
			}
		})
	}
}

// Two services of a node collide exactly when they have one port and can hear one address.
func TestPortsCollideOrNot(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		port := rapid.IntRange(20000, 20003)
		ip := rapid.SampledFrom([]string{"*", "0.0.0.0", "10.0.0.1", "10.0.0.2"})
		a, b := port.Draw(rt, "port"), port.Draw(rt, "other port")
		x, y := ip.Draw(rt, "ip"), ip.Draw(rt, "other ip")
		text := fmt.Sprintf("all:\n  hosts:\n    10.0.0.1:\n      haproxy_services: [ { name: a, port: %d, ip: '%s' }, { name: b, port: %d, ip: '%s' } ]\n", a, x, b, y)
		c := modules.Compile(load(t, text), nil, []*modules.Module{fleet.Module})
		anywhere := x == "*" || x == "0.0.0.0" || y == "*" || y == "0.0.0.0"
		want := a == b && (anywhere || x == y)
		if got := len(c.Problems) > 0; got != want || c.Frozen["node/10.0.0.1"] != want {
			rt.Fatalf("%s:%d and %s:%d: %v, frozen %v", x, a, y, b, c.Problems, c.Frozen)
		}
	})
}
