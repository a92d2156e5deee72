package node_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// realDnf is a machine of EL in a directory, with the rpm and the dnf that Debian packages: dnf 4.14 is also what
// EL 9 has. Its package source is a directory with packages that rpmbuild made.
type realDnf struct {
	*testing.T
	dir, source string
}

func onRealDnf(t *testing.T) (*realDnf, *node.Local) {
	t.Helper()
	for _, name := range []string{"dnf", "rpm", "rpmbuild", "createrepo_c"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%v: setup.sh installs it", err)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("rpm works on another root as root only")
	}
	_, l := rocky(t)
	r := &realDnf{t, l.Root.Name(), filepath.Join(t.TempDir(), "source")}
	l.Run = r.run
	r.must(os.MkdirAll(r.source, 0o755))
	r.must(os.MkdirAll(r.dir+"/var/log", 0o755))
	return r, l
}

func (r *realDnf) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// run does what is asked for below the directory.
func (r *realDnf) run(ctx context.Context, c node.Command) ([]byte, error) {
	argv := append([]string{"--root=" + r.dir}, c.Argv[1:]...)
	if c.Argv[0] == "dnf" {
		argv = append([]string{
			"--installroot=" + r.dir, "--releasever=9", "--setopt=reposdir=" + r.dir + "/etc/yum.repos.d", "--setopt=cachedir=" + r.dir + "/var/cache/dnf",
			"--setopt=logdir=" + r.dir + "/var/log", "--disableplugin=local",
		}, c.Argv[1:]...)
	}
	cmd := exec.CommandContext(ctx, c.Argv[0], argv...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "HOME="+r.dir)
	return cmd.CombinedOutput()
}

// offer makes a package, "name-version-release", of which more are lines of its description.
func (r *realDnf) offer(name, version string, more ...string) {
	r.Helper()
	spec := filepath.Join(r.TempDir(), name+".spec")
	write(r.T, spec, fmt.Sprintf("Name: %s\nVersion: %s\nRelease: 1\nSummary: s\nLicense: x\nBuildArch: noarch\n%s\n%%description\nd\n%%files\n",
		name, version, strings.Join(more, "\n")))
	r.command("rpmbuild", "-bb", "--quiet", "--define", "_rpmdir "+r.source, "--define", "_topdir "+r.TempDir(), spec)
}

func (r *realDnf) command(name string, args ...string) {
	r.Helper()
	if out, err := exec.CommandContext(r.Context(), name, args...).CombinedOutput(); err != nil {
		r.Fatalf("%s: %v: %s", name, err, out)
	}
}

// repo is the package source as a file of yum, with whatever is offered by now.
func (r *realDnf) repo() resource.Repo {
	r.Helper()
	r.command("createrepo_c", "--quiet", "--update", r.source)
	return resource.NewRepo([]byte("[here]\nname=here\nbaseurl=file://" + r.source + "\ngpgcheck=0\n"))
}

var (
	hereRepo = id(resource.KindRepo, "/etc/yum.repos.d/here.repo")
	haproxy  = id(resource.KindPackage, "haproxy")
)

// With the tools themselves: a source is fetched, packages come, are upgraded, held, and go; what would harm others
// is not done.
func TestRealDnf(t *testing.T) {
	t.Parallel()
	r, l := onRealDnf(t)
	r.offer("haproxy", "2.4.22", "Requires: libring")
	r.offer("libring", "1")
	r.offer("valkey", "8", "Conflicts: client")
	r.offer("client", "1")
	r.must(set(t, l, hereRepo, r.repo()))
	fetched, _ := see(t, l, hereRepo).(resource.Repo)
	if !fetched.Fetched {
		t.Errorf("got %+v, want it fetched", fetched)
	}
	wants := func(name resource.ID, want resource.Package) {
		t.Helper()
		if got := see(t, l, name); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
	r.must(set(t, l, haproxy, resource.Package{}))
	wants(haproxy, resource.Package{Name: "haproxy", Version: "2.4.22-1"})
	wants(id(resource.KindPackage, "libring"), resource.Package{Name: "libring", Version: "1-1"})
	r.must(set(t, l, id(resource.KindPackage, "client"), resource.Package{}))

	fails(t, set(t, l, id(resource.KindPackage, "a_b|B"), resource.Package{}), "no package source offers a_b or B")
	fails(t, set(t, l, haproxy, resource.Package{Version: "9"}), "haproxy-9")
	fails(t, set(t, l, id(resource.KindPackage, "valkey"), resource.Package{}), "conflicts with")
	fails(t, set(t, l, id(resource.KindPackage, "libring"), nil), "removing libring would also touch haproxy")
	wants(haproxy, resource.Package{Name: "haproxy", Version: "2.4.22-1"})

	r.offer("haproxy", "2.8.1")
	r.must(set(t, l, hereRepo, nil))
	r.must(set(t, l, hereRepo, r.repo()))
	wants(haproxy, resource.Package{Name: "haproxy", Version: "2.4.22-1"})
	if got := see(t, l, resource.NewestOf("haproxy", haproxy.At)); got != (resource.Newest{Installed: "2.4.22-1", Offered: "2.8.1-1"}) {
		t.Errorf("got %+v", got)
	}
	r.must(set(t, l, haproxy, resource.Package{Version: "2.8*"}))
	wants(haproxy, resource.Package{Name: "haproxy", Version: "2.8.1-1"})
	fails(t, set(t, l, haproxy, resource.Package{Version: "2.4*"}), "would downgrade haproxy")
	write(t, r.dir+"/etc/dnf/plugins/versionlock.list", "haproxy-0:2.8.1-1.*\n")
	fails(t, set(t, l, haproxy, nil), "is held at")
	r.must(os.Remove(r.dir + "/etc/dnf/plugins/versionlock.list"))
	r.must(set(t, l, haproxy, nil))
	if got := see(t, l, haproxy); got != nil {
		t.Errorf("got %+v, want it gone", got)
	}
	wants(id(resource.KindPackage, "libring"), resource.Package{Name: "libring", Version: "1-1"})
}
