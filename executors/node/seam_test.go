package node_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// distro is what apt and its like do to the files below a root. The real ones are tried by the
// tests of a machine.
type distro struct {
	mu     sync.Mutex // two helpers may ask at once
	dir    string
	offers map[string]string // package to version
	takes  map[string]string // what an installation would remove
	idle   bool              // everything ends well and nothing is done
	busy   int               // how often the lists are locked
	said   []string
	policy string // what was found of it during an installation
	bad    string // a package whose script fails
	there  map[string]string
}

func (d *distro) run(_ context.Context, c node.Command) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	words := strings.Join(c.Argv, " ")
	d.said = append(d.said, words)
	names := c.Argv[slices.Index(c.Argv, "--")+1:]
	switch {
	case d.idle && c.Argv[0] != "apt-cache" && !slices.Contains(c.Argv, "--simulate"):
		return nil, nil
	case c.Argv[0] == "apt-cache":
		return d.cache(names), nil
	case slices.Contains(c.Argv, "--print-uris"):
		return nil, nil
	case c.Argv[len(c.Argv)-1] == "update":
		return d.update()
	case slices.Contains(c.Argv, "--simulate"):
		return d.simulate(slices.Contains(c.Argv, "remove"), names), nil
	case slices.Contains(c.Argv, "install"):
		policy, _ := os.ReadFile(d.dir + "/usr/sbin/policy-rc.d")
		d.policy = string(policy)
		return d.install(names)
	case slices.Contains(c.Argv, "remove"):
		return nil, d.write(names[0], "")
	case c.Argv[0] == "update-ca-certificates":
		return nil, d.bundle()
	}
	return nil, errors.New("unknown command " + words)
}

// install unpacks all, and stumbles over the bad one at the end, as dpkg does.
func (d *distro) install(items []string) (out []byte, err error) {
	for _, item := range items {
		name, _, _ := strings.Cut(item, "=")
		if name == d.bad {
			out, err = []byte("dpkg: error processing package "+name+"\n"), errors.New("exit status 100")
			continue
		}
		if err := d.write(name, d.offers[name]); err != nil {
			return nil, err
		}
	}
	return out, err
}

func (d *distro) cache(names []string) []byte {
	var out string
	for _, name := range names {
		if v, ok := d.offers[name]; ok {
			out += name + ":\n  Installed: (none)\n  Candidate: " + v + "\n"
		}
	}
	return []byte(out)
}

func (d *distro) update() ([]byte, error) {
	if d.busy > 0 {
		d.busy--
		return []byte("E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1\n"), errors.New("exit status 100")
	}
	if d.busy < 0 {
		return []byte("W: Failed to fetch http://x  404\n"), nil
	}
	return nil, nil
}

func (d *distro) simulate(remove bool, names []string) (out []byte) {
	for _, name := range names {
		gone := d.takes[name]
		switch {
		case remove:
			return []byte("Remv " + name + " [1]\n")
		case gone != "":
			out = append(out, "Remv "+gone+" [1]\n"...)
		}
		out = append(out, "Inst "+name+" (1)\n"...)
	}
	return out
}

// write puts a package into dpkg's database, or with no version what is left of one that was removed.
func (d *distro) write(name, version string) error {
	if d.there == nil {
		d.there = map[string]string{}
	}
	d.there[name] = "Package: " + name + "\nStatus: install ok installed\nVersion: " + version + "\n"
	if version == "" {
		d.there[name] = "Package: " + name + "\nStatus: deinstall ok config-files\nVersion: 1\n"
	}
	var text string
	for _, name := range slices.Sorted(maps.Keys(d.there)) {
		text += d.there[name] + "\n"
	}
	return os.WriteFile(d.dir+"/var/lib/dpkg/status", []byte(text), 0o644)
}

func (d *distro) bundle() error {
	names, err := filepath.Glob(d.dir + "/usr/local/share/ca-certificates/*.crt")
	var all []byte
	for _, name := range names {
		b, _ := os.ReadFile(name)
		all = append(all, b...)
	}
	return errors.Join(err, os.WriteFile(d.dir+"/etc/ssl/certs/ca-certificates.crt", all, 0o644))
}

