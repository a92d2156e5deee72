package git

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/pigsync/pigsync/sources"
)

const (
	maxAuthor  = 100 // bytes shown of a commit's author
	maxSubject = 200 // and of the first line of its message
)

// revision makes a Revision of a commit that is in the store.
func (s *Source) revision(ctx context.Context, h plumbing.Hash) (sources.Revision, error) {
	rev, err := s.read(ctx, h)
	if err != nil {
		return sources.Revision{}, fmt.Errorf("%s at %.12s: %w", s.address.shown, h, err)
	}
	return rev, nil
}

func (s *Source) read(ctx context.Context, h plumbing.Hash) (sources.Revision, error) {
	c, err := s.store.commit(h)
	if err != nil {
		return sources.Revision{}, err
	}
	root, err := s.root(c.TreeHash)
	if err != nil {
		return sources.Revision{}, err
	}
	w := walk{source: s, tally: s.options.Limits.Tally()}
	if err := w.tree(ctx, root, ""); err != nil {
		return sources.Revision{}, err
	}
	tree, err := sources.NewTree(w.files, c.Committer.When)
	if err != nil {
		return sources.Revision{}, err
	}
	subject, _, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	return sources.Revision{
		ID:      h.String(),
		Author:  sources.Clean(c.Author.Name+" <"+c.Author.Email+">", maxAuthor),
		Subject: sources.Clean(subject, maxSubject),
		When:    c.Committer.When,
		Tree:    tree,
	}, nil
}

// root finds the tree at Options.Path, each part of which must be a directory.
func (s *Source) root(h plumbing.Hash) (plumbing.Hash, error) {
	if s.options.Path == "." {
		return h, nil
	}
	done := ""
	for part := range strings.SplitSeq(s.options.Path, "/") {
		t, err := s.store.tree(h)
		if err != nil {
			return h, err
		}
		done = path.Join(done, part)
		e := entry(t, part)
		if e == nil {
			return h, sources.Errorf(sources.ErrRefused, "there is no directory %s", done)
		}
		if e.Mode != filemode.Dir {
			return h, sources.Errorf(sources.ErrRefused, "%s is %s: a directory was expected", done, kindOf(e.Mode))
		}
		h = e.Hash
	}
	return h, nil
}

func entry(t *object.Tree, name string) *object.TreeEntry {
	for i := range t.Entries {
		if t.Entries[i].Name == name {
			return &t.Entries[i]
		}
	}
	return nil
}

func kindOf(mode filemode.FileMode) string {
	switch mode {
	case filemode.Dir:
		return "a directory"
	case filemode.Symlink:
		return "a symbolic link"
	case filemode.Submodule:
		return "a submodule"
	}
	return "a file"
}

// walk collects the files below a tree.
type walk struct {
	source *Source
	tally  *sources.Tally
	files  []sources.Blob
}

func (w *walk) tree(ctx context.Context, h plumbing.Hash, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t, err := w.source.store.tree(h)
	if err != nil {
		return err
	}
	for i := range t.Entries {
		e := &t.Entries[i]
		if strings.Contains(e.Name, "/") { // would be a path of several parts below
			return sources.Errorf(sources.ErrRefused, "%q is not a name for a file of an inventory", sources.Clean(e.Name, 120))
		}
		if err := w.entry(ctx, e, path.Join(dir, e.Name)); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(ctx context.Context, e *object.TreeEntry, name string) error {
	if e.Name == "." || e.Name == ".." { // path.Join has made them disappear
		return sources.Errorf(sources.ErrRefused, "%q is not a name for a file of an inventory", e.Name)
	}
	switch e.Mode {
	case filemode.Dir:
		if err := w.tally.Dir(name); err != nil {
			return err
		}
		return w.tree(ctx, e.Hash, name)
	case filemode.Regular, filemode.Executable:
		return w.file(e.Hash, name)
	}
	if err := sources.CheckPath(name); err != nil {
		return err
	}
	return sources.Errorf(sources.ErrRefused, "%s is %s: only files and directories are taken", name, kindOf(e.Mode))
}

func (w *walk) file(h plumbing.Hash, name string) error {
	size, err := w.source.store.size(h)
	if errors.Is(err, errMissing) {
		return sources.Errorf(sources.ErrRefused, "%s was not fetched: it is bigger than %d bytes (MaxObject), "+
			"or the remote lacks it", name, w.source.options.MaxObject)
	}
	if err != nil {
		return err
	}
	if err := w.tally.File(name, size); err != nil {
		return err
	}
	store, limit := w.source.store, w.source.options.Limits.File
	w.files = append(w.files, sources.Blob{Path: name, Size: size, Read: func() ([]byte, error) {
		return store.blob(h, limit)
	}})
	return nil
}
