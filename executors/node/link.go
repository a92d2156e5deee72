package node

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/pigsync/pigsync/resource"
)

func (v *view) seeLink(name string) (resource.Spec, error) {
	s, info, err := v.stat(name)
	if err != nil || info == nil {
		return nil, err
	}
	if err := mustBe(info, os.ModeSymlink, "a symlink"); err != nil {
		return nil, err
	}
	target, err := s.dir.Readlink(s.name)
	switch {
	case absent(err), errors.Is(err, syscall.EINVAL): // it went, or is no link any more, since it was looked at
		return nil, errReplaced
	case err != nil:
		return nil, err
	}
	return resource.Link{Target: target}, nil
}

func (w *work) makeLink(_ context.Context, want resource.Link, _ resource.Spec) error {
	s, err := w.place(w.id.Name)
	if err != nil {
		return err
	}
	if want.Target == "" {
		return errors.New("a link needs a target")
	}
	if err := sweep(s); err != nil {
		return err
	}
	temp := tempName(s.name)
	if err := s.dir.Symlink(want.Target, temp); err != nil {
		return err
	}
	if err := s.dir.Rename(temp, s.name); err != nil {
		return errors.Join(err, s.dir.Remove(temp))
	}
	return syncDir(s.dir)
}

func (w *work) removeLink(context.Context) error {
	s, info, err := w.stat(w.id.Name)
	if err != nil || info == nil {
		return err
	}
	if err := mustBe(info, os.ModeSymlink, "a symlink"); err != nil {
		return err
	}
	if err := s.dir.Remove(s.name); err != nil {
		return err
	}
	return syncDir(s.dir)
}
