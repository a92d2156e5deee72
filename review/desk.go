package review

import (
	"context"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/sources"
)

// Fleet is the loop that a desk stands beside.
type Fleet interface {
	Status() *reconcile.Status
	Changed() <-chan struct{}
	Preview(ctx context.Context, revision string, tree fs.FS) (*reconcile.Round, error)
}

var (
	_ Fleet               = (*reconcile.Daemon)(nil)
	_ reconcile.Companion = (*Desk)(nil)
)

// Desk speaks on a forge for one inventory.
type Desk struct {
	Inventory string
	Branch    string // that is followed; "" means the main branch of the repository
	Several   bool   // other inventories come from the same repository, and have marks of their own
	Board     sources.Board
	Merger    sources.Merger
	Drafter   sources.Drafter // nil pushes nothing
	Fleet     Fleet
	Metrics   *reconcile.Metrics // nil counts nothing
	Log       *slog.Logger
	Every     time.Duration // between looks at the pull requests; 0 means half a minute

	wake   chan struct{} // capacity one
	told   map[int64]key // what was last said of each open pull request
	mark   sources.Mark  // what was last said of the newest revision
	of     string        // that revision
	pushed string        // the bad revision whose revert was pushed
	draft  string        // and offered
	said   string        // the last error in the log
	listed time.Time     // when the pull requests were last looked at
}

// key is what a plan depends on.
type key struct{ head, base, plan string }

const (
	usualEvery = 30 * time.Second
	firstWait  = 2 * time.Second
	lastWait   = 5 * time.Minute
	callTime   = 2 * time.Minute // for all of one look
	maxPulls   = 100
)

// New prepares a desk.
func New(d Desk) *Desk {
	if d.Every <= 0 {
		d.Every = usualEvery
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	d.wake, d.told = make(chan struct{}, 1), map[int64]key{}
	return &d
}

// Wake has the pull requests looked at now.
func (d *Desk) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Serve speaks until ctx ends.
func (d *Desk) Serve(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		changed := d.Fleet.Changed()
		err := d.look(ctx)
		if ctx.Err() != nil {
			return
		}
		d.complain(err)
		if err == nil {
			failures = 0
			d.rest(ctx, d.Every, changed)
			continue
		}
		failures++
		d.rest(ctx, min(lastWait, firstWait<<min(failures-1, 10)), nil)
	}
}

// complain tells the log of an error once.
func (d *Desk) complain(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != d.said && err != nil {
		d.Log.LogAttrs(context.Background(), slog.LevelWarn, "what is to be said on the forge cannot be said", slog.Any("err", err))
	} else if text != d.said {
		d.Log.LogAttrs(context.Background(), slog.LevelInfo, "the forge answers again")
	}
	d.said = text
}

// rest waits for a reason to look again.
func (d *Desk) rest(ctx context.Context, wait time.Duration, changed <-chan struct{}) {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-d.wake:
		d.listed = time.Time{}
	case <-changed:
	case <-t.C:
		d.listed = time.Time{}
	}
}

// look says what is news.
func (d *Desk) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	s := d.Fleet.Status()
	if err := d.converge(ctx, s); err != nil {
		return err
	}
	if err := d.revert(ctx, s); err != nil {
		return err
	}
	if !d.listed.IsZero() || s.Round() == nil {
		return nil
	}
	if err := d.pulls(ctx, s); err != nil {
		return err
	}
	d.listed = time.Now()
	return nil
}

// counted counts a call.
func (d *Desk) counted(call string, err error) error {
	d.Metrics.Reviewed(d.Inventory, call, err)
	return err
}
