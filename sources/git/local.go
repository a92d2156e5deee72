package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/pigsync/pigsync/sources"
)

const (
	batchObjects = 4096     // objects copied as one pack
	batchBytes   = 32 << 20 // or bytes, which are in memory meanwhile
	maxNesting   = 256      // directories in directories, anywhere in the history
)

// copyLocal brings the commit that the ref names from a repository on this machine, by copying
// the objects that the store does not have.
func (s *Source) copyLocal(ctx context.Context) (plumbing.Hash, error) {
	sto, err := openLocal(s.address.path)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	head := s.pinned
	if head.IsZero() {
		list, err := localRefs(sto, s.options.Ref)
		if err == nil && s.options.Versions != "" {
			err = list.addAny(sto)
		}
		if err != nil {
			return head, err
		}
		if head, err = list.follow(s.options); err != nil {
			return head, err
		}
	}
	if head, err = peel(sto, head); err != nil {
		if errors.Is(err, errMissing) {
			err = sources.Errorf(sources.ErrNoRef, "the repository has no commit %s", head)
		}
		return head, foreign(err)
	}
	c := copier{store: s.store, from: verified{sto, s.options.MaxObject}, limits: s.packLimits(), seen: map[plumbing.Hash]bool{}}
	return head, foreign(c.history(ctx, head))
}

// foreign says that it is the other repository that is damaged, not the store.
func foreign(err error) error {
	if errors.Is(err, errDamaged) {
		return errors.New("the repository is damaged: " + err.Error())
	}
	return err
}

// openLocal opens a bare repository, or the .git of one with a work tree, for reading.
func openLocal(path string) (*filesystem.Storage, error) {
	for _, dir := range []string{path, filepath.Join(path, ".git")} {
		objects, err := os.Stat(filepath.Join(dir, "objects"))
		if err != nil || !objects.IsDir() {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "HEAD")); err == nil {
			return openStorage(dir), nil
		}
	}
	if info, err := os.Stat(filepath.Join(path, ".git")); err == nil && info.Mode().IsRegular() {
		return nil, errors.New("this is a linked work tree: give the path of its repository")
	}
	return nil, errors.New("there is no git repository")
}

// localRefs looks up HEAD and what ref may mean, one by one: to list all refs would be to read
// the lock files that git has beside the refs it is writing.
func localRefs(sto *filesystem.Storage, ref string) (refs, error) {
	list := refs{named: map[string]plumbing.Hash{}}
	head, err := resolve(sto, "HEAD")
	if err != nil {
		return list, err
	}
	list.head = head
	for _, name := range candidates(ref) {
		h, err := resolve(sto, name)
		if err != nil {
			return list, err
		}
		if !h.IsZero() {
			list.named[name] = h
		}
	}
	if list.head.IsZero() && len(list.named) == 0 {
		return list, list.addAny(sto)
	}
	return list, nil
}

// resolve follows a ref to its hash, which is zero when there is no such ref.
func resolve(sto *filesystem.Storage, name string) (plumbing.Hash, error) {
	r, err := storer.ResolveReference(sto, plumbing.ReferenceName(name))
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return plumbing.ZeroHash, nil
	}
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("read ref %s: %w", name, err)
	}
	return r.Hash(), nil
}

// addAny tells a repository without what was looked for from one without anything.
func (r refs) addAny(sto *filesystem.Storage) error {
	all, err := sto.IterReferences()
	if err != nil {
		return fmt.Errorf("read refs: %w", err)
	}
	defer all.Close()
	return all.ForEach(func(ref *plumbing.Reference) error {
		if ref.Type() == plumbing.HashReference {
			r.named[ref.Name().String()] = ref.Hash()
		}
		return nil
	})
}

// copier copies objects into a store in batches. Whatever a batch holds needs only what is in
// it or in an earlier one, so that a commit that is in the store is there with all it needs.
type copier struct {
	store  *store
	from   verified
	limits packLimits
	seen   map[plumbing.Hash]bool
	batch  []plumbing.Hash
	bytes  int64
}

