package exectest

import (
	"strings"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// inTheWay puts something else where a thing should be: that is unknown, not absent, and nothing is
// done about it.
func (b *bench) inTheWay() {
	b.must(b.id(resource.KindFile, base+"/file"), resource.NewFile([]byte("x\n"), 0o644, "", ""))
	b.must(b.id(resource.KindDir, base+"/dir"), resource.Dir{Mode: 0o755})
	b.must(b.id(resource.KindLink, base+"/link"), resource.Link{Target: "file"})
	b.must(b.id(resource.KindLink, base+"/dangling"), resource.Link{Target: "nothing"})
	wants := map[resource.Kind]resource.Spec{
		resource.KindFile: resource.NewFile([]byte("new"), 0o644, "", ""), resource.KindDir: resource.Dir{Mode: 0o700},
		resource.KindLink: resource.Link{Target: "new"}, resource.KindLines: resource.Lines{Lines: []string{"new"}},
	}
	for _, id := range []resource.ID{
		b.id(resource.KindFile, base+"/dir"), b.id(resource.KindFile, base+"/link"), b.id(resource.KindFile, base+"/dangling"),
		b.id(resource.KindDir, base+"/file"), b.id(resource.KindDir, base+"/link"), b.id(resource.KindLink, base+"/file"),
		b.id(resource.KindLink, base+"/dir"), b.id(resource.KindLines, base+"/link#m"), b.id(resource.KindLines, base+"/dir#m"),
		b.id(resource.KindFile, base+"/file/below"), b.id(resource.KindFile, "relative"), b.id(resource.KindFile, base+"/../etc"),
	} {
		if s := b.e.Observe(b.ctx(), []resource.ID{id})[id]; s.Err == nil || s.Spec != nil {
			b.Errorf("%s is %v, not unknown", id, s.Spec)
		}
		if b.e.Apply(b.ctx(), change(id, wants[id.Kind], nil)) == nil {
			b.Errorf("%s was made", id)
		}
	}
	b.is(b.id(resource.KindFile, base+"/file"), resource.NewFile([]byte("x\n"), 0o644, "", ""))
	b.is(b.id(resource.KindLink, base+"/link"), resource.Link{Target: "file"})
	// On the way, a link is a directory like any other.
	b.must(b.id(resource.KindLink, base+"/way"), resource.Link{Target: base + "/dir"})
	b.must(b.id(resource.KindFile, base+"/way/file"), resource.NewFile([]byte("y"), 0o644, "", ""))
	b.is(b.id(resource.KindFile, base+"/dir/file"), resource.NewFile([]byte("y"), 0o644, "", ""))
}

// secrets lets everything go wrong with a file whose content nobody may see. The witness listens.
func (b *bench) secrets() {
	f := resource.NewFile([]byte(canary+"\n"), 0o600, "", "")
	f.Secret = true
	refused, wrong, accepted := f, f, f
	refused.Validate = []string{"sh", "-c", `cat "$0"; cat "$0" >&2; exit 3`, "{}"}
	wrong.Sum = strings.Repeat("0", 64)
	accepted.Validate = []string{"grep", "-q", canary, "{}"}
	id, nowhere := b.id(resource.KindFile, base+"/secret"), b.id(resource.KindFile, base+"/no/secret")
	for _, bad := range []diff.Change{change(id, refused, nil), change(id, wrong, nil), change(nowhere, f, nil)} {
		if said, broken := b.vain(bad, nil); said == nil || broken != nil {
			b.Errorf("%s was written: %v", bad.ID, broken)
		}
	}
	b.must(id, accepted)
	now := b.see(id)
	for _, bad := range []diff.Change{
		change(id, refused, nil), change(id, resource.NewFile([]byte(canary+"2"), 0o600, "nobody-at-all", ""), now),
	} {
		if said, broken := b.vain(bad, now); said == nil || broken != nil {
			b.Errorf("%s was changed: %v", bad.ID, broken)
		}
	}
}

// directories with something in them go only when their data may be lost, and are emptied only by
// setting the contents aside.
func (b *bench) directories() {
	dir, file := b.id(resource.KindDir, base+"/data"), b.id(resource.KindFile, base+"/data/file")
	b.must(dir, resource.Dir{Mode: 0o755})
	b.must(file, resource.NewFile([]byte("x"), 0o644, "", ""))
	c := change(dir, nil, b.see(dir))
	if b.e.Apply(b.ctx(), c) == nil {
		b.Error("a directory that is not empty was removed")
	}
	b.is(file, resource.NewFile([]byte("x"), 0o644, "", ""))
	b.must(dir, resource.Dir{Mode: 0o750, Vacant: true})
	b.is(file, nil)
	b.must(b.id(resource.KindDir, base+"/data/sub"), resource.Dir{Mode: 0o755})
	b.must(b.id(resource.KindLink, base+"/data/sub/link"), resource.Link{Target: base})
	c = change(dir, nil, b.see(dir))
	c.Spec = resource.Dir{Data: true}
	if c.Hazard()&resource.DataLoss == 0 || c.Action != diff.Delete {
		b.Fatal("the loss of data is no hazard")
	}
	if err := b.e.Apply(b.ctx(), c); err != nil {
		b.Error(err)
	}
	b.is(dir, nil)
	b.is(b.id(resource.KindDir, base), resource.Dir{Mode: 0o755})
}