func debian(t *testing.T) (*distro, *node.Local) {
	d := &distro{dir: machine(t), offers: map[string]string{"etcd-server": "3.5"}, takes: map[string]string{}}
	for _, dir := range []string{"usr/sbin", "usr/local/share/ca-certificates", "etc/ssl/certs", "etc/apt/sources.list.d"} {
		if err := os.MkdirAll(filepath.Join(d.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l := local(t, d.dir)
	l.Run = d.run
	return d, l
}

func TestPackage(t *testing.T) {
	d, l := debian(t)
	name := id(resource.KindPackage, "etcd|etcd-server")
	if err := set(t, l, name, resource.Package{}); err != nil {
		t.Fatal(err)
	}
	last := d.said[len(d.said)-1]
	for _, want := range []string{"--yes", "--force-confold", "DPkg::Lock::Timeout=120", "--no-install-recommends install -- etcd-server"} {
		if !strings.Contains(last, want) {
			t.Errorf("%q lacks %s", last, want)
		}
	}
	if !strings.Contains(d.policy, "exit 101") {
		t.Errorf("services might start: %q", d.policy)
	}
	if _, err := os.Stat(d.dir + "/usr/sbin/policy-rc.d"); err == nil {
		t.Error("the policy stayed")
	}
	if err := set(t, l, name, nil); err != nil {
		t.Error(err)
	}
	d.takes["etcd-server"] = "openssh-server"
	fails(t, set(t, l, name, resource.Package{}), "installing etcd-server would remove openssh-server")
	fails(t, set(t, l, id(resource.KindPackage, "a|b"), resource.Package{}), "no package source offers a or b")
	fails(t, l.Observe(t.Context(), []resource.ID{id(resource.KindPackage, "-x")})[id(resource.KindPackage, "-x")].Err, "no name for a package")
}

// That a command ends well is no proof.
func TestProof(t *testing.T) {
	d, l := debian(t)
	name := id(resource.KindPackage, "etcd-server")
	d.idle = true
	fails(t, set(t, l, name, resource.Package{}), "was made and is not there")
	fails(t, set(t, l, id(resource.KindTrust, "ca"), resource.Trust{PEM: newAuthority(t).pem(), Bundled: true}), "without effect on bundled")
	if err := d.write("etcd-server", "1"); err != nil {
		t.Fatal(err)
	}
	fails(t, set(t, l, name, nil), "was removed and is still there")
}

// Somebody else's policy is theirs; one that a killed predecessor left is replaced.
func TestPolicyOfSomebodyElse(t *testing.T) {
	d, l := debian(t)
	path := d.dir + "/usr/sbin/policy-rc.d"
	write(t, path, "#!/bin/sh\nexit 101\n")
	name := id(resource.KindPackage, "etcd-server")
	if err := set(t, l, name, resource.Package{}); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "#!/bin/sh\nexit 101\n" {
		t.Errorf("got %q", b)
	}
	write(t, path, "#!/bin/sh\n# written by pigsync: x\nexit 101\n")
	if err := errors.Join(set(t, l, name, nil), set(t, l, name, resource.Package{})); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the policy stayed")
	}
}

func TestOtherFamilies(t *testing.T) {
	d, l := debian(t)
	if err := os.RemoveAll(d.dir + "/var/lib/dpkg"); err != nil {
		t.Fatal(err)
	}
	name := id(resource.KindPackage, "etcd")
	fails(t, l.Observe(t.Context(), []resource.ID{name})[name].Err, "no package manager")
}

func TestRepo(t *testing.T) {
	d, l := debian(t)
	one, two := resource.NewRepo([]byte("deb file:/one ./\n")), resource.NewRepo([]byte("deb file:/two ./\n"))
	if err := set(t, l, sources, one); err != nil {
		t.Fatal(err)
	}
	if words := d.said[1]; !strings.Contains(words, "sourcelist="+d.dir+sources.Name) || !strings.Contains(words, "Error-Mode=any") {
		t.Errorf("ran %s", words)
	}
	d.busy = -1 // warns, and ends well
	fails(t, set(t, l, sources, two), "Failed to fetch")
	if have := see(t, l, sources).(resource.Repo); have.Sum != two.Sum || have.Fetched {
		t.Errorf("got %+v", have)
	}
	d.busy = 0
	if err := set(t, l, sources, two); err != nil {
		t.Error(err)
	}
	if err := set(t, l, sources, nil); err != nil {
		t.Error(err)
	}
}

// The lock of the lists is waited for, but not for ever.
func TestRepoWaitsForTheLock(t *testing.T) {
	d, l := debian(t)
	synctest.Test(t, func(t *testing.T) {
		d.busy = 3
		if err := set(t, l, sources, source()); err != nil {
			t.Error(err)
		}
		d.busy = 1 << 30
		fails(t, set(t, l, sources, resource.NewRepo(nil)), "Could not get lock")
	})
}

func TestTrust(t *testing.T) {
	_, l := debian(t)
	name := id(resource.KindTrust, "pigsty-ca")
	ca := newAuthority(t)
	if err := set(t, l, name, resource.Trust{PEM: ca.pem(), Bundled: true}); err != nil {
		t.Fatal(err)
	}
	if have := see(t, l, name); have != (resource.Trust{PEM: ca.pem(), Bundled: true}) {
		t.Errorf("got %+v", have)
	}
	fails(t, set(t, l, name, resource.Trust{PEM: "x", Bundled: true}), "no certificate")
	if err := set(t, l, name, nil); err != nil {
		t.Error(err)
	}
	bad := id(resource.KindTrust, "../x")
	fails(t, l.Observe(t.Context(), []resource.ID{bad})[bad].Err, "no name for a certificate")
}

func TestRealCommands(t *testing.T) {
	out, err := node.Exec(t.Context(), node.Command{Argv: []string{"sh", "-c", "echo $0 $LC_ALL $X; echo e >&2; exit 3", "a b"}, Env: []string{"X=y"}})
	if string(out) != "a b C y\ne\n" || err == nil {
		t.Errorf("%q, %v", out, err)
	}
	out, err = node.Exec(t.Context(), node.Command{Argv: []string{"echo", "whole"}, Whole: true})
	if string(out) != "whole\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := node.Exec(t.Context(), node.Command{Argv: []string{"pigsync-no-such-program"}}); err == nil {
		t.Error("what is not there ran")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := node.Exec(ctx, node.Command{Argv: []string{"sleep", "60"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := node.Exec(t.Context(), node.Command{Argv: []string{"head", "-c", "5000000", "/dev/zero"}}); err == nil {
		t.Error("its output has no bound")
	}
}

func BenchmarkObserve200Files(b *testing.B) {
	dir := machine(b)
	var ids []resource.ID
	for i := range 200 {
		name := "/etc/conf.d/" + strings.Repeat("x", i%20) + string(rune('a'+i%26)) + strings.Repeat("y", i/26)
		write(b, dir+name, strings.Repeat("0123456789abcdef", 256))
		ids = append(ids, id(resource.KindFile, name))
	}
	l := local(b, dir)
	b.ReportAllocs()
	for b.Loop() {
		l.Observe(b.Context(), ids)
	}
}
