package node_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// obeys lets commands do to the machine below dir what they do, and notes them.
func obeys(l *node.Local, do map[string]func()) *[]string {
	var ran []string
	l.Run = func(_ context.Context, c node.Command) ([]byte, error) {
		words := strings.Join(c.Argv, " ")
		ran = append(ran, words)
		if f, ok := do[words]; ok {
			f()
			return nil, nil
		}
		return []byte("unheard of"), errBoom
	}
	return &ran
}

// differs are the paths in which what is there is not what is wanted.
func differs(t *testing.T, l *node.Local, i resource.ID, want resource.Spec) string {
	t.Helper()
	var paths []string
	for _, f := range want.Compare(see(t, l, i)) {
		paths = append(paths, f.Path)
	}
	return strings.Join(paths, " ")
}

// As recorded on EL 9; the sandbox has no SELinux.
func TestSELinux(t *testing.T) {
	dir := machine(t)
	l, mode := local(t, dir), id(resource.KindSELinux, "node")
	if got := see(t, l, mode); got != (resource.SELinux{Absent: true}) || len(resource.NewSELinux("enforcing").Compare(got)) > 0 {
		t.Errorf("a system without SELinux: %+v", got)
	}
	write(t, dir+"/etc/selinux/config", "# This file controls the state of SELinux on the system.\n# SELINUX= can take one of these values\nSELINUX=enforcing\nSELINUXTYPE=targeted\n")
	write(t, dir+"/sys/fs/selinux/enforce", "1")
	enforce := func(to string) func() { return func() { write(t, dir+"/sys/fs/selinux/enforce", to) } }
	ran := obeys(l, map[string]func(){"setenforce 0": enforce("0"), "setenforce 1": enforce("1")})
	for _, want := range []string{"permissive", "enforcing", "permissive"} {
		if err := set(t, l, mode, resource.NewSELinux(want)); err != nil {
			t.Fatal(err)
		}
		if got := see(t, l, mode); got != (resource.SELinux{Boot: want, Running: want}) {
			t.Errorf("got %+v", got)
		}
	}
	config := text(t, dir+"/etc/selinux/config")
	if !strings.Contains(config, "SELINUXTYPE=targeted\n") || strings.Count(config, "\nSELINUX=") != 1 || !strings.Contains(config, "# SELINUX= can") {
		t.Errorf("the file became %s", config)
	}
	enforce("1")()
	if got := differs(t, l, mode, resource.NewSELinux("permissive")); got != "running" {
		t.Errorf("somebody has switched it, and it differs in %q", got)
	}
	// On and off come with a reboot: the file is written, and the rest is pending.
	*ran = nil
	off := resource.NewSELinux("disabled")
	if err := set(t, l, mode, off); err != nil || len(*ran) > 0 {
		t.Errorf("%v, ran %v", err, *ran)
	}
	if d := off.Pending(see(t, l, mode)); len(d) != 1 || d[0].Path != "running" || d[0].Have != "enforcing" {
		t.Errorf("pending is %v", d)
	}
	if err := os.RemoveAll(dir + "/sys/fs/selinux"); err != nil {
		t.Fatal(err)
	}
	on := resource.NewSELinux("enforcing")
	if d := off.Pending(see(t, l, mode)); len(d) > 0 {
		t.Errorf("after the reboot is pending: %v", d)
	}
	if err := set(t, l, mode, on); err != nil || len(on.Pending(see(t, l, mode))) != 1 {
		t.Errorf("%v, pending is %v", err, on.Pending(see(t, l, mode)))
	}
}

const grubText = "menuentry 'Debian' {\n\tlinux\t/boot/vmlinuz-6.12 root=UUID=1 ro quiet ARGS\n}\nmenuentry 'recovery' {\n\tlinux\t/boot/vmlinuz-6.12 root=UUID=1 ro single ARGS\n}\n"

