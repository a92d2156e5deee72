package git

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"

	"github.com/pigsync/pigsync/sources"
)

const (
	tempPrefix = "tmp-"

	maxObjects  = 4 << 20 // objects in one pack
	maxUnpacked = 8 << 30 // bytes of all objects in one pack, unpacked; each is hashed, none kept
)

// packLimits bounds a pack before anything in it is unpacked into memory.
type packLimits struct {
	bytes  int64 // of the pack
	object int64 // of one object in it
}

// add stores the pack that r yields: to a file, looked through, indexed, then made visible.
func (s *store) add(ctx context.Context, r io.Reader, limits packLimits) error {
	f, err := os.CreateTemp(s.packs(), tempPrefix+"*.pack")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing to remove once it is renamed
	defer f.Close()           // synced by finish, so there is nothing to learn from a second close
	n, err := io.Copy(f, io.LimitReader(contextReader{ctx, r}, limits.bytes+1))
	if err != nil {
		return err
	}
	if n > limits.bytes {
		return sources.Errorf(sources.ErrRefused, "the history is more than %d bytes packed (MaxPack)", limits.bytes)
	}
	if err := inspect(ctx, f, limits.object); err != nil {
		return err
	}
	return s.finish(f)
}

// contextReader ends reading with its context.
type contextReader struct {
	ctx context.Context //nolint:containedctx // it lives as long as the call that made it
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// inspect reads the header of every object of a pack, and of a delta its first bytes, which
// say how big the result is. Contents stream past.
func inspect(ctx context.Context, f io.ReadSeeker, maxObject int64) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	scan := packfile.NewScanner(f)
	_, count, err := scan.Header()
	if err != nil {
		return fmt.Errorf("read pack: %w", err)
	}
	if count > maxObjects {
		return sources.Errorf(sources.ErrRefused, "the history has %d objects: at most %d are allowed", count, maxObjects)
	}
	var total int64
	for range count {
		if err := ctx.Err(); err != nil {
			return err
		}
		size, err := nextSize(scan, maxObject)
		if err != nil {
			return err
		}
		if total += size; total > maxUnpacked {
			return sources.Errorf(sources.ErrRefused, "the history is more than %d bytes unpacked", int64(maxUnpacked))
		}
	}
	return nil
}

// nextSize is the unpacked size of the next object.
func nextSize(scan *packfile.Scanner, maxObject int64) (int64, error) {
	header, err := scan.NextObjectHeader()
	if err != nil {
		return 0, fmt.Errorf("read pack: %w", err)
	}
	tooBig := func(size int64) error {
		return sources.Errorf(sources.ErrRefused,
			"the history holds an object of %d bytes: at most %d are allowed (MaxObject)", size, maxObject)
	}
	if header.Length > maxObject {
		return 0, tooBig(header.Length)
	}
	var start prefix
	n, _, err := scan.NextObject(&start)
	if err != nil {
		return 0, fmt.Errorf("read pack: %w", err)
	}
	if n != header.Length { // go-git would give it the name of something else
		return 0, fmt.Errorf("read pack: an object has %d bytes and says %d", n, header.Length)
	}
	if !header.Type.IsDelta() {
		return header.Length, nil
	}
	size, err := deltaSize(start.data)
	if err != nil {
		return 0, err
	}
	if size > maxObject {
		return 0, tooBig(size)
	}
	return size, nil
}

// prefix keeps the first bytes written to it and drops the rest.
type prefix struct{ data []byte }

func (p *prefix) Write(b []byte) (int, error) {
	const enough = 2 * binary.MaxVarintLen64
	p.data = append(p.data, b[:min(len(b), enough-len(p.data))]...)
	return len(b), nil
}

// deltaSize reads the second number of a delta: the size of what it makes.
func deltaSize(delta []byte) (int64, error) {
	_, n := binary.Uvarint(delta)
	if n <= 0 {
		return 0, errors.New("read pack: malformed delta")
	}
	size, n := binary.Uvarint(delta[n:])
	if n <= 0 || int64(size) < 0 {
		return 0, errors.New("read pack: malformed delta")
	}
	return int64(size), nil
}

// finish indexes a pack and renames index and pack into place; without the pack an index is
// nothing, so the pack goes last.
func (s *store) finish(f *os.File) error {
	idx, err := indexPack(f)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	if _, err := idxfile.NewEncoder(&buf).Encode(idx); err != nil {
		return fmt.Errorf("index pack: %w", err)
	}
	name := filepath.Join(s.packs(), "pack-"+plumbing.Hash(idx.PackfileChecksum).String())
	temp := f.Name() + ".idx"
	defer os.Remove(temp) // nothing to remove once it is renamed
	if err := writeSynced(temp, buf.Bytes()); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := install(temp, name+".idx"); err != nil {
		return err
	}
	if err := install(f.Name(), name+".pack"); err != nil {
		return err
	}
	s.sto.Reindex()
	return nil
}

func indexPack(f io.ReadSeeker) (*idxfile.MemoryIndex, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	var w idxfile.Writer
	parser, err := packfile.NewParser(packfile.NewScanner(f), &w)
	if err != nil {
		return nil, fmt.Errorf("index pack: %w", err)
	}
	if _, err := parser.Parse(); err != nil {
		return nil, fmt.Errorf("index pack: %w", err)
	}
	return w.Index()
}

func writeSynced(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
