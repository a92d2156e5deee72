package node_test

import (
	"context"
	"os"
	"testing"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A parameter of the kernel gets back what it was before it was ours, whatever it became meanwhile.
func TestSysctl(t *testing.T) {
	dir := machine(t)
	l, port := local(t, dir), id(resource.KindSysctl, "net.ipv4.ip_local_port_range")
	file := dir + "/proc/sys/net/ipv4/ip_local_port_range"
	write(t, file, "32768\t60999\n")
	if got := see(t, l, port); got != nil {
		t.Errorf("what nobody set is ours: %v", got)
	}
	for _, value := range []string{"10000 64999", "32768 60999", "1024 65535"} {
		if err := set(t, l, port, resource.Sysctl{Value: value}); err != nil {
			t.Fatal(err)
		}
		if got := see(t, l, port); got != (resource.Sysctl{Value: value}) {
			t.Errorf("got %v", got)
		}
	}
	write(t, file, "1\t2\n")
	if got := see(t, l, port); got != (resource.Sysctl{Value: "1 2"}) {
		t.Errorf("a change behind our back: %v", got)
	}
	if err := set(t, l, port, nil); err != nil {
		t.Fatal(err)
	}
	if got := text(t, file); got != "32768 60999\n" {
		t.Errorf("it became %q", got)
	}
	if got := see(t, l, port); got != nil {
		t.Errorf("what went is ours: %v", got)
	}
}

func TestSysctlTroubles(t *testing.T) {
	dir := machine(t)
	l := local(t, dir)
	write(t, dir+"/proc/sys/net/ipv4/conf/eth0.1/rp_filter", "0\n")
	vlan := id(resource.KindSysctl, "net.ipv4.conf.eth0/1.rp_filter")
	if err := set(t, l, vlan, resource.Sysctl{Value: "1"}); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"swappiness", "vm.../../../etc/passwd", "vm.a b", "vm.", "a//b.c", "../x.y"} {
		fails(t, set(t, l, id(resource.KindSysctl, name), resource.Sysctl{Value: "1"}), "no name of a kernel parameter")
	}
	fails(t, set(t, l, id(resource.KindSysctl, "vm.nonsense"), resource.Sysctl{Value: "1"}), "no such parameter")
	// The parameter of a module that has gone since is no obstacle to leaving.
	if err := os.RemoveAll(dir + "/proc/sys/net/ipv4/conf/eth0.1"); err != nil {
		t.Fatal(err)
	}
	fails(t, l.Observe(t.Context(), []resource.ID{vlan})[vlan].Err, "no such parameter")
}

func TestKernelModule(t *testing.T) {
	dir := machine(t)
	l := local(t, dir)
	var ran []string
	l.Run = func(_ context.Context, c node.Command) ([]byte, error) {
		ran = append(ran, c.Argv...)
		if c.Argv[1] == "nonsense" {
			return []byte("modprobe: FATAL: Module nonsense not found"), errBoom
		}
		return nil, os.MkdirAll(dir+"/sys/module/"+c.Argv[1], 0o755)
	}
	write(t, dir+"/proc/sys/kernel/osrelease", "6.1.0\n")
	write(t, dir+"/lib/modules/6.1.0/modules.builtin", "kernel/drivers/watchdog/soft-dog.ko\nkernel/fs/ext4/ext4.ko.xz\n")
	for _, built := range []string{"soft-dog", "soft_dog", "ext4"} {
		if got := see(t, l, id(resource.KindKernelModule, built)); got != (resource.KernelModule{}) {
			t.Errorf("%s: %v", built, got)
		}
	}
	overlay := id(resource.KindKernelModule, "overlay")
	if got := see(t, l, overlay); got != nil {
		t.Errorf("got %v", got)
	}
	if err := set(t, l, overlay, resource.KernelModule{}); err != nil || len(ran) != 2 {
		t.Errorf("%v, ran %v", err, ran)
	}
	fails(t, set(t, l, id(resource.KindKernelModule, "nonsense"), resource.KernelModule{}), "Module nonsense not found")
	if s := l.Observe(t.Context(), []resource.ID{id(resource.KindKernelModule, "../x")}); s[id(resource.KindKernelModule, "../x")].Err == nil {
		t.Error("a path was taken for a module")
	}
}

func TestTimezone(t *testing.T) {
	dir := machine(t)
	l, zone := local(t, dir), id(resource.KindTimezone, "node")
	write(t, dir+"/usr/share/zoneinfo/Asia/Tokyo", "TZif2")
	write(t, dir+"/usr/share/zoneinfo/UTC", "TZif2")
	write(t, dir+"/etc/timezone", "Etc/UTC\n")
	if got := see(t, l, zone); got != (resource.Timezone{Name: "UTC"}) {
		t.Errorf("without a link: %v", got)
	}
	for _, name := range []string{"Asia/Tokyo", "UTC"} {
		if err := set(t, l, zone, resource.Timezone{Name: name}); err != nil {
			t.Fatal(err)
		}
		if got := text(t, dir+"/etc/timezone"); got != name+"\n" {
			t.Errorf("Debian's file says %q", got)
		}
	}
	if target, err := os.Readlink(dir + "/etc/localtime"); err != nil || target != "../usr/share/zoneinfo/UTC" {
		t.Errorf("the link is %q, %v", target, err)
	}
	for _, bad := range []string{"Asia/Atlantis", "../passwd", "Asia", "/etc/passwd", ""} {
		if err := set(t, l, zone, resource.Timezone{Name: bad}); err == nil {
			t.Errorf("%q was set", bad)
		}
	}
	if got := see(t, l, zone); got != (resource.Timezone{Name: "UTC"}) {
		t.Errorf("a refused one left %v", got)
	}
}
