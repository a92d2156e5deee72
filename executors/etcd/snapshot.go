package etcd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	snapshotTimeout = 10 * time.Minute
	maxSnapshot     = 16 << 30 // bytes; etcd advises against more than 8 GiB
	keepSnapshots   = 3        // of each cluster
	suffix          = ".db"
)

// snapshot keeps a copy of the cluster's data, as "etcdctl snapshot save" does, before its members
// change. It does nothing without a directory.
func (c *cluster) snapshot(ctx context.Context, v *view) error {
	dir := c.opts.SnapshotDir
	if dir == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, snapshotTimeout)
	defer cancel()
	dir = filepath.Join(dir, url.PathEscape(c.place.At))
	name := filepath.Join(dir, c.opts.Now().UTC().Format("20060102T150405.000Z")+suffix)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	err := c.ask(ctx, v.best.conn, func(ctx context.Context) error {
		r, err := v.best.conn.maintenance.Snapshot(ctx)
		if err != nil {
			return err
		}
		return errors.Join(save(name, r), r.Close())
	})
	if err != nil {
		return err
	}
	c.opts.Log.LogAttrs(ctx, slog.LevelInfo, "snapshot kept", slog.String("file", name))
	return forgetOld(dir)
}

// save writes a snapshot beside its place, checks it, and puts it there.
func save(name string, r io.Reader) error {
	f, err := os.OpenFile(name+".part", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it has been renamed, or is of no use
	n, err := io.Copy(f, io.LimitReader(r, maxSnapshot))
	if err == nil {
		err = check(f, n)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// check compares the data with the digest that the server sends behind it.
func check(f io.ReaderAt, size int64) error {
	data := size - sha256.Size
	if data <= 0 || size == maxSnapshot {
		return fmt.Errorf("the snapshot has %d bytes", size)
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, data)); err != nil {
		return err
	}
	sum := make([]byte, sha256.Size)
	if _, err := f.ReadAt(sum, data); err != nil {
		return err
	}
	if !bytes.Equal(sum, h.Sum(nil)) {
		return errors.New("the snapshot's digest does not match")
	}
	return nil
}

// forgetOld removes all but the newest snapshots; their names sort by time.
func forgetOld(dir string) error {
	found, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(e os.DirEntry) bool { return filepath.Ext(e.Name()) != suffix })
	var errs []error
	for _, e := range found[:max(0, len(found)-keepSnapshots)] {
		errs = append(errs, os.Remove(filepath.Join(dir, e.Name())))
	}
	return errors.Join(errs...)
}
