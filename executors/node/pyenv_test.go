package node_test

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// TestPyEnv makes an environment with the Python of this machine; its package is a file, so that nothing is
// fetched.
func TestPyEnv(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes its time")
	}
	if err := exec.CommandContext(t.Context(), "python3", "-c", "import ensurepip").Run(); err != nil {
		t.Skip("no python3 with ensurepip here")
	}
	root, err := os.OpenRoot("/")
	must(t, err)
	defer root.Close()
	l := &node.Local{Root: root}
	dir := t.TempDir()
	env := id(resource.KindPyEnv, dir+"/venv")
	if got := see(t, l, env); got != nil {
		t.Errorf("before it is made it is %v", got)
	}
	want := resource.PyEnv{Packages: []string{"Tiny.Story@file://" + wheel(t, dir)}}
	must(t, set(t, l, env, want))
	have, _ := see(t, l, env).(resource.PyEnv)
	if d := (resource.PyEnv{Packages: []string{"tiny_story==1.5"}}).Compare(have); len(d) != 0 {
		t.Errorf("it differs: %v", d)
	}
	must(t, exec.CommandContext(t.Context(), dir+"/venv/bin/python", "-c", "import tiny_story").Run())
	other := resource.PyEnv{Packages: []string{"tiny-story==1.6"}}
	if d := other.Compare(have); len(d) != 1 || d[0].Have != "1.5" {
		t.Errorf("another version is no difference: %v", d)
	}
	must(t, os.RemoveAll(filepath.Join(dir, "venv/bin")))
	if got := see(t, l, env); got != nil {
		t.Errorf("without Python it is %v", got)
	}
}

// wheel makes a package of Python with one module.
func wheel(t *testing.T, dir string) string {
	t.Helper()
	path := dir + "/tiny_story-1.5-py3-none-any.whl"
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	z := zip.NewWriter(f)
	for name, text := range map[string]string{
		"tiny_story.py":                     "",
		"tiny_story-1.5.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny-story\nVersion: 1.5\n",
		"tiny_story-1.5.dist-info/WHEEL":    "Wheel-Version: 1.0\nGenerator: story\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"tiny_story-1.5.dist-info/RECORD":   "tiny_story.py,,\n",
	} {
		w, err := z.Create(name)
		must(t, err)
		_, err = w.Write([]byte(text))
		must(t, err)
	}
	must(t, z.Close())
	return path
}
