package exectest

import (
	"bytes"
	"testing"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// base is the directory below which all files are.
const base = "/exectest"

// RunFiles is Run for a hand on the files of a node: files, directories, links and marked lines are
// samples too, and go through random walks and whatever a file system has in store.
func RunFiles(t *testing.T, New func(t testing.TB) executors.Executor, o Options) {
	if o.At == "" {
		o.At = "node-1"
	}
	o.Samples = append(fileSamples(o), o.Samples...)
	Run(t, New, o)
	begin := func(t *testing.T) *bench {
		b := start(t, New, o)
		b.must(b.id(resource.KindDir, base), resource.Dir{Mode: 0o755})
		return b
	}
	t.Run("random changes", func(t *testing.T) { begin(t).random() })
	t.Run("one file at the same time", func(t *testing.T) { begin(t).share() })
	t.Run("where no directory is", func(t *testing.T) { begin(t).nowhere() })
	if o.Tree {
		t.Run("in the way", func(t *testing.T) { begin(t).inTheWay() })
		t.Run("secrets", func(t *testing.T) { begin(t).secrets() })
		t.Run("directories", func(t *testing.T) { begin(t).directories() })
	}
}

// fileSamples are the kinds of the file system, each field changed on its own.
func fileSamples(o Options) []Sample {
	file := func(content string, mode uint32) resource.File {
		return resource.NewFile([]byte(content), mode, "", "")
	}
	big := resource.NewFile(bytes.Repeat([]byte("0123456789abcdef"), 1<<14), 0o644, "", "")
	secret := file(canary, 0o600)
	secret.Secret = true
	files := []resource.Spec{
		file("one\n", 0o644), file("two\n", 0o644), file("two\n", 0o600), file("", 0o600), file("", 0o4755), big, secret, file("\xff\x00\n", 0o666),
	}
	dirs := []resource.Spec{resource.Dir{Mode: 0o755}, resource.Dir{Mode: 0o700}, resource.Dir{Mode: 0o2770}}
	if o.Owner != "" {
		files = append(files, resource.NewFile([]byte("\xff\x00\n"), 0o666, o.Owner, o.Owner), resource.NewFile([]byte("x"), 0o640, o.Owner, "root"))
		dirs = append(dirs, resource.Dir{Mode: 0o2770, Owner: o.Owner}, resource.Dir{Mode: 0o1770, Owner: "root", Group: o.Owner})
	}
	sample := func(k resource.Kind, name string, specs ...resource.Spec) Sample {
		place := resource.Resource{ID: resource.ID{Kind: resource.KindDir, Name: base, At: o.At}, Spec: resource.Dir{Mode: 0o755}}
		return Sample{ID: resource.ID{Kind: k, Name: base + name, At: o.At}, Specs: specs, Needs: []resource.Resource{place}}
	}
	return []Sample{
		sample(resource.KindFile, "/file", files...),
		sample(resource.KindDir, "/dir", dirs...),
		sample(resource.KindLink, "/link",
			resource.Link{Target: "somewhere"}, resource.Link{Target: "/nowhere/else"}, resource.Link{Target: "../üx y"}),
		sample(resource.KindLines, "/hosts#pigsty dns",
			resource.Lines{Lines: []string{"10.10.10.10 a b"}}, resource.Lines{Lines: []string{"10.10.10.10 a b", "10.10.10.11 c"}},
			resource.Lines{Lines: []string{"10.10.10.11 c", "10.10.10.10 a b"}}, resource.Lines{Lines: []string{"# x #", ""}}),
	}
}

func (b *bench) id(k resource.Kind, name string) resource.ID {
	return resource.ID{Kind: k, Name: name, At: b.o.At}
}

// see is look, for sure.
func (b *bench) see(id resource.ID) resource.Spec {
	b.Helper()
	have, err := b.look(id)
	b.try(err)
	return have
}

// must sets, and looks.
func (b *bench) must(id resource.ID, want resource.Spec) {
	b.Helper()
	b.try(b.set(id, want))
	b.is(id, want)
}

// is compares what is there with what should be.
func (b *bench) is(id resource.ID, want resource.Spec) {
	b.Helper()
	_, err := b.holds(id, want)
	b.try(err)
}

// nowhere looks for things in directories that are not there: that much is known.
func (b *bench) nowhere() {
	ids := []resource.ID{
		b.id(resource.KindFile, base+"/none"), b.id(resource.KindDir, base), b.id(resource.KindLink, base+"/none"),
		b.id(resource.KindFile, base+"/no/such/directory"), b.id(resource.KindLines, base+"/none#mark"),
	}
	seen := b.e.Observe(b.ctx(), ids)
	for _, id := range ids {
		s, ok := seen[id]
		if !ok || s.Err != nil || (s.Spec != nil) != (id.Kind == resource.KindDir) {
			b.Errorf("%s: %v, %+v", id, ok, s)
		}
	}
}
