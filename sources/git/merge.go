package git

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pigsync/pigsync/sources"
)

// maxReview is how many bytes of proposals are kept: they are strangers', and can be fetched again.
const maxReview = 256 << 20

// Merge implements sources.Merger. What is proposed is kept in the store, so it should be a Source of its own that
// is asked, with a store that may be emptied. An error is of this look only.
func (s *Source) Merge(ctx context.Context, ref string) (m sources.Merge, err error) {
	select {
	case <-ctx.Done():
		return m, ctx.Err()
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	}
	if size, err := s.store.bytes(); err != nil || size > maxReview {
		if err := errors.Join(err, s.store.reset()); err != nil {
			return m, fmt.Errorf("empty object store: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	base, head, hidden, err := s.fetchBoth(ctx, ref)
	if errors.Is(err, errDamaged) || errors.Is(err, errMissing) {
		if err := s.store.reset(); err != nil {
			return m, fmt.Errorf("empty damaged object store: %w", err)
		}
		base, head, hidden, err = s.fetchBoth(ctx, ref)
	}
	if err == nil {
		err = s.store.setHead(s.key, base)
	}
	if err != nil {
		return m, s.explain(ctx, err, hidden)
	}
	return s.merge(ctx, base, head)
}

// fetchBoth brings the commit of the branch that is followed and that of a ref.
func (s *Source) fetchBoth(ctx context.Context, ref string) (base, head plumbing.Hash, hidden secrets, err error) {
	if s.address.scheme == "file" {
		if base, err = s.copyLocal(ctx); err != nil {
			return base, head, nil, err
		}
		other := *s.other(ref)
		head, err = other.copyLocal(ctx)
		return base, head, nil, err
	}
	session, hidden, err := s.connect(ctx)
	if err != nil {
		return base, head, hidden, err
	}
	defer session.Close() // the answer was read, or an error says more than a failed goodbye
	ar, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return base, head, hidden, err
	}
	base, head, err = s.bringBoth(ctx, session, ar, ref)
	return base, head, hidden, err
}

// other is this source, following another ref.
func (s *Source) other(ref string) *Source {
	o := &Source{options: s.options, address: s.address, store: s.store, key: s.key}
	o.options.Ref, o.options.Versions = ref, ""
	return o
}

func (s *Source) bringBoth(ctx context.Context, session transport.UploadPackSession, ar *packp.AdvRefs, ref string) (base, head plumbing.Hash, err error) {
	list := advertised(ar)
	if base, err = list.follow(s.options); err != nil {
		return base, head, err
	}
	if head, err = list.find(ref); err != nil {
		return base, head, err
	}
	wants := slices.DeleteFunc([]plumbing.Hash{base, head}, s.store.has)
	if len(wants) > 0 {
		if err := s.request(ctx, session, ar, slices.Compact(wants)); err != nil {
			return base, head, err
		}
	}
	if base, err = s.store.peel(base); err != nil {
		return base, head, err
	}
	head, err = s.store.peel(head)
	return base, head, err
}

// merge compares the inventories of the branch, the proposal and what they have in common.
func (s *Source) merge(ctx context.Context, base, head plumbing.Hash) (m sources.Merge, err error) {
	fork, err := s.store.fork(ctx, base, head)
	if err != nil {
		return m, fmt.Errorf("%s: %w", s.address.shown, err)
	}
	var trees [3]map[string]sources.Blob
	for i, h := range []plumbing.Hash{fork, base, head} {
		if trees[i], err = s.files(ctx, h); err != nil {
			return m, fmt.Errorf("%s at %.12s: %w", s.address.shown, h, err)
		}
	}
	m.Base, m.Head = base.String(), head.String()
	return m, three{trees[0], trees[1], trees[2]}.into(&m)
}

// files are those of the inventory at a commit.
func (s *Source) files(ctx context.Context, h plumbing.Hash) (map[string]sources.Blob, error) {
	all := map[string]sources.Blob{}
	if h.IsZero() {
		return all, nil
	}
	c, err := s.store.commit(h)
	if err != nil {
		return nil, err
	}
	root, err := s.root(c.TreeHash)
	if err != nil {
		return nil, err
	}
	w := walk{source: s, tally: s.options.Limits.Tally()}
	if err := w.tree(ctx, root, ""); err != nil {
		return nil, err
	}
	for _, f := range w.files {
		all[f.Path] = f
	}
	return all, nil
}

// three are the files where both began, those of the branch and those of the proposal.
type three struct{ fork, ours, theirs map[string]sources.Blob }

// into merges them file by file.
func (t three) into(m *sources.Merge) error {
	names := map[string]bool{}
	for _, files := range []map[string]sources.Blob{t.fork, t.ours, t.theirs} {
		for name := range files {
			names[name] = true
		}
	}
	var out []sources.Blob
	for _, name := range slices.Sorted(maps.Keys(names)) {
		blob, changed, conflict, err := t.file(name)
		switch {
		case err != nil:
			return err
		case conflict:
			m.Conflicts = append(m.Conflicts, name)
			continue
		case changed:
			m.Changed = append(m.Changed, name)
		}
		if blob != nil {
			out = append(out, *blob)
		}
	}
	if len(m.Conflicts) > 0 {
		return nil
	}
	tree, err := sources.NewTree(out, time.Time{})
	m.Tree = tree
	return err
}

// file merges one file; nil means that it is not there.
func (t three) file(name string) (blob *sources.Blob, changed, conflict bool, err error) {
	texts, there, err := t.texts(name)
	if err != nil {
		return nil, false, false, err
	}
	take := func(files map[string]sources.Blob) *sources.Blob {
		if f, ok := files[name]; ok {
			return &f
		}
		return nil
	}
	same := func(i, j int) bool { return there[i] == there[j] && texts[i] == texts[j] }
	switch {
	case same(1, 2), same(0, 2):
		return take(t.ours), false, false, nil
	case same(0, 1):
		return take(t.theirs), true, false, nil
	case !there[0] || !there[1] || !there[2]:
		return nil, false, true, nil
	}
	merged, ok := sources.MergeText(texts[0], texts[1], texts[2])
	f := sources.Blob{Path: name, Size: int64(len(merged)), Read: func() ([]byte, error) { return []byte(merged), nil }}
	return &f, merged != texts[1], !ok, nil
}

func (t three) texts(name string) (texts [3]string, there [3]bool, err error) {
	for i, files := range []map[string]sources.Blob{t.fork, t.ours, t.theirs} {
		f, ok := files[name]
		if !ok {
			continue
		}
		text, err := f.Read()
		if err != nil {
			return texts, there, err
		}
		texts[i], there[i] = string(text), true
	}
	return texts, there, nil
}

// fork is the newest commit that two have in common, the zero hash when there is none.
func (s *store) fork(ctx context.Context, a, b plumbing.Hash) (plumbing.Hash, error) {
	mine := map[plumbing.Hash]bool{}
	for h, err := range s.history(a) {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return plumbing.ZeroHash, err
		}
		mine[h] = true
	}
	for h, err := range s.history(b) {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return plumbing.ZeroHash, err
		}
		if mine[h] {
			return h, nil
		}
	}
	return plumbing.ZeroHash, nil
}
