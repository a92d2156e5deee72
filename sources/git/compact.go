package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

const (
	compactAt  = 32        // small packs, one per fetch, before they are made into one
	smallPack  = 1 << 20   // bytes; a bigger one is left alone
	maxMerging = 128 << 20 // bytes of the objects merged at once, which are in memory meanwhile
)

// compact makes one pack of many small ones: each fetch adds a pack, and a year of commits
// would make every look-up slow.
func (s *store) compact(ctx context.Context, limits packLimits) error {
	small, err := s.smallPacks()
	if err != nil || len(small) < compactAt {
		return err
	}
	sto := openStorage(s.dir) // its own: the encoder reads while the store is in use
	var merged []string
	var hashes []plumbing.Hash
	var total int64
	for _, name := range small {
		more, size, err := packed(sto, name)
		if err != nil {
			return err
		}
		if total+size > maxMerging {
			continue
		}
		total += size
		hashes = append(hashes, more...)
		merged = append(merged, name)
	}
	if len(merged) < 2 {
		return nil
	}
	if err := s.pack(ctx, verified{sto, limits.object}, hashes, limits); err != nil {
		return fmt.Errorf("merge packs: %w", err)
	}
	return s.drop(merged)
}

// smallPacks are the names, without .pack, of the packs worth merging.
func (s *store) smallPacks() ([]string, error) {
	all, err := filepath.Glob(filepath.Join(s.packs(), "pack-*.pack"))
	if err != nil {
		return nil, err
	}
	var small []string
	for _, name := range all {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if info.Size() <= smallPack {
			small = append(small, name[:len(name)-len(".pack")])
		}
	}
	return small, nil
}

// packed lists the objects of a pack and adds up their sizes.
func packed(sto objects, pack string) (hashes []plumbing.Hash, size int64, err error) {
	f, err := os.Open(pack + ".idx")
	if err != nil {
		return nil, 0, err
	}
	defer f.Close() // only read
	idx := idxfile.NewMemoryIndex()
	if err := idxfile.NewDecoder(f).Decode(idx); err != nil {
		return nil, 0, fmt.Errorf("%w: %s: %w", errDamaged, filepath.Base(pack), err)
	}
	entries, err := idx.Entries()
	if err != nil {
		return nil, 0, err
	}
	for {
		e, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return hashes, size, nil
		}
		if err != nil {
			return nil, 0, err
		}
		n, err := sto.EncodedObjectSize(e.Hash)
		if err != nil {
			return nil, 0, named(e.Hash, err)
		}
		hashes, size = append(hashes, e.Hash), size+n
	}
}

// drop removes packs whose objects are in another one now: the pack first, since without it an
// index is nothing.
func (s *store) drop(packs []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.sto.Reindex()
	for _, name := range packs {
		if err := errors.Join(os.Remove(name+".pack"), os.Remove(name+".idx")); err != nil {
			return err
		}
	}
	return nil
}

// pack writes the objects named as one new pack.
func (s *store) pack(ctx context.Context, from verified, hashes []plumbing.Hash, limits packLimits) error {
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := packfile.NewEncoder(w, from, false).Encode(hashes, 0)
		w.CloseWithError(err)
	}()
	err := s.add(ctx, r, limits)
	r.CloseWithError(io.ErrClosedPipe) // lets the encoder go when add ended early
	<-done
	return err
}

// verified is a storage whose objects are hashed when they are read.
type verified struct {
	storer.EncodedObjectStorer
	max int64
}

func (v verified) EncodedObject(_ plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	found, err := v.EncodedObjectStorer.EncodedObject(plumbing.AnyObject, h)
	if err != nil {
		return nil, named(h, err)
	}
	return readObject(v.EncodedObjectStorer, found.Type(), h, v.max)
}
