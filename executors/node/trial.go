package node

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/pigsync/pigsync/resource"
)

// ending is how a change ends that was made on trial, with a timer that undoes it.
type ending struct {
	confirm, undo func(*work, context.Context) error
}

// trials are the kinds whose changes may cut the hand off.
var trials = map[resource.Kind]ending{
	resource.KindGuarded:  {(*work).confirmGuarded, (*work).undoGuarded},
	resource.KindFirewall: {(*work).confirmFirewall, (*work).undoFirewall},
}

func onTrial(id resource.ID) bool { return trials[id.Kind].confirm != nil }

// Confirm makes a trial final. It is asked for over a connection that was opened after the change,
// which proves that the change has locked nobody out.
func (l *Local) Confirm(ctx context.Context, id resource.ID) error {
	end := trials[id.Kind].confirm
	if end == nil {
		return fmt.Errorf("confirm %s: it is never on trial", id)
	}
	if err := l.alone(ctx, id, func(w *work) error { return end(w, ctx) }); err != nil {
		return fmt.Errorf("confirm %s: %w", id, plain(err))
	}
	return nil
}

// Undo takes back a change that nobody confirmed: of a guarded file, by its path, or of what has another
// name. The timer calls it.
func (l *Local) Undo(ctx context.Context, name string) error {
	id := resource.ID{Kind: resource.KindGuarded, Name: name}
	if !strings.HasPrefix(name, "/") {
		id = resource.ID{Kind: resource.Kind(name), Name: "node"}
	}
	end := trials[id.Kind].undo
	if end == nil {
		return fmt.Errorf("undo %s: it is never on trial", name)
	}
	return l.alone(ctx, id, func(w *work) error { return end(w, ctx) })
}

// alone ends a trial, with nobody else at it: the timer's process and a helper may
// both want to.
func (l *Local) alone(ctx context.Context, id resource.ID, end func(*work) error) error {
	defer l.held.lock(lockName(id))()
	w := &work{view: l.look(ctx, nil), id: id, log: l.log()}
	defer w.close()
	dir, err := w.state("stamps")
	if err != nil {
		return err
	}
	f, err := dir.OpenFile("guarded.lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer shut(f)
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	return end(w)
}
