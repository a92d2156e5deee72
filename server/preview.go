package server

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/pigsync/pigsync/reconcile"
)

const (
	maxUpload   = 8 << 20  // bytes of a tree as it is sent
	maxUnpacked = 64 << 20 // and of all its files together
	maxFiles    = 10_000
	previewTime = 5 * time.Minute
)

// Preview is what an inventory that is not merged yet would do.
type Preview struct {
	*reconcile.Status
	Text string `json:"text"` // the plan and what is said against it, as a person reads it
	// Markdown is what the inventory adds to what is to be done anyway, as people review it.
	Markdown string `json:"markdown"`
}

// preview takes a zip of the tree of an inventory, and answers what it would do. Nothing of it is run.
func (w *windows) preview(rw http.ResponseWriter, r *http.Request, b Backend) {
	p, err := w.previewOf(rw, r, b)
	var refused *reconcile.Refused
	switch {
	case errors.As(err, &refused):
		rw.WriteHeader(http.StatusUnprocessableEntity)
		w.answer(rw, r, map[string]any{"error": err.Error(), "problems": reconcile.Problems(refused.Problems)})
	case err != nil:
		refuse(rw, statusOf(err), err.Error())
	default:
		w.answer(rw, r, p)
	}
}

func (w *windows) previewOf(rw http.ResponseWriter, r *http.Request, b Backend) (*Preview, error) {
	tree, err := unpack(r.Body)
	if err != nil {
		return nil, err
	}
	if err := postpone(rw, previewTime); err != nil {
		return nil, err
	}
	round, err := b.Preview(r.Context(), "preview:"+callerOf(r.Context()).String(), tree)
	switch {
	case errors.Is(err, reconcile.ErrStarting):
		return nil, failure{http.StatusServiceUnavailable, err}
	case errors.Is(err, fs.ErrNotExist):
		return nil, failure{http.StatusUnprocessableEntity, err}
	case err != nil:
		return nil, err
	}
	now := b.Status()
	return &Preview{
		Status: reconcile.StatusOf(now.Inventory, round), Text: text(round), Markdown: reconcile.NewReview(round, now.Round()).Text,
	}, nil
}

func text(r *reconcile.Round) string {
	var b strings.Builder
	_ = r.WriteText(&b) // a builder takes everything
	return b.String()
}

// unpack opens a zip without writing it anywhere.
func unpack(body io.Reader) (fs.FS, error) {
	packed, err := io.ReadAll(body)
	if err != nil {
		return nil, failed(http.StatusRequestEntityTooLarge, "the tree has more than %d MiB, or did not come", maxUpload>>20)
	}
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, failed(http.StatusBadRequest, "the body: want a zip of the inventory's directory: %v", err)
	}
	return z, bounded(z)
}

// bounded refuses what no inventory is: too much, and anything but files and directories.
func bounded(z *zip.Reader) error {
	var all uint64
	for _, f := range z.File {
		if all += min(f.UncompressedSize64, maxUnpacked+1); len(z.File) > maxFiles || all > maxUnpacked {
			return failed(http.StatusRequestEntityTooLarge, "the tree: want at most %d files and %d MiB", maxFiles, maxUnpacked>>20)
		}
		if m := f.Mode(); !m.IsRegular() && !m.IsDir() {
			return failed(http.StatusBadRequest, "the tree: %s is neither a file nor a directory", fmt.Sprintf("%.200q", f.Name))
		}
	}
	return nil
}
