package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pigsync/pigsync/resource"
)

const (
	// guardKind is the kind of the stamps of guarded files.
	guardKind = "guarded"
	// defaultGrace is how long a change waits for its confirmation.
	defaultGrace = 60 * time.Second
	// maxGuarded bounds a guarded file: what it was is kept in the stamp.
	maxGuarded = 1 << 20
)

// guard is what the node knows of a guarded file: the content that was confirmed last and, while a
// change waits for its confirmation, how to undo it.
type guard struct {
	Path      string
	Confirmed string // digest
	// Activate and Deactivate are those of the content that was confirmed: who takes the file away may
	// not know them any more.
	Activate, Deactivate []string
	Trial                *trial `json:",omitempty"`
}

// trial is a change that nobody has confirmed yet.
type trial struct {
	Sum        string // of the new content, "" for none
	Before     *before
	Activate   []string
	Deactivate []string
	Due        time.Time
}

// before is what was there; nil is nothing.
type before struct {
	Content  []byte
	Mode     uint32
	UID, GID int
}

func (v *view) guard(path string) (g guard, err error) {
	err = v.stamp(guardKind, path, &g)
	return g, err
}

// seeGuarded looks at the file. While a change waits for its confirmation nothing is known: it may be
// undone at any moment. One that is overdue has lost its timer and is there to stay, unconfirmed.
func (v *view) seeGuarded(path string) (resource.Spec, error) {
	g, err := v.guard(path)
	if err != nil {
		return nil, err
	}
	if t := g.Trial; t != nil && v.l.now().Before(t.Due) {
		return nil, fmt.Errorf("a change waits to be confirmed, or undoes itself at %s", t.Due.Format(time.TimeOnly))
	}
	if strings.Contains(path, "#") {
		return v.seeGuardedBlock(path, g)
	}
	spec, err := v.seeFile(path)
	f, ok := spec.(resource.File)
	if !ok || err != nil {
		return nil, err
	}
	return resource.Guarded{
		Sum: f.Sum, Mode: f.Mode, Owner: f.Owner, Group: f.Group, Content: f.Content, Confirmed: g.Confirmed == f.Sum,
	}, nil
}

func (w *work) makeGuarded(ctx context.Context, want resource.Guarded, _ resource.Spec) error {
	return w.tryGuarded(ctx, want, false)
}

func (w *work) removeGuarded(ctx context.Context) error {
	return w.tryGuarded(ctx, resource.Guarded{}, true)
}

// tryGuarded changes the file on trial: the timer that undoes it runs before anything is touched.
func (w *work) tryGuarded(ctx context.Context, want resource.Guarded, remove bool) error {
	g, err := w.guard(w.id.Name)
	if err != nil {
		return err
	}
	if remove {
		want.Activate, want.Deactivate = g.Activate, g.Deactivate
	}
	t, err := w.prepare(want, remove)
	if err != nil {
		return err
	}
	if err := w.arm(ctx, grace(want)); err != nil {
		return errors.Join(fmt.Errorf("no timer, no change: %w", err), w.disarm(ctx))
	}
	g.Path, g.Trial = w.id.Name, t
	if err := w.putStamp(guardKind, w.id.Name, g); err != nil {
		return err
	}
	if err := w.tryNow(ctx, want, remove); err != nil {
		return errors.Join(err, w.undoGuarded(ctx))
	}
	return nil
}

func grace(want resource.Guarded) time.Duration {
	if want.Grace == 0 {
		return defaultGrace
	}
	return time.Duration(want.Grace) * time.Second
}

// prepare notes what is there.
func (w *work) prepare(want resource.Guarded, remove bool) (*trial, error) {
	t := &trial{Activate: want.Activate, Deactivate: want.Deactivate, Due: w.l.now().Add(grace(want))}
	if !remove {
		t.Sum = want.Sum
	}
	path, _, _ := strings.Cut(w.id.Name, "#")
	s, info, err := w.stat(path)
	if err != nil || info == nil {
		return t, err
	}
	if err := mustBe(info, 0, "a file"); err != nil {
		return nil, err
	}
	content, err := s.read(info, maxGuarded)
	st := sysStat(info)
	t.Before = &before{content, st.Mode & permissions, int(st.Uid), int(st.Gid)}
	return t, err
}

func (w *work) tryNow(ctx context.Context, want resource.Guarded, remove bool) error {
	if strings.Contains(w.id.Name, "#") {
		return w.tryBlock(ctx, want, remove)
	}
	if remove {
		if err := w.removeFile(w.id.Name); err != nil {
			return err
		}
		return w.tell(ctx, want.Deactivate)
	}
	f := resource.File{
		Sum: want.Sum, Mode: want.Mode, Owner: want.Owner, Group: want.Group, Content: want.Content, Validate: want.Validate,
	}
	if err := w.makeFile(ctx, f, nil); err != nil {
		return err
	}
	return w.tell(ctx, want.Activate)
}

// tell runs a command that makes what runs read the file.
func (w *work) tell(ctx context.Context, argv []string) error {
	if len(argv) == 0 {
		return nil
	}
	return w.command(ctx, argv...)
}

// confirmGuarded makes the trial final.
func (w *work) confirmGuarded(ctx context.Context) error {
	g, err := w.guard(w.id.Name)
	if err != nil {
		return err
	}
	if g.Trial == nil {
		return errors.New("too late, it has undone itself")
	}
	if err := w.disarm(ctx); err != nil {
		return err
	}
	if g.Trial.Sum == "" {
		return w.dropStamp(guardKind, w.id.Name)
	}
	t := g.Trial
	return w.putStamp(guardKind, w.id.Name, guard{Path: w.id.Name, Confirmed: t.Sum, Activate: t.Activate, Deactivate: t.Deactivate})
}

// undoGuarded restores what was there. It goes on after an error: each part brings somebody back.
func (w *work) undoGuarded(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	g, err := w.guard(w.id.Name)
	if err != nil || g.Trial == nil {
		return errors.Join(err, w.disarm(ctx))
	}
	errs := []error{w.restore(ctx, g.Trial)}
	g.Trial = nil
	errs = append(errs, w.putStamp(guardKind, w.id.Name, g), w.disarm(ctx))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("undo: %w", err)
	}
	return nil
}

func (w *work) restore(ctx context.Context, t *trial) error {
	path, _, _ := strings.Cut(w.id.Name, "#")
	if t.Before == nil {
		return errors.Join(w.removeFile(path), w.tell(ctx, t.Deactivate))
	}
	s, err := w.place(path)
	if err == nil {
		b := t.Before
		err = w.write(s, draft{content: b.Content, mode: b.Mode, uid: b.UID, gid: b.GID})
	}
	return errors.Join(err, w.tell(ctx, t.Activate))
}