// history copies head and what it contains, the oldest first.
func (c *copier) history(ctx context.Context, head plumbing.Hash) error {
	order, err := c.missing(ctx, head)
	if err != nil {
		return err
	}
	for _, commit := range order {
		if err := c.tree(ctx, commit.TreeHash, 0); err != nil {
			return err
		}
		if err := c.add(ctx, commit.Hash); err != nil {
			return err
		}
	}
	return c.flush(ctx)
}

// missing lists the commits that the store does not have, every one after its parents.
func (c *copier) missing(ctx context.Context, head plumbing.Hash) ([]*object.Commit, error) {
	var order []*object.Commit
	entered := map[plumbing.Hash]*object.Commit{}
	for stack := []plumbing.Hash{head}; len(stack) > 0; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		top := stack[len(stack)-1]
		if commit, again := entered[top]; again || c.store.has(top) {
			stack = stack[:len(stack)-1]
			if commit != nil { // its parents are in order by now
				order = append(order, commit)
				entered[top] = nil
			}
			continue
		}
		commit, err := c.commit(top)
		if errors.Is(err, errMissing) && top != head { // the repository is shallow
			stack = stack[:len(stack)-1]
			continue
		}
		if err != nil {
			return nil, err
		}
		entered[top] = commit
		for _, parent := range commit.ParentHashes {
			if _, ok := entered[parent]; !ok {
				stack = append(stack, parent)
			}
		}
	}
	return order, nil
}

func (c *copier) commit(h plumbing.Hash) (*object.Commit, error) {
	return readCommit(func(h plumbing.Hash) (*plumbing.MemoryObject, error) {
		return readObject(c.from.EncodedObjectStorer, plumbing.CommitObject, h, maxMeta)
	}, h)
}

// tree copies what is in a tree, then the tree. Links into other repositories have no object.
func (c *copier) tree(ctx context.Context, h plumbing.Hash, depth int) error {
	if c.seen[h] || c.store.has(h) {
		return nil
	}
	if depth > maxNesting {
		return sources.Errorf(sources.ErrRefused, "the history holds directories more than %d deep", maxNesting)
	}
	o, err := readObject(c.from.EncodedObjectStorer, plumbing.TreeObject, h, maxMeta)
	if err != nil {
		return err
	}
	t, err := decodeTree(o, h)
	if err != nil {
		return err
	}
	for _, e := range t.Entries {
		switch e.Mode {
		case filemode.Submodule:
		case filemode.Dir:
			err = c.tree(ctx, e.Hash, depth+1)
		default:
			err = c.blob(ctx, e.Hash)
		}
		if err != nil {
			return err
		}
	}
	c.seen[h] = true
	return c.add(ctx, h)
}

// blob copies a blob, or leaves it out when it is too big for the store.
func (c *copier) blob(ctx context.Context, h plumbing.Hash) error {
	if c.seen[h] || c.store.has(h) {
		return nil
	}
	c.seen[h] = true
	size, err := c.from.EncodedObjectSize(h)
	if err != nil {
		return named(h, err)
	}
	if size > c.limits.object {
		return nil
	}
	return c.add(ctx, h)
}

func (c *copier) add(ctx context.Context, h plumbing.Hash) error {
	size, err := c.from.EncodedObjectSize(h)
	if err != nil {
		return named(h, err)
	}
	if len(c.batch) >= batchObjects || c.bytes+size > batchBytes {
		if err := c.flush(ctx); err != nil {
			return err
		}
	}
	c.batch, c.bytes = append(c.batch, h), c.bytes+size
	return nil
}

func (c *copier) flush(ctx context.Context) error {
	if len(c.batch) == 0 {
		return nil
	}
	err := c.store.pack(ctx, c.from, c.batch, c.limits)
	c.batch, c.bytes = nil, 0
	return err
}