// An argument of the kernel, on Debian and on EL as they keep their entries. Nodes of the sandbox have no
// boot loader.
func TestKernelArg(t *testing.T) {
	numa, want := id(resource.KindKernelArg, "numa=off"), resource.KernelArg{Kept: true, Running: true}
	t.Run("debian", func(t *testing.T) {
		dir := machine(t)
		l := local(t, dir)
		write(t, dir+"/proc/cmdline", "root=UUID=1 ro quiet\n")
		fails(t, set(t, l, numa, want), "no boot loader that pigsync knows")
		write(t, dir+"/usr/sbin/update-grub", "")
		file := dir + "/etc/default/grub.d/pigsync-numa-off.cfg"
		update := func() {
			args := ""
			if _, err := os.Stat(file); err == nil {
				args = "numa=off"
			}
			write(t, dir+"/boot/grub/grub.cfg", strings.ReplaceAll(grubText, "ARGS", args))
		}
		update()
		obeys(l, map[string]func(){"update-grub": update})
		argument(t, l, dir, numa, want)
		if _, err := os.Stat(file); err == nil {
			t.Error("the file stayed")
		}
	})
	t.Run("el", func(t *testing.T) {
		dir := machine(t)
		l := local(t, dir)
		write(t, dir+"/proc/cmdline", "BOOT_IMAGE=(hd0) ro\n")
		write(t, dir+"/usr/sbin/grubby", "")
		entry := func(args string) func() {
			return func() {
				write(t, dir+"/boot/loader/entries/a-5.14.conf", "title Rocky\nlinux /vmlinuz\noptions root=/dev/sda1 ro"+args+"\n")
				write(t, dir+"/boot/loader/entries/a-0-rescue.conf", "title Rescue\nlinux /vmlinuz\noptions $kernelopts\n")
				write(t, dir+"/boot/grub2/grubenv", "# GRUB Environment Block\nkernelopts=root=/dev/sda1 ro"+args+"\n")
			}
		}
		entry("")()
		obeys(l, map[string]func(){
			"grubby --update-kernel=ALL --args=numa=off": entry(" numa=off"), "grubby --update-kernel=ALL --remove-args=numa=off": entry(""),
		})
		argument(t, l, dir, numa, want)
		// One that somebody else has set stays when ours goes.
		entry(" numa=off")()
		if err := errors.Join(set(t, l, numa, want), set(t, l, numa, nil)); err != nil {
			t.Fatal(err)
		}
		if got := text(t, dir+"/boot/loader/entries/a-5.14.conf"); !strings.Contains(got, "ro numa=off\n") {
			t.Errorf("the entry became %s", got)
		}
	})
}

func argument(t *testing.T, l *node.Local, dir string, numa resource.ID, want resource.KernelArg) {
	t.Helper()
	if got := see(t, l, numa); got != nil {
		if err := set(t, l, numa, nil); err != nil { // of a try before the boot loader was there
			t.Fatal(err)
		}
	}
	if err := set(t, l, numa, want); err != nil {
		t.Fatal(err)
	}
	now := see(t, l, numa)
	if d := want.Pending(now); len(want.Compare(now)) > 0 || len(d) != 1 || d[0].Path != "running" {
		t.Errorf("got %+v, pending %v", now, d)
	}
	write(t, dir+"/proc/cmdline", "ro numa=off\n")
	if d := want.Pending(see(t, l, numa)); len(d) > 0 {
		t.Errorf("after the reboot is pending: %v", d)
	}
	if err := set(t, l, numa, nil); err != nil {
		t.Fatal(err)
	}
	if got := see(t, l, numa); got != nil {
		t.Errorf("left behind: %v", got)
	}
}

