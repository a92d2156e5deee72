package git

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// cacheBytes bounds the memory that go-git keeps per store, for bases of deltas.
const cacheBytes = 8 << 20

// streamAbove is the size from which go-git reads an object piece by piece.
const streamAbove = 1 << 20

var (
	// errDamaged: an object is there but is not what its name says.
	errDamaged = errors.New("the object store is damaged")
	// errMissing: an object is not there.
	errMissing = errors.New("object missing")
)

// store keeps objects as packs below a directory, in git's own layout. A pack becomes visible
// whole or not at all and holds whatever its commits need that no earlier pack held; so a
// commit that is there is there with its history and trees.
type store struct {
	dir string

	mu  sync.Mutex // guards sto and the packs below dir; go-git's storage is for one goroutine
	sto *filesystem.Storage
}

func openStore(dir string) (*store, error) {
	s := &store{dir: dir}
	if err := os.MkdirAll(s.packs(), 0o700); err != nil {
		return nil, err
	}
	left, err := filepath.Glob(filepath.Join(s.packs(), tempPrefix+"*"))
	if err != nil {
		return nil, err
	}
	for _, name := range left { // from a process that was killed
		if err := os.Remove(name); err != nil {
			return nil, err
		}
	}
	s.open()
	return s, nil
}

func (s *store) packs() string { return filepath.Join(s.dir, "objects", "pack") }

func (s *store) open() { s.sto = openStorage(s.dir) }

func openStorage(dir string) *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(dir, osfs.WithBoundOS()),
		cache.NewObjectLRU(cacheBytes), filesystem.Options{LargeObjectThreshold: streamAbove})
}

// reset throws every object away.
func (s *store) reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.RemoveAll(filepath.Join(s.dir, "objects")); err != nil {
		return err
	}
	s.open()
	return os.MkdirAll(s.packs(), 0o700)
}

func (s *store) has(h plumbing.Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sto.HasEncodedObject(h) == nil
}

// size is the size of an object, from its header.
func (s *store) size(h plumbing.Hash) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.sto.EncodedObjectSize(h)
	return n, named(h, err)
}

// read returns an object of at most max bytes whose content was hashed and is what h says.
func (s *store) read(t plumbing.ObjectType, h plumbing.Hash, max int64) (*plumbing.MemoryObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return readObject(s.sto, t, h, max)
}

// objects is what readObject needs of a go-git storage.
type objects interface {
	EncodedObjectSize(plumbing.Hash) (int64, error)
	EncodedObject(plumbing.ObjectType, plumbing.Hash) (plumbing.EncodedObject, error)
}

func readObject(from objects, t plumbing.ObjectType, h plumbing.Hash, max int64) (*plumbing.MemoryObject, error) {
	size, err := from.EncodedObjectSize(h)
	if err != nil {
		return nil, named(h, err)
	}
	if size > max {
		return nil, fmt.Errorf("object %.12s has %d bytes, at most %d are read", h, size, max)
	}
	found, err := from.EncodedObject(plumbing.AnyObject, h)
	if err != nil {
		return nil, named(h, err)
	}
	if found.Type() != t {
		return nil, fmt.Errorf("object %.12s is a %s, not a %s", h, found.Type(), t)
	}
	r, err := found.Reader()
	if err != nil {
		return nil, named(h, err)
	}
	data, err := io.ReadAll(io.LimitReader(r, size+1))
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, named(h, err)
	}
	if plumbing.ComputeHash(t, data) != h {
		return nil, fmt.Errorf("%w: object %.12s has another content", errDamaged, h)
	}
	o := &plumbing.MemoryObject{}
	o.SetType(t)
	_, err = o.Write(data)
	return o, err
}

// named tells an object that is not there from one that cannot be read.
func named(h plumbing.Hash, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, plumbing.ErrObjectNotFound):
		return fmt.Errorf("%w: %.12s", errMissing, h)
	case errors.Is(err, os.ErrPermission):
		return err
	}
	return fmt.Errorf("%w: object %.12s: %w", errDamaged, h, err)
}

