package node_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// elMachine is what rpm and dnf do on a machine of EL, in the words of the samples.
type elMachine struct {
	t      *testing.T
	dir    string
	there  map[string]string // name to version
	offers map[string]string
	shows  string // the table of a simulation
	busy   int    // how often rpm is locked
	dead   bool   // no source answers
	said   []string
}

func (e *elMachine) run(_ context.Context, c node.Command) ([]byte, error) {
	words := strings.Join(c.Argv, " ")
	if c.Argv[0] == "rpm" {
		return e.all(), nil
	}
	e.said = append(e.said, words)
	name := c.Argv[len(c.Argv)-1]
	switch {
	case e.dead:
		return []byte("Error: Failed to download metadata for repo 'node': Cannot download repomd.xml\n"), errors.New("exit status 1")
	case slices.Contains(c.Argv, "repoquery"):
		return e.query(c.Argv[slices.Index(c.Argv, "--queryformat")+2:]), nil
	case slices.Contains(c.Argv, "--assumeno"):
		return []byte(e.table(slices.Contains(c.Argv, "remove"), name)), errors.New("exit status 1")
	case slices.Contains(c.Argv, "makecache"):
		return nil, nil
	case e.busy > 0:
		e.busy--
		return []byte("error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)\n"), errors.New("exit status 1")
	case slices.Contains(c.Argv, "remove"):
		delete(e.there, name)
		return nil, nil
	}
	bare, version, _ := strings.Cut(name, "-")
	if version == "" {
		version = e.offers[bare]
	}
	e.there[bare] = version
	return nil, nil
}

func (e *elMachine) all() []byte {
	out := []byte("bash x86_64 0:5.1.8-9.el9\n")
	for name, version := range e.there {
		out = append(out, name+" x86_64 0:"+version+"\n"...)
	}
	return out
}

func (e *elMachine) query(names []string) []byte {
	var out []byte
	for _, name := range names {
		if _, ok := e.offers[name]; ok {
			out = append(out, "\n"+name+"\n"...)
		}
	}
	return out
}

func (e *elMachine) table(remove bool, name string) string {
	if e.shows != "" {
		b, err := os.ReadFile("testdata/rpm/" + e.shows)
		if err != nil {
			e.t.Fatal(err)
		}
		return string(b)
	}
	heading := map[bool]string{false: "Installing:", true: "Removing:"}[remove]
	return "Dependencies resolved.\n" + heading + "\n " + name + " x86_64 1 appstream 1 k\n\nTransaction Summary\nOperation aborted.\n"
}

func rocky(t *testing.T) (*elMachine, *node.Local) {
	e := &elMachine{t: t, dir: machine(t), there: map[string]string{}, offers: map[string]string{"haproxy": "2.4.22-3.el9_3"}}
	if err := os.RemoveAll(e.dir + "/var/lib/dpkg"); err != nil {
		t.Fatal(err)
	}
	write(t, e.dir+"/usr/bin/rpm", "")
	write(t, e.dir+"/etc/yum.repos.d/x.repo", "")
	write(t, e.dir+"/etc/os-release", "ID=rocky\nVERSION_ID=\"9.6\"\n")
	l := local(t, e.dir)
	l.Run = e.run
	return e, l
}

func TestPackagesOfRPM(t *testing.T) {
	e, l := rocky(t)
	name := id(resource.KindPackage, "none|haproxy")
	if err := set(t, l, name, resource.Package{}); err != nil {
		t.Fatal(err)
	}
	last := e.said[len(e.said)-1]
	for _, want := range []string{"dnf --assumeyes", "install_weak_deps=False", "install haproxy"} {
		if !strings.Contains(last, want) {
			t.Errorf("%q lacks %s", last, want)
		}
	}
	if got := see(t, l, name); got != (resource.Package{Name: "haproxy", Version: "2.4.22-3.el9_3"}) {
		t.Errorf("got %+v", got)
	}
	if err := set(t, l, name, resource.Package{Version: "2.8*"}); err != nil || !strings.Contains(e.said[len(e.said)-1], "install haproxy-2.8*") {
		t.Errorf("%v: ran %q", err, e.said)
	}
	write(t, e.dir+"/etc/dnf/plugins/versionlock.list", "haproxy-*\n")
	fails(t, set(t, l, name, resource.Package{Version: "3"}), "haproxy is held at")
	if err := os.Remove(e.dir + "/etc/dnf/plugins/versionlock.list"); err != nil {
		t.Fatal(err)
	}
	if err := set(t, l, name, nil); err != nil {
		t.Error(err)
	}
	fails(t, set(t, l, id(resource.KindPackage, "a_b|B"), resource.Package{}), "no package source offers a_b or B")
}

// What would take something away, or back, is not done.
func TestHarmOfRPM(t *testing.T) {
	e, l := rocky(t)
	e.shows = "harm.txt"
	fails(t, set(t, l, id(resource.KindPackage, "haproxy"), resource.Package{}), "installing haproxy would remove redis, redis-doc")
	e.shows = "nomatch.txt"
	fails(t, set(t, l, id(resource.KindPackage, "haproxy"), resource.Package{}), "Unable to find a match: nosuch")
	e.there["haproxy"], e.shows = "2.4.22-3.el9_3", "harm.txt"
	fails(t, set(t, l, id(resource.KindPackage, "haproxy"), nil), "would also touch")
	if slices.ContainsFunc(e.said, func(s string) bool { return strings.HasPrefix(s, "dnf --assumeyes") }) {
		t.Errorf("ran %q", e.said)
	}
}

// The lock of rpm's database is waited for, but not for ever.
func TestRPMIsWaitedFor(t *testing.T) {
	e, l := rocky(t)
	synctest.Test(t, func(t *testing.T) {
		e.busy = 3
		if err := set(t, l, id(resource.KindPackage, "haproxy"), resource.Package{}); err != nil {
			t.Error(err)
		}
		e.busy = 1 << 30
		fails(t, set(t, l, id(resource.KindPackage, "haproxy"), resource.Package{Version: "9"}), "transaction lock")
	})
}

func TestRepoOfDnf(t *testing.T) {
	e, l := rocky(t)
	file := id(resource.KindRepo, "/etc/yum.repos.d/node.repo")
	want := resource.NewRepo([]byte("[node]\nname=node\nbaseurl=http://x\n[more]\nname=more\n"))
	e.dead = true
	fails(t, set(t, l, file, want), "Failed to download metadata")
	if have := see(t, l, file).(resource.Repo); have.Fetched || have.Sum != want.Sum {
		t.Errorf("got %+v", have)
	}
	e.dead = false
	if err := set(t, l, file, want); err != nil {
		t.Fatal(err)
	}
	if last := e.said[len(e.said)-1]; !strings.Contains(last, "--repo=node --repo=more makecache") {
		t.Errorf("ran %s", last)
	}
	if err := set(t, l, file, nil); err != nil {
		t.Error(err)
	}
}