// Swap goes from the kernel and from the next start, and comes back with the flag's end.
func TestNoSwap(t *testing.T) {
	dir := machine(t)
	l, swap := local(t, dir), id(resource.KindNoSwap, "node")
	table := "UUID=1 / ext4 defaults 0 1\n# a comment\n/dev/sda2 none swap sw 0 0\n"
	write(t, dir+"/etc/fstab", table)
	heading := "Filename\tType\tSize\tUsed\tPriority\n"
	with, without := heading+"/dev/sda2 partition 1000 0 -2\n", heading
	write(t, dir+"/proc/swaps", with)
	obeys(l, map[string]func(){
		"swapoff -a": func() { write(t, dir+"/proc/swaps", without) }, "swapon -a": func() { write(t, dir+"/proc/swaps", with) },
	})
	if got := see(t, l, swap); got != nil {
		t.Errorf("what nobody asked for is ours: %v", got)
	}
	for range 2 { // by the inventory, then after somebody has brought it back
		if err := set(t, l, swap, resource.NoSwap{}); err != nil {
			t.Fatal(err)
		}
		if got := text(t, dir+"/etc/fstab"); !strings.Contains(got, "\n# pigsync swap: /dev/sda2 none swap") || text(t, dir+"/proc/swaps") != without {
			t.Errorf("fstab is %s", got)
		}
		write(t, dir+"/proc/swaps", with)
		if got := differs(t, l, swap, resource.NoSwap{}); got != "active" {
			t.Errorf("differs in %q", got)
		}
	}
	if err := set(t, l, swap, nil); err != nil {
		t.Fatal(err)
	}
	if got := text(t, dir+"/etc/fstab"); got != table {
		t.Errorf("fstab became %s", got)
	}
}

// Rotating disks are read ahead, others are left alone; the kernel of a sandbox refuses.
func TestReadAhead(t *testing.T) {
	dir := machine(t)
	l, ahead := local(t, dir), id(resource.KindReadAhead, "node")
	for disk, turns := range map[string]string{"sda": "1", "nvme0n1": "0", "loop0": "1"} {
		write(t, dir+"/sys/block/"+disk+"/queue/rotational", turns+"\n")
		write(t, dir+"/sys/block/"+disk+"/queue/read_ahead_kb", "128\n")
	}
	kb := func(disk string) string {
		return strings.TrimSpace(text(t, dir+"/sys/block/"+disk+"/queue/read_ahead_kb"))
	}
	want := resource.ReadAhead{KB: 8192}
	for range 2 {
		if err := set(t, l, ahead, want); err != nil {
			t.Fatal(err)
		}
		if kb("sda") != "8192" || kb("nvme0n1") != "128" || kb("loop0") != "128" {
			t.Errorf("got %s, %s, %s", kb("sda"), kb("nvme0n1"), kb("loop0"))
		}
		write(t, dir+"/sys/block/sda/queue/read_ahead_kb", "256\n")
		if got := differs(t, l, ahead, want); got != "less" {
			t.Errorf("differs in %q", got)
		}
	}
	if err := set(t, l, ahead, nil); err != nil || kb("sda") != "128" {
		t.Errorf("%v: it became %s", err, kb("sda"))
	}
}

