package modtest

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// Update is the flag -update.
var Update = flag.Bool("update", false, "write the golden files anew")

// Case is a folder of testdata, compiled.
type Case struct {
	Dir       string
	Modules   []*modules.Module
	Inventory *inventory.Inventory
	Known     map[resource.ID]resource.State
	Compiled  *modules.Compiled
	// Prior is what before.yml asks for, as it would be compiled today; nil without one.
	Prior *resource.Set
}

// Each runs f for every folder of testdata.
func Each(t *testing.T, ms []*modules.Module, f func(*testing.T, *Case)) {
	t.Helper()
	dirs, err := filepath.Glob("testdata/*/pigsty.yml")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no cases in testdata", err)
	}
	for _, file := range dirs {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) { f(t, read(t, dir, ms)) })
	}
}

// Alone compares what a module compiles without any other with want.txt in every folder of testdata.
func Alone(t *testing.T, m *modules.Module) {
	t.Helper()
	Each(t, []*modules.Module{m}, func(t *testing.T, c *Case) {
		c.Golden(t, "want.txt", Dump(c.Compiled, m.Name))
	})
}

func read(t *testing.T, dir string, ms []*modules.Module) *Case {
	t.Helper()
	c := &Case{Dir: dir, Modules: ms, Inventory: load(t, dir, "pigsty.yml")}
	ids := modules.Survey(c.Inventory, ms)
	var before *inventory.Inventory
	if _, err := os.Stat(filepath.Join(dir, "before.yml")); err == nil {
		before = load(t, dir, "before.yml")
		ids = append(ids, modules.Survey(before, ms)...)
	}
	text, err := os.ReadFile(filepath.Join(dir, "known.txt"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if c.Known, err = ReadKnown(string(text), ids); err != nil {
		t.Fatalf("%s/known.txt: %v", dir, err)
	}
	c.Compiled = modules.Compile(c.Inventory, c.Known, ms)
	if before != nil {
		c.Prior = modules.Merge([]*resource.Set{modules.Compile(before, c.Known, ms).Want})
	}
	return c
}

// Plain are variables for all hosts that switch off what NODE gives every machine unasked, so that a case
// shows what it is about; those of a package are plain that has a file testdata/plain. A case switches on
// what it needs for a host or a group.
const Plain = `
haproxy_enabled: false
node_admin_enabled: false
node_kernel_modules: []
node_sysctl_params: {}
node_exporter_enabled: false
vector_enabled: false
node_firewall_mode: none
node_tune: none
node_static_network: false
node_default_packages: []
node_dns_method: none
node_ntp_enabled: false
pgbackrest_enabled: false
pg_exporter_enabled: false
pgbouncer_exporter_enabled: false
pg_dbsu_sudo: none
pg_dbsu_ssh_exchange: false
vmetrics_enabled: false
dns_enabled: false
grafana_enabled: false
`

// Tree is an inventory called name with the variables of Plain beside it.
func Tree(name, text string) fs.FS { return tree(name, text) }

func tree(name, text string) fstest.MapFS {
	return fstest.MapFS{name: {Data: []byte(text)}, "group_vars/all.yml": {Data: []byte(Plain)}}
}

// beside is Tree where the package's cases are plain, and the inventory alone where they are not; with the files
// that the case has for it.
func beside(dir, name string, text []byte) (fstest.MapFS, error) {
	all := fstest.MapFS{name: {Data: text}}
	if _, err := os.Stat("testdata/plain"); err == nil {
		all = tree(name, string(text))
	}
	files, err := filepath.Glob(filepath.Join(dir, "files", "*"))
	for _, file := range files {
		content, failed := os.ReadFile(file)
		all["files/"+filepath.Base(file)] = &fstest.MapFile{Data: content}
		err = errors.Join(err, failed)
	}
	return all, err
}

func load(t *testing.T, dir, name string) *inventory.Inventory {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := beside(dir, name, text)
	if err != nil {
		t.Fatal(err)
	}
	inv, problems, err := inventory.Load(tree, name)
	if err != nil || inventory.HasErrors(problems) {
		t.Fatal(dir, name, problems, err)
	}
	return inv
}

// Golden compares got with a file of the case's folder, or with -update writes it.
func (c *Case) Golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join(c.Dir, name)
	if *Update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil { //nolint:gosec // golden files are for everybody
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and read the diff. Got:\n%s", file, got)
	}
}
