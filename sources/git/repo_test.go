package git_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/pigsync/pigsync/sources/git"
)

// repo is a bare repository made object by object, so that it can hold what git would not make.
type repo struct {
	t   testing.TB
	dir string
	sto *filesystem.Storage
	now int64
}

func newRepo(t testing.TB) *repo {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "inventory.git")
	sto := filesystem.NewStorage(osfs.New(dir, osfs.WithBoundOS()), cache.NewObjectLRUDefault())
	r := &repo{t: t, dir: dir, sto: sto, now: 1_700_000_000}
	r.must(sto.Init())
	r.must(sto.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, "refs/heads/main")))
	r.must(os.WriteFile(filepath.Join(dir, "config"), []byte(
		"[core]\nrepositoryformatversion = 0\nbare = true\n[uploadpack]\nallowFilter = true\n"), 0o600))
	return r
}

func (r *repo) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// entry is what a tree of a test holds besides plain files, which are strings.
type entry struct {
	mode filemode.FileMode
	hash plumbing.Hash
	text string
}

func link(target string) entry { return entry{mode: filemode.Symlink, text: target} }

type files map[string]any // string, entry or files

func (r *repo) object(t plumbing.ObjectType, data []byte) plumbing.Hash {
	o := &plumbing.MemoryObject{}
	o.SetType(t)
	_, err := o.Write(data)
	r.must(err)
	h, err := r.sto.SetEncodedObject(o)
	r.must(err)
	return h
}

func (r *repo) tree(content files) plumbing.Hash {
	t := &object.Tree{}
	for name, what := range content {
		e := object.TreeEntry{Name: name}
		switch what := what.(type) {
		case string:
			e.Mode, e.Hash = filemode.Regular, r.object(plumbing.BlobObject, []byte(what))
		case files:
			e.Mode, e.Hash = filemode.Dir, r.tree(what)
		case entry:
			if e.Mode, e.Hash = what.mode, what.hash; e.Hash.IsZero() {
				e.Hash = r.object(plumbing.BlobObject, []byte(what.text))
			}
		}
		t.Entries = append(t.Entries, e)
	}
	sort.Sort(object.TreeEntrySorter(t.Entries))
	var buf bytes.Buffer // by hand: the encoder would refuse some of the names we need
	for _, e := range t.Entries {
		fmt.Fprintf(&buf, "%o %s\x00", e.Mode, e.Name)
		buf.Write(e.Hash[:])
	}
	return r.object(plumbing.TreeObject, buf.Bytes())
}

func (r *repo) commit(content files, message string, parents ...plumbing.Hash) plumbing.Hash {
	r.now++
	who := object.Signature{Name: "Ann \x1b[31mExample", Email: "ann@example.org", When: time.Unix(r.now, 0).UTC()}
	c := &object.Commit{Author: who, Committer: who, Message: message, TreeHash: r.tree(content), ParentHashes: parents}
	o := &plumbing.MemoryObject{}
	r.must(c.Encode(o))
	h, err := r.sto.SetEncodedObject(o)
	r.must(err)
	return h
}

// set writes a ref as git does, whole or not at all.
func (r *repo) set(ref string, h plumbing.Hash) {
	name := filepath.Join(r.dir, ref)
	r.must(os.MkdirAll(filepath.Dir(name), 0o700))
	r.must(os.WriteFile(name+".lock", []byte(h.String()+"\n"), 0o600))
	r.must(os.Rename(name+".lock", name))
}

// push commits on main.
func (r *repo) push(content files, parents ...plumbing.Hash) plumbing.Hash {
	h := r.commit(content, "change", parents...)
	r.set("refs/heads/main", h)
	return h
}

func (r *repo) tag(name string, target plumbing.Hash, kind plumbing.ObjectType) plumbing.Hash {
	o := &plumbing.MemoryObject{}
	tag := &object.Tag{Name: name, Target: target, TargetType: kind, Message: "release\n", Tagger: object.Signature{Name: "A", When: time.Unix(1, 0)}}
	r.must(tag.Encode(o))
	h, err := r.sto.SetEncodedObject(o)
	r.must(err)
	r.set("refs/tags/"+name, h)
	return h
}

// claim makes a loose blob that says it has size bytes, of which there are none: whoever only
// reads its header does not notice.
func (r *repo) claim(size int64) plumbing.Hash {
	var buf bytes.Buffer
	z := zlib.NewWriter(&buf)
	fmt.Fprintf(z, "blob %d\x00", size)
	r.must(z.Close())
	h := plumbing.NewHash(strings.Repeat("b", 40))
	name := filepath.Join(r.dir, "objects", h.String()[:2], h.String()[2:])
	r.must(os.MkdirAll(filepath.Dir(name), 0o700))
	r.must(os.WriteFile(name, buf.Bytes(), 0o600))
	return h
}

// local are the options to follow r by its path.
func (r *repo) local() git.Options {
	return git.Options{URL: r.dir, Dir: filepath.Join(r.t.TempDir(), "state"), AllowLocal: true}
}

func open(t testing.TB, o git.Options) *git.Source {
	t.Helper()
	s, err := git.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