// commit reads a commit. Commits and tags are small; maxMeta bounds them.
func (s *store) commit(h plumbing.Hash) (*object.Commit, error) {
	return readCommit(func(h plumbing.Hash) (*plumbing.MemoryObject, error) {
		return s.read(plumbing.CommitObject, h, maxMeta)
	}, h)
}

// maxMeta is the most bytes a commit, tag or tree may have: a tree of 20,000 entries has 1 MiB.
const maxMeta = 16 << 20

func readCommit(read func(plumbing.Hash) (*plumbing.MemoryObject, error), h plumbing.Hash) (*object.Commit, error) {
	o, err := read(h)
	if err != nil {
		return nil, err
	}
	c := &object.Commit{}
	if err := c.Decode(o); err != nil {
		return nil, fmt.Errorf("commit %.12s is malformed: %w", h, err)
	}
	return c, nil
}

func decodeTree(o plumbing.EncodedObject, h plumbing.Hash) (*object.Tree, error) {
	t := &object.Tree{}
	if err := t.Decode(o); err != nil {
		return nil, fmt.Errorf("tree %.12s is malformed: %w", h, err)
	}
	return t, nil
}

func (s *store) tree(h plumbing.Hash) (*object.Tree, error) {
	o, err := s.read(plumbing.TreeObject, h, maxMeta)
	if err != nil {
		return nil, err
	}
	return decodeTree(o, h)
}

// maxPeel is how many tags of tags are followed to a commit.
const maxPeel = 8

// peel follows annotated tags to the commit.
func peel(from objects, h plumbing.Hash) (plumbing.Hash, error) {
	for range maxPeel {
		found, err := from.EncodedObject(plumbing.AnyObject, h)
		if err != nil {
			return h, named(h, err)
		}
		switch found.Type() {
		case plumbing.CommitObject:
			return h, nil
		case plumbing.TagObject:
		default:
			return h, fmt.Errorf("object %.12s is a %s, not a commit", h, found.Type())
		}
		o, err := readObject(from, plumbing.TagObject, h, maxMeta)
		if err != nil {
			return h, err
		}
		tag := &object.Tag{}
		if err := tag.Decode(o); err != nil {
			return h, fmt.Errorf("tag %.12s is malformed: %w", h, err)
		}
		h = tag.Target
	}
	return h, fmt.Errorf("more than %d tags of tags", maxPeel)
}

func (s *store) peel(h plumbing.Hash) (plumbing.Hash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return peel(s.sto, h)
}

// head is the last commit yielded for what key names; the zero hash when there is none.
func (s *store) head(key string) (plumbing.Hash, error) {
	data, err := readSmall(filepath.Join(s.dir, "head-"+key), 64)
	if errors.Is(err, os.ErrNotExist) {
		return plumbing.ZeroHash, nil
	}
	if err != nil {
		return plumbing.ZeroHash, err
	}
	text := strings.TrimSpace(string(data))
	if !isCommit(text) {
		return plumbing.ZeroHash, fmt.Errorf("%s does not hold a commit: remove it to accept whatever the remote has",
			filepath.Join(s.dir, "head-"+key))
	}
	return plumbing.NewHash(text), nil
}

// setHead remembers h, through a crash too.
func (s *store) setHead(key string, h plumbing.Hash) error {
	f, err := os.CreateTemp(s.dir, tempPrefix+"*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing to remove once it is renamed
	_, err = f.WriteString(h.String() + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return install(f.Name(), filepath.Join(s.dir, "head-"+key))
}

// install renames a synced file into its place and makes that last.
func install(temp, name string) error {
	if err := os.Rename(temp, name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// blob returns the content of a blob of at most max bytes.
func (s *store) blob(h plumbing.Hash, max int64) ([]byte, error) {
	o, err := s.read(plumbing.BlobObject, h, max)
	if err != nil {
		return nil, err
	}
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// bytes is how much the packs take.
func (s *store) bytes() (sum int64, err error) {
	entries, err := os.ReadDir(s.packs())
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			sum += info.Size()
		}
	}
	return sum, err
}
