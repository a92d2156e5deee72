package node_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// crowd installs packages at once on one machine and gives what each came to. Nothing is installed before
// all have had their say: a wish waits, or was refused already.
func crowd(t *testing.T, d *distro, l *node.Local, names ...string) map[string]error {
	t.Helper()
	var mu sync.Mutex
	var first sync.Once
	var ended atomic.Int64
	l.Run = func(ctx context.Context, c node.Command) ([]byte, error) {
		if slices.Contains(c.Argv, "install") && !slices.Contains(c.Argv, "--simulate") {
			first.Do(func() { eventually(t, "all wish", func() bool { return l.Wishes()+int(ended.Load()) == len(names) }) })
		}
		mu.Lock()
		defer mu.Unlock()
		return d.run(ctx, c)
	}
	errs := map[string]error{}
	for _, name := range names {
		d.offers[name] = "1"
	}
	var wg sync.WaitGroup
	for _, name := range names {
		wg.Go(func() {
			err := l.Apply(t.Context(), change(id(resource.KindPackage, name), resource.Package{}, nil))
			ended.Add(1)
			mu.Lock()
			defer mu.Unlock()
			errs[name] = err
		})
	}
	wg.Wait()
	return errs
}

func (d *distro) runs(words ...string) (n int) {
	for _, said := range d.said {
		all := !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(said, w) })
		if all && strings.Contains(said, " install ") && !strings.Contains(said, "--simulate") {
			n++
		}
	}
	return n
}

// One run of the package manager brings what all that wait for it want.
func TestPackagesAreInstalledTogether(t *testing.T) {
	d, l := debian(t)
	for name, err := range crowd(t, d, l, "a1", "b1", "c1", "d1", "e1", "f1") {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := d.runs(); n > 2 { // the first may come alone
		t.Errorf("%d runs:\n%s", n, strings.Join(d.said, "\n"))
	}
	if l.Wishes() != 0 {
		t.Errorf("%d wishes are left", l.Wishes())
	}
}

// A package that cannot be installed is nobody else's trouble.
func TestABadPackageStopsNoOther(t *testing.T) {
	for _, tt := range []struct {
		name string
		harm func(*distro)
		says string
	}{
		{"its script fails", func(d *distro) { d.bad = "c1" }, "error processing package c1"},
		{"it would remove another", func(d *distro) { d.takes["c1"] = "openssh-server" }, "would remove openssh-server"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, l := debian(t)
			tt.harm(d)
			errs := crowd(t, d, l, "a1", "b1", "c1", "d1", "e1")
			fails(t, errs["c1"], tt.says)
			delete(errs, "c1")
			for name, err := range errs {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestAHeldPackageStays(t *testing.T) {
	d, l := debian(t)
	name := id(resource.KindPackage, "etcd-server")
	write(t, d.dir+"/var/lib/dpkg/status", "Package: etcd-server\nStatus: hold ok installed\nVersion: 3.4-1\n")
	if got := see(t, l, name); got != (resource.Package{Name: "etcd-server", Version: "3.4-1", Held: true}) {
		t.Errorf("got %+v", got)
	}
	fails(t, set(t, l, name, resource.Package{Version: "3.5-1"}), "etcd-server is held at 3.4-1 on the node and stays there")
	fails(t, set(t, l, name, nil), "etcd-server is held at 3.4-1 on the node and stays there")
	if len(d.said) > 0 {
		t.Errorf("ran %q", d.said)
	}
	if d := (resource.Package{Version: "3.4*"}).Compare(see(t, l, name)); len(d) > 0 {
		t.Errorf("the version held is the one wanted: %v", d)
	}
}

// A package that can be done without is left out where nobody offers it, until the sources offer
// something else.
func TestAnOptionalPackageIsLeftOut(t *testing.T) {
	d, l := debian(t)
	name := id(resource.KindPackage, "pig")
	list := d.dir + "/var/lib/apt/lists/x_Packages"
	write(t, list, "Package: other\n")
	if err := set(t, l, name, resource.Package{Optional: true}); err != nil {
		t.Fatal(err)
	}
	if got := see(t, l, name); got != (resource.Package{Unoffered: true}) {
		t.Fatalf("got %+v", got)
	}
	fails(t, set(t, l, name, resource.Package{}), "no package source offers pig")
	d.offers["pig"] = "1"
	if err := os.Chtimes(list, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if got := see(t, l, name); got != nil {
		t.Fatalf("what the sources offer is not asked again: %+v", got)
	}
	if err := set(t, l, name, resource.Package{Optional: true}); err != nil {
		t.Fatal(err)
	}
	if got := see(t, l, name); got != (resource.Package{Name: "pig", Version: "1"}) {
		t.Errorf("got %+v", got)
	}
}

// Nobody asks any more for what was left out: there is nothing to remove.
func TestWhatWasLeftOutIsForgotten(t *testing.T) {
	d, l := debian(t)
	name := id(resource.KindPackage, "pig")
	if err := set(t, l, name, resource.Package{Optional: true}); err != nil {
		t.Fatal(err)
	}
	d.said = nil
	if err := set(t, l, name, nil); err != nil || len(d.said) > 0 {
		t.Errorf("%v, ran %q", err, d.said)
	}
}

// What is wrong with a package is what dpkg says of it, whatever apt says after that.
func TestARepairThatFailsSaysWhy(t *testing.T) {
	d, l := debian(t)
	write(t, d.dir+"/var/lib/dpkg/status", "Package: bad\nStatus: install ok half-configured\nVersion: 1\n")
	l.Run = func(_ context.Context, c node.Command) ([]byte, error) {
		if c.Argv[0] == "dpkg" {
			return []byte("dpkg: error processing package bad (--configure):\n its script failed\n"), errBoom
		}
		return []byte("E: Internal Error, No file name for bad:amd64\n"), errBoom
	}
	err := set(t, l, id(resource.KindPackage, "bad"), resource.Package{})
	fails(t, err, "its script failed")
	fails(t, err, "No file name for bad")
}

// What somebody else is installing is neither whole nor broken: what it comes to is not known yet.
func TestWhatSomebodyInstallsIsNotRepaired(t *testing.T) {
	d, l := debian(t)
	write(t, d.dir+"/var/lib/dpkg/status", "Package: slow\nStatus: install ok unpacked\nVersion: 1\n")
	lock, slow := d.dir+"/var/lib/dpkg/lock-frontend", id(resource.KindPackage, "slow")
	write(t, lock, "")
	broken := resource.Package{Name: "slow", Version: "1", Trouble: "unpacked, but not configured"}
	if got := see(t, l, slow); got != broken {
		t.Errorf("nobody installs: got %+v, want %+v", got, broken)
	}
	other, err := os.OpenFile(lock, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	// A lock of an open file is another's, also for the process that holds it.
	if err := unix.FcntlFlock(other.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
		t.Fatal(err)
	}
	fails(t, l.Observe(t.Context(), []resource.ID{slow})[slow].Err, "somebody is installing packages")
	d.said = nil
	fails(t, l.Apply(t.Context(), change(slow, resource.Package{}, broken)), "somebody is installing packages")
	if len(d.said) > 0 {
		t.Errorf("ran %q", d.said)
	}
	write(t, d.dir+"/usr/sbin/policy-rc.d", "#!/bin/sh\n# written by pigsync\n")
	if got := see(t, l, slow); got != broken {
		t.Errorf("a helper of ours installs: got %+v, want %+v", got, broken)
	}
}
