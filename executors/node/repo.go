package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pigsync/pigsync/resource"
)

// repoStamp says with which content of a source file the index was fetched.
type repoStamp struct {
	Path string
	Sum  string
}

func (v *view) seeRepo(name string) (resource.Spec, error) {
	if _, err := v.manager(); err != nil {
		return nil, err
	}
	s, info, err := v.stat(name)
	if err != nil || info == nil {
		return nil, err
	}
	f, err := v.file(s, info)
	if err != nil {
		return nil, err
	}
	var stamp repoStamp
	if err := v.stamp("repo", name, &stamp); err != nil {
		return nil, err
	}
	return resource.Repo{Sum: f.Sum, Content: f.Content, Fetched: stamp.Sum == f.Sum}, nil
}

// makeRepo leaves the file when the index cannot be fetched: the next round tries only that.
func (w *work) makeRepo(ctx context.Context, want resource.Repo, have resource.Spec) error {
	if digestOf(want.Content) != want.Sum {
		return errors.New("the content is not what its digest says")
	}
	s, err := w.place(w.id.Name)
	if err != nil {
		return err
	}
	if h, _ := have.(resource.Repo); h.Sum != want.Sum {
		d, err := w.draft(s, want.Content, 0o644, "", "")
		if err != nil {
			return err
		}
		if err := w.write(s, d); err != nil {
			return err
		}
	}
	if !want.Fetched {
		return nil
	}
	m, err := w.manager()
	if err != nil {
		return err
	}
	return m.fetch(w, ctx, s.real(), repoStamp{Path: w.id.Name, Sum: want.Sum})
}

// fetch gets the index of one source file. Left to itself apt-get update ends well when it could not.
func (w *work) fetch(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	for {
		out, err := w.l.run(ctx, update(path, "--quiet=2"))
		if err == nil && complains(out) {
			err = errors.New("the index is not complete")
		}
		if err == nil {
			return nil
		}
		if !bytes.Contains(out, []byte("Could not get lock")) {
			return said("apt-get update", out, err)
		}
		select {
		case <-ctx.Done():
			return said("apt-get update", out, ctx.Err())
		case <-time.After(lockRetry):
		}
	}
}

func (w *work) removeRepo(context.Context) error {
	if err := w.removeFile(w.id.Name); err != nil {
		return err
	}
	if err := w.dropStamp("repo", w.id.Name); err != nil {
		return fmt.Errorf("forget what was fetched: %w", err)
	}
	return nil
}
