package node_test

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

const torn = "E: Unable to parse package file /var/lib/apt/lists/10.10.10.1_pigsty_._Release (1)\n" +
	"E: The package lists or status file could not be parsed or opened.\n"

// A power cut may leave an index with nothing in it, which apt takes for the current one forever.
func TestATornIndexIsFetchedAgain(t *testing.T) {
	d, l := debian(t)
	d.offers["etcd-client"] = "3.5"
	list := id(resource.KindRepo, "/etc/apt/sources.list.d/local.list")
	release := d.dir + "/var/lib/apt/lists/10.10.10.1_pigsty_._Release"
	other := d.dir + "/var/lib/apt/lists/example.org_Release"
	write(t, other, "fine")
	if err := os.MkdirAll(d.dir+"/etc/apt/sources.list.d", 0o755); err != nil {
		t.Fatal(err)
	}
	fetched := 0
	l.Run = func(ctx context.Context, c node.Command) ([]byte, error) {
		text, err := os.ReadFile(release)
		switch {
		case err == nil && len(text) == 0:
			return []byte(torn), errBoom
		case slices.Contains(c.Argv, "update"):
			fetched++
			write(t, release, "Origin: pigsty\n")
			return nil, nil
		}
		return d.run(ctx, c)
	}
	repo := resource.NewRepo([]byte("deb [trusted=yes] http://10.10.10.1/pigsty ./\n"))
	if err := set(t, l, list, repo); err != nil || fetched != 1 {
		t.Fatal(err, fetched)
	}
	tear := func() {
		if err := os.Truncate(release, 0); err != nil {
			t.Fatal(err)
		}
	}
	// An installation fails, and the next round fetches.
	tear()
	fails(t, set(t, l, id(resource.KindPackage, "etcd-client"), resource.Package{}), "could not be parsed")
	if got := see(t, l, list).(resource.Repo); got.Fetched {
		t.Error("a torn index counts as fetched")
	}
	if err := set(t, l, list, repo); err != nil || fetched != 2 {
		t.Fatal(err, fetched)
	}
	if err := set(t, l, id(resource.KindPackage, "etcd-client"), resource.Package{}); err != nil {
		t.Error(err)
	}
	// One that is torn while it is fetched anew is fetched once more at once.
	tear()
	repo = resource.NewRepo([]byte("deb [trusted=yes] http://10.10.10.1/pigsty ./ # again\n"))
	if err := set(t, l, list, repo); err != nil || fetched != 3 {
		t.Fatal(err, fetched)
	}
	if got := text(t, other); got != "fine" {
		t.Errorf("the index of somebody else became %q", got)
	}
}
