package node_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

const (
	lists    = "/var/lib/apt/lists/"
	release  = lists + "10.10.10.1_pigsty_._Release"
	packages = lists + "10.10.10.1_pigsty_._Packages"
	foreign  = lists + "example.org_debian_dists_trixie_main_binary-amd64_Packages"
)

// apt is how apt treats its lists: what is there beside a Release file that has not changed is believed,
// and never fetched again.
type apt struct {
	*distro
	t       *testing.T
	fetched int
	cut     func() // what happens in the middle of a fetch
}

func shop(t *testing.T) (*apt, *node.Local) {
	d, l := debian(t)
	a := &apt{distro: d, t: t}
	d.offers["etcd-client"] = "3.5"
	write(t, d.dir+foreign, "")
	l.Run = a.run
	return a, l
}

func (a *apt) run(ctx context.Context, c node.Command) ([]byte, error) {
	switch {
	case slices.Contains(c.Argv, "--print-uris"):
		return []byte("'http://10.10.10.1/pigsty/./InRelease' 10.10.10.1_pigsty_._InRelease 0 \n" +
			"'http://10.10.10.1/pigsty/./Packages.xz' 10.10.10.1_pigsty_._Packages 0 \n"), nil
	case a.size(release) == 0:
		return []byte("E: The package lists or status file could not be parsed or opened.\n"), errBoom
	case slices.Contains(c.Argv, "update"):
		return a.update()
	case slices.Contains(c.Argv, "policy") && a.size(packages) <= 0:
		return nil, nil
	}
	return a.distro.run(ctx, c)
}

func (a *apt) update() ([]byte, error) {
	a.fetched++
	if a.size(release) < 0 {
		write(a.t, a.dir+release, "Origin: pigsty\n")
	}
	if a.cut != nil {
		a.cut()
		return nil, errBoom
	}
	if a.size(packages) < 0 {
		write(a.t, a.dir+packages, "Package: etcd-client\n")
	}
	return nil, nil
}

// size is that of a file of the machine, -1 for none.
func (a *apt) size(name string) int64 {
	info, err := os.Stat(a.dir + name)
	if err != nil {
		return -1
	}
	return info.Size()
}

func (a *apt) tear(name string) { write(a.t, a.dir+name, "") }

var (
	list   = id(resource.KindRepo, "/etc/apt/sources.list.d/local.list")
	client = id(resource.KindPackage, "etcd-client")
	flat   = resource.NewRepo([]byte("deb [trusted=yes] http://10.10.10.1/pigsty ./\n"))
)

// Power that fails in the middle of a fetch may leave an empty list of packages beside a whole Release
// file, or an empty Release file. What a fetch left that was never noted as done is not believed.
func TestWhatATornFetchLeftIsNotBelieved(t *testing.T) {
	for _, torn := range []string{packages, release} {
		t.Run(filepath.Base(torn), func(t *testing.T) {
			a, l := shop(t)
			a.cut = func() { a.tear(torn) }
			fails(t, set(t, l, list, flat), "boom")
			a.cut = nil
			if err := set(t, l, list, flat); err != nil {
				t.Fatal(err)
			}
			if err := set(t, l, client, resource.Package{}); err != nil {
				t.Error(err)
			}
			if a.size(foreign) != 0 {
				t.Error("the list of another source was touched")
			}
		})
	}
}

// A source that is changed and changed back is fetched anew when the fetch in between was torn: what was
// noted of it before says nothing about the lists that both share.
func TestAFetchForgetsWhatWasNotedBefore(t *testing.T) {
	a, l := shop(t)
	if err := set(t, l, list, flat); err != nil {
		t.Fatal(err)
	}
	a.cut = func() { a.tear(packages) }
	other := resource.NewRepo([]byte("# other\n" + string(flat.Content)))
	fails(t, set(t, l, list, other), "boom")
	a.cut = nil
	if err := set(t, l, list, flat); err != nil {
		t.Fatal(err)
	}
	if err := set(t, l, client, resource.Package{}); err != nil || a.fetched != 3 {
		t.Error(err, a.fetched)
	}
}

// Compressed lists, and what lies half fetched, are of the source, too; names that only begin alike are not.
func TestAllListsOfASourceGo(t *testing.T) {
	a, l := shop(t)
	gone := []string{release + ".gpg", packages + ".lz4", lists + "partial/10.10.10.1_pigsty_._Packages.xz"}
	kept := []string{foreign, packages + "-old", lists + "partial/example.org_x"}
	for _, name := range slices.Concat(gone, kept) {
		write(t, a.dir+name, "")
	}
	if err := set(t, l, list, flat); err != nil {
		t.Fatal(err)
	}
	for _, name := range gone {
		if a.size(name) >= 0 {
			t.Errorf("%s stayed", name)
		}
	}
	for _, name := range kept {
		if a.size(name) < 0 {
			t.Errorf("%s went", name)
		}
	}
}

// What somebody else's fetch tore is fetched anew when apt cannot read it.
func TestATornIndexIsFetchedAgain(t *testing.T) {
	a, l := shop(t)
	if err := set(t, l, list, flat); err != nil {
		t.Fatal(err)
	}
	a.tear(release)
	if err := set(t, l, client, resource.Package{}); err != nil || a.fetched != 2 {
		t.Error(err, a.fetched)
	}
	if got := see(t, l, list).(resource.Repo); !got.Fetched {
		t.Error("what was fetched is not noted")
	}
	if err := set(t, l, client, nil); err != nil {
		t.Fatal(err)
	}
	a.cut = func() { a.tear(release) }
	a.tear(release)
	err := set(t, l, client, resource.Package{})
	fails(t, err, "could not be parsed")
	if !strings.Contains(err.Error(), "boom") || a.fetched != 3 {
		t.Errorf("got %v", err)
	}
}
