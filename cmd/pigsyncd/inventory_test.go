package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ansible is a process that answers for ansible-inventory. See testdata/ansible_inventory.py.
type ansible struct {
	in  io.Writer
	out *bufio.Reader
}

// startAnsible skips the test where ansible-inventory is not installed.
func startAnsible(t *testing.T) *ansible {
	t.Helper()
	program, err := exec.LookPath("ansible-inventory")
	if err != nil {
		t.Skip("ansible-inventory is not installed: apt-get install ansible-core")
	}
	script, err := filepath.Abs("testdata/ansible_inventory.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(interpreter(t, program), script)
	cmd.Dir = t.TempDir()                          // Ansible also reads group_vars of the directory it stands in
	settings := filepath.Join(cmd.Dir, "none.cfg") // not what this machine has
	if err := os.WriteFile(settings, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "ANSIBLE_CONFIG="+settings, "ANSIBLE_NOCOLOR=1", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=1", "LC_ALL=C.UTF-8")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &ansible{in, bufio.NewReader(out)}
}

// interpreter is what the program's first line names.
func interpreter(t *testing.T, program string) string {
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	words := strings.Fields(strings.TrimPrefix(line, "#!"))
	if len(words) == 0 {
		t.Fatalf("%s does not begin with its interpreter", program)
	}
	return words[0]
}

// answer is what ansible-inventory says.
type answer struct {
	Status int
	Out    string
	Err    string
}

func (a *ansible) ask(args ...string) (answer, error) {
	var said answer
	request, err := json.Marshal(map[string][]string{"args": args})
	if err != nil {
		return said, err
	}
	if _, err := fmt.Fprintf(a.in, "%s\n", request); err != nil {
		return said, err
	}
	line, err := a.out.ReadBytes('\n')
	if err != nil {
		return said, err
	}
	return said, json.Unmarshal(line, &said)
}

// compare says how pigsync and Ansible differ about an inventory: the list, and each of the hosts.
func (a *ansible) compare(t *testing.T, path string, hosts []string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	asked := [][]string{{"--list"}}
	for _, h := range hosts {
		asked = append(asked, []string{"--host", h})
	}
	for _, args := range asked {
		theirs, err := a.ask(append([]string{"-i", path}, args...)...)
		if err != nil {
			return err
		}
		var out, errs bytes.Buffer
		status := run(t.Context(), env{
			args: append([]string{"inventory", path}, args...), stdin: strings.NewReader(""), stdout: &out, stderr: &errs,
			getenv: func(string) string { return "" },
		})
		if (theirs.Status == 0) != (status == 0) {
			return fmt.Errorf("%v: ansible ends with %d and says\n%s\npigsync with %d\n%s", args, theirs.Status, theirs.Err, status, errs.String())
		}
		if status != 0 {
			continue
		}
		if err := sameJSON(theirs.Out, out.String()); err != nil {
			return fmt.Errorf("%v: %w\n%s", args, err, theirs.Err)
		}
	}
	return nil
}

// sameJSON compares letter by letter. Only where Ansible could not sort, because of keys that Python
// cannot compare, the meaning has to do.
func sameJSON(want, have string) error {
	if want == have {
		return nil
	}
	w, err := decoded(want)
	if err != nil {
		return fmt.Errorf("ansible: %w\n%s", err, want)
	}
	h, err := decoded(have)
	if err != nil {
		return fmt.Errorf("pigsync: %w\n%s", err, have)
	}
	if !reflect.DeepEqual(w, h) {
		return fmt.Errorf("%s\nansible\n%s\npigsync\n%s", firstDifference(want, have), want, have)
	}
	return nil
}

func firstDifference(want, have string) string {
	w, h := strings.Split(want, "\n"), strings.Split(have, "\n")
	for i := range min(len(w), len(h)) {
		if w[i] != h[i] {
			return fmt.Sprintf("line %d: ansible %q, pigsync %q", i+1, w[i], h[i])
		}
	}
	return fmt.Sprintf("%d lines of ansible, %d of pigsync", len(w), len(h))
}

// decoded reads JSON with Python's numbers that JSON does not have.
func decoded(text string) (any, error) {
	for _, word := range []string{"-Infinity", "Infinity", "NaN"} {
		text = strings.ReplaceAll(text, ": "+word, `: "number `+word+`"`)
		text = strings.ReplaceAll(text, "    "+word, `    "number `+word+`"`)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// TestInventoryIsAnsiblesOnFiles compares the inventories of the project and, when
// PIGSYNC_INVENTORIES names a directory, all that are below it.
func TestInventoryIsAnsiblesOnFiles(t *testing.T) {
	a := startAnsible(t)
	roots := []string{"../../examples/inventory", "../../inventory/testdata", "testdata/inventories"}
	if more := os.Getenv("PIGSYNC_INVENTORIES"); more != "" {
		roots = append(roots, more)
	}
	for _, root := range roots {
		for _, path := range inventoryFilesBelow(t, root) {
			t.Run(path, func(t *testing.T) {
				hosts := hostsOf(t, path)
				if err := a.compare(t, path, hosts[:min(1, len(hosts))]); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func inventoryFilesBelow(t *testing.T, root string) []string {
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "group_vars" || d.Name() == "host_vars" || d.Name() == "fuzz"):
			return filepath.SkipDir
		case !d.IsDir() && slices.Contains([]string{".yml", ".yaml", ".json"}, filepath.Ext(path)):
			found = append(found, path)
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		t.Fatal("no inventories below ", root, err)
	}
	return found
}

// hostsOf names the hosts that pigsync lists.
func hostsOf(t *testing.T, path string) []string {
	var out, errs bytes.Buffer
	run(t.Context(), env{args: []string{"inventory", path, "--list"}, stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: os.Getenv})
	v, err := decoded(out.String())
	if err != nil {
		t.Fatal(err, errs.String())
	}
	var hosts []string
	for name := range v.(map[string]any)["_meta"].(map[string]any)["hostvars"].(map[string]any) {
		hosts = append(hosts, name)
	}
	slices.Sort(hosts)
	return hosts
}

// TestInventoryIsAnsiblesOnDrawn compares inventories that nobody thought of.
func TestInventoryIsAnsiblesOnDrawn(t *testing.T) {
	a := startAnsible(t)
	fewerChecks(t, 30)
	rapid.Check(t, func(r *rapid.T) {
		files := drawFiles(r)
		path := filepath.Join(write(t, files), "pigsty.yml")
		if err := a.compare(t, path, []string{drawnHost(rapid.IntRange(0, drawnHosts-1).Draw(r, "host"))}); err != nil {
			r.Fatalf("%v\n%s", err, show(files))
		}
	})
}

// fewerChecks keeps a slow property short where nobody asked for a number of checks.
func fewerChecks(t *testing.T, count int) {
	checks := flag.Lookup("rapid.checks")
	if before := checks.Value.String(); before == checks.DefValue {
		checks.Value.Set(strconv.Itoa(count))
		t.Cleanup(func() { checks.Value.Set(before) })
	}
}

func write(t *testing.T, files map[string]string) string {
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func show(files map[string]string) string {
	var b strings.Builder
	for name, text := range files {
		fmt.Fprintf(&b, "== %s\n%s\n", name, text)
	}
	return b.String()
}
