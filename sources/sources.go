package sources

import (
	"context"
	"io/fs"
	"strings"
	"time"
)

// Revision is one version of the inventory tree.
type Revision struct {
	ID      string    // the full commit hash, or "dir:" and the SHA-256 digest of a tree
	Author  string    // cleaned by [Clean]; a stranger's word, not a proven identity
	Subject string    // the first line of the message, cleaned by [Clean]
	When    time.Time // when the commit was made, or the newest file of a directory
	Tree    fs.FS     // read-only; also an fs.ReadFileFS, fs.ReadDirFS and fs.StatFS
}

// Short is enough of a revision's id to tell it from others.
func Short(id string) string {
	kind, digest, found := strings.Cut(id, ":")
	if !found {
		kind, digest = "", id
	} else {
		kind += ":"
	}
	return kind + digest[:min(12, len(digest))]
}

// Source yields the revisions of one place. Both methods may be called at any time, also side
// by side.
type Source interface {
	// Next blocks until there is a revision other than after and returns the newest one; with
	// after == "" it returns the current one at once. It makes one attempt and returns its
	// error: how long to wait before calling again is the caller's affair. What it looks at on
	// the way it tells to Looked.
	Next(ctx context.Context, after string) (Revision, error)
	// At returns the past revision id, or ErrGone. It needs no network.
	At(ctx context.Context, id string) (Revision, error)
}

// Waker is a Source that waits between its looks. Wake makes it look at once; it never blocks, and
// however often it is called before the look, there is one.
type Waker interface{ Wake() }

// Fixed is a Source that only ever has r.
func Fixed(r Revision) Source { return fixed{r} }

type fixed struct{ rev Revision }

func (f fixed) Next(ctx context.Context, after string) (Revision, error) {
	if after == f.rev.ID {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return Revision{}, err
	}
	return f.rev, nil
}

func (f fixed) At(ctx context.Context, id string) (Revision, error) {
	if err := ctx.Err(); err != nil {
		return Revision{}, err
	}
	if id != f.rev.ID {
		return Revision{}, Errorf(ErrGone, "revision %s is not available: there is only %s", Clean(id, 80), f.rev.ID)
	}
	return f.rev, nil
}
