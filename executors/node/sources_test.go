package node_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

var files = id(resource.KindSources, "node")

const (
	localList = "/etc/apt/sources.list.d/local.list"
	stockList = "/etc/apt/sources.list"
	deb822    = "/etc/apt/sources.list.d/debian.sources"
)

func withSources(t *testing.T) (string, *node.Local) {
	d, l := debian(t)
	for file, text := range map[string]string{
		localList: "deb [trusted=yes] http://x ./\n", stockList: "deb http://y z main\n", deb822: "Types: deb\nURIs: http://y\n",
		"/etc/apt/sources.list.d/empty.list": "# nothing\n\n", "/etc/apt/sources.list.d/old.list.save": "deb http://z\n",
	} {
		write(t, d.dir+file, text)
	}
	return d.dir, l
}

// The sources of others are theirs until the inventory says otherwise; then they are set aside, once, and
// given back as they were.
func TestSourcesAreSetAsideAndGivenBack(t *testing.T) {
	dir, l := withSources(t)
	all, ours := []string{stockList, deb822, localList}, []string{localList}
	if got, want := see(t, l, files), (resource.Sources{Active: all}); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v", got)
	}
	exclusive := resource.Sources{Files: ours}
	if err := set(t, l, files, exclusive); err != nil {
		t.Fatal(err)
	}
	if got, want := see(t, l, files), (resource.Sources{Active: ours, Aside: []string{stockList, deb822}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	write(t, dir+deb822, "Types: deb\nURIs: http://y\n") // a package brings it again, as it was
	if err := set(t, l, files, exclusive); err != nil {
		t.Error(err)
	}
	write(t, dir+deb822, "Types: deb\nURIs: http://other\n")
	fails(t, set(t, l, files, exclusive), "debian.sources is aside already")
	fails(t, set(t, l, files, nil), "debian.sources is there again")
	if err := os.Remove(dir + deb822); err != nil {
		t.Fatal(err)
	}
	if err := set(t, l, files, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := see(t, l, files), (resource.Sources{Active: all}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if text, _ := os.ReadFile(dir + deb822); string(text) != "Types: deb\nURIs: http://y\n" {
		t.Errorf("given back: %q", text)
	}
	names, err := os.ReadDir(dir + "/etc/apt/sources.list.d")
	if err != nil || len(names) != 4 {
		t.Errorf("left: %v, %v", names, err)
	}
}

func TestSourcesOfDnf(t *testing.T) {
	e, l := rocky(t)
	write(t, e.dir+"/etc/yum.repos.d/rocky.repo", "[baseos]\nname=x\n")
	write(t, e.dir+"/etc/yum.repos.d/node.repo", "[node]\nname=x\n")
	if err := set(t, l, files, resource.Sources{Files: []string{"/etc/yum.repos.d/node.repo"}}); err != nil {
		t.Fatal(err)
	}
	if got := see(t, l, files).(resource.Sources); strings.Join(got.Aside, " ") != "/etc/yum.repos.d/rocky.repo" || len(got.Active) != 1 {
		t.Errorf("got %+v", got)
	}
}
