package dir

import (
	"archive/zip"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pigsync/pigsync/sources"
)

// maxKept is how many revisions are kept: the ones yielded last.
const maxKept = 100

// keep writes a snapshot to an archive named by its digest, whole or not at all.
func keep(dir string, snap *snapshot) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name := archive(dir, snap.id)
	if _, err := os.Stat(name); err == nil { // yielded again: it is among the last ones now
		now := time.Now()
		return os.Chtimes(name, now, now)
	}
	f, err := os.CreateTemp(dir, "tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing to remove once it is renamed
	if err := errors.Join(write(f, snap), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	return forget(dir)
}

func archive(dir, id string) string {
	return filepath.Join(dir, strings.TrimPrefix(id, idPrefix)+".zip")
}

func write(w io.Writer, snap *snapshot) error {
	z := zip.NewWriter(w)
	for _, f := range snap.files {
		entry, err := z.CreateHeader(&zip.FileHeader{Name: f.Path, Method: zip.Deflate, Modified: snap.when})
		if err != nil {
			return err
		}
		data, err := f.Read()
		if err != nil {
			return err
		}
		if _, err := entry.Write(data); err != nil {
			return err
		}
	}
	return z.Close()
}

// forget removes the oldest archives beyond maxKept, and what a killed process left.
func forget(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var all []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		switch {
		case strings.HasSuffix(e.Name(), ".zip"):
			all = append(all, info)
		case strings.HasPrefix(e.Name(), "tmp-"):
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(all, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, info := range all[min(len(all), maxKept):] {
		if err := os.Remove(filepath.Join(dir, info.Name())); err != nil {
			return err
		}
	}
	return nil
}

// kept reads a snapshot back. One whose content is not what its name says is gone.
func kept(dir, id string, limits sources.Limits) (*snapshot, error) {
	gone := sources.Errorf(sources.ErrGone, "not kept")
	sum, ok := strings.CutPrefix(id, idPrefix)
	if raw, err := hex.DecodeString(sum); !ok || err != nil || len(raw) != 32 {
		return nil, gone
	}
	z, err := zip.OpenReader(archive(dir, id))
	if errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	if err != nil {
		return nil, gone
	}
	defer z.Close() // only read
	snap := &snapshot{}
	tally := limits.Tally()
	for _, f := range z.File {
		if err := tally.File(f.Name, int64(f.UncompressedSize64)); err != nil {
			return nil, err
		}
		data, err := unpack(f)
		if err != nil {
			return nil, gone
		}
		snap.add(f.Name, data, f.Modified)
	}
	if snap.seal(); snap.id != id {
		return nil, gone
	}
	return snap, nil
}

// unpack reads a file of an archive; the tally has seen its size.
func unpack(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() // only read
	data, err := io.ReadAll(io.LimitReader(r, int64(f.UncompressedSize64)))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", f.Name, err)
	}
	return data, nil
}