// A profile is applied once; what the kernel refuses is no drift, what somebody changes is.
func TestTuned(t *testing.T) {
	dir := machine(t)
	l, tuned := local(t, dir), id(resource.KindTuned, "node")
	write(t, dir+"/etc/tuned/active_profile", "virtual-guest\n")
	write(t, dir+"/proc/sys/vm/swappiness", "60\n")
	write(t, dir+"/proc/sys/net/core/somaxconn", "4096\n")
	write(t, dir+"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n")
	profile := func(name string) func() {
		return func() {
			write(t, dir+"/etc/tuned/active_profile", name+"\n")
			write(t, dir+"/proc/sys/net/core/somaxconn", map[string]string{"oltp": "65535"}[name]+"\n")
			write(t, dir+"/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n")
		}
	}
	obeys(l, map[string]func(){"tuned-adm profile oltp": profile("oltp"), "tuned-adm profile virtual-guest": profile("virtual-guest"), "tuned-adm auto_profile": profile("auto")})
	settings := map[string]string{"vm.swappiness": "1", "net.core.somaxconn": "65535", "net.netfilter.nf_conntrack_max": "7", "transparent_hugepages": "never"}
	want := resource.Tuned{Profile: "oltp", Sum: "a", Settings: settings}
	if got := see(t, l, tuned); got != nil {
		t.Errorf("what nobody asked for is ours: %v", got)
	}
	if err := set(t, l, tuned, want); err != nil {
		t.Fatal(err)
	}
	for name, harm := range map[string]func(){
		"drifted":         func() { write(t, dir+"/proc/sys/net/core/somaxconn", "128\n") },
		"profile applied": func() { write(t, dir+"/etc/tuned/active_profile", "balanced\n") },
	} {
		harm()
		if got := differs(t, l, tuned, want); got != name {
			t.Errorf("differs in %q, want %q", got, name)
		}
		if err := set(t, l, tuned, want); err != nil || differs(t, l, tuned, want) != "" {
			t.Errorf("%v, differs in %q", err, differs(t, l, tuned, want))
		}
	}
	// Who changes one while the profile is applied is not taken for a kernel that refuses it.
	write(t, dir+"/proc/sys/net/core/somaxconn", "128\n")
	obey := l.Run
	l.Run = func(ctx context.Context, c node.Command) ([]byte, error) {
		out, err := obey(ctx, c)
		write(t, dir+"/proc/sys/net/core/somaxconn", "4096\n")
		return out, err
	}
	fails(t, set(t, l, tuned, want), "was done without effect on drifted")
	if got := differs(t, l, tuned, want); got != "drifted" {
		t.Errorf("differs in %q", got)
	}
	l.Run = obey
	if err := set(t, l, tuned, want); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n")
	if got := see(t, l, tuned).(resource.Tuned).Drifted; len(got) != 1 || got[0] != "transparent_hugepages" {
		t.Errorf("drifted: %v", got)
	}
	want.Sum = "b"
	if got := differs(t, l, tuned, want); got != "applied drifted" {
		t.Errorf("a profile written anew differs in %q", got)
	}
	if err := set(t, l, tuned, nil); err != nil || text(t, dir+"/etc/tuned/active_profile") != "virtual-guest\n" {
		t.Errorf("%v, left with %s", err, text(t, dir+"/etc/tuned/active_profile"))
	}
	fails(t, set(t, l, tuned, resource.Tuned{Profile: "nonsense"}), "tuned-adm: boom: unheard of")
}

// A directory is not made on the disk below one that fstab has and that is not mounted.
func TestDirBelowAMissingMount(t *testing.T) {
	dir := machine(t)
	l := local(t, dir)
	write(t, dir+"/etc/fstab", "UUID=1 / ext4 defaults 0 1\nUUID=2 /data xfs defaults,nofail 0 2\nUUID=3 /data/later xfs noauto 0 2\n")
	write(t, dir+"/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n")
	data, deep := id(resource.KindDir, "/data"), id(resource.KindDir, "/data/postgres")
	fails(t, set(t, l, data, resource.Dir{}), "/data has a disk of its own in /etc/fstab, which is not mounted")
	if err := os.Mkdir(dir+"/data", 0o755); err != nil {
		t.Fatal(err)
	}
	fails(t, set(t, l, deep, resource.Dir{}), "/data has a disk of its own in /etc/fstab, which is not mounted")
	if err := set(t, l, id(resource.KindDir, "/database"), resource.Dir{}); err != nil {
		t.Error(err)
	}
	write(t, dir+"/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n/dev/sdb /data xfs rw 0 0\n")
	for _, i := range []resource.ID{deep, id(resource.KindDir, "/data/later")} {
		if err := set(t, l, i, resource.Dir{}); err != nil {
			t.Error(err)
		}
	}
}
