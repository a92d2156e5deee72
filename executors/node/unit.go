package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

const (
	// jobTimeout bounds the start, stop or restart of a unit. An etcd that waits for its peers at a
	// bootstrap takes its time.
	jobTimeout = 90 * time.Second
	// askTimeout bounds one question to systemd.
	askTimeout = 20 * time.Second
	// settlePoll is how often a unit is looked at while it settles.
	settlePoll = 250 * time.Millisecond
	// tick is the coarseness of a file's times: what was changed so shortly before a start may have
	// been changed after it.
	tick = 10 * time.Millisecond
)

// unitStamp is what a unit was started with. It is written twice: before the start without the
// invocation, and after it. Dying in between loses nothing, since a process that began after Since
// and after the files were last changed has read them.
type unitStamp struct {
	Unit       string
	Inputs     string
	Conf       string    // as of the start, or of the last reload
	Invocation string    // "" until the start is known to have worked
	Since      time.Time // before the start
	Loads      []loaded
	Gone       bool // we took the unit away; its file is somebody else's
}

// loaded is a file and the digest it had before the start, "" for none.
type loaded struct {
	resource.Load
	Sum string
	// Written is when what is behind Conf was last written. It tells of a file that was away for a while,
	// during which the program may have been told to read again.
	Written time.Time `json:",omitzero"`
}

func (l *Local) readUnits(ctx context.Context, names []string) (map[string]UnitState, error) {
	if l.Systemd == nil {
		return nil, errors.New("there is no systemd here")
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	units, err := l.Systemd.Units(ctx, names)
	for name, s := range units {
		s.Stale = s.Stale || l.overridden(name, s)
		units[name] = s
	}
	return units, err
}

// overridden tells whether systemd knows a unit by another file than the one the administrator put
// in its place since: it notices when the file it has read changes, not when another one comes.
func (l *Local) overridden(name string, s UnitState) bool {
	const local = "etc/systemd/system/"
	own := local + unitFile(name)
	info, err := l.Root.Lstat(own)
	return err == nil && info.Mode().IsRegular() && s.Fragment != "" && s.Fragment != "/"+own
}

func (s UnitState) running() bool {
	return s.Active == "active" || s.Active == "reloading" || s.Active == "refreshing"
}

// enabled counts what cannot be enabled as enabled.
func (s UnitState) enabled() bool {
	switch s.File {
	case "enabled", "enabled-runtime", "static", "indirect", "generated", "transient", "alias", "linked", "linked-runtime":
		return true
	}
	return false
}

// switched tells whether the unit is enabled by something that can be undone.
func (s UnitState) switched() bool { return s.File == "enabled" || s.File == "enabled-runtime" }

// there tells whether there is such a unit; one whose file has gone while it runs is there.
func (s UnitState) there() bool { return s.Load != "not-found" || s.running() }

func (v *view) seeUnit(name string) (resource.Spec, error) {
	units, err := v.units()
	if err != nil {
		return nil, err
	}
	s := units[name]
	if s.Load == "error" || s.Load == "bad-setting" {
		return nil, fmt.Errorf("systemd cannot read the unit file: LoadState=%s", s.Load)
	}
	var stamp unitStamp
	if err := v.stamp("unit", name, &stamp); err != nil {
		return nil, err
	}
	u := resource.Unit{Active: s.running(), Enabled: s.enabled(), Stale: s.Stale}
	if !s.there() || stamp.Gone && !u.Active && !s.switched() {
		return nil, nil
	}
	if u.Active {
		u.Inputs, u.Noted, err = v.inputs(stamp, s)
	}
	if err == nil && u.Active {
		u.Conf, err = v.conf(stamp, s)
	}
	return u, err
}

func (w *work) makeUnit(ctx context.Context, want resource.Unit, _ resource.Spec) error {
	s, err := w.known(ctx)
	if err != nil {
		return err
	}
	if s.enabled() != want.Enabled {
		if err := w.enable(ctx, s, want.Enabled); err != nil {
			return err
		}
	}
	switch {
	case !want.Active:
		return w.halt(ctx, s)
	case !s.running():
		return w.start(ctx, want, s)
	}
	return w.refresh(ctx, want, s)
}

// known makes sure that systemd knows the unit as it is on disk.
func (w *work) known(ctx context.Context) (UnitState, error) {
	s, err := w.unit(ctx)
	if err == nil && (s.Stale || s.Load == "not-found") {
		if err = w.do(ctx, Reload); err == nil {
			s, err = w.unit(ctx)
		}
	}
	switch {
	case err != nil:
	case s.Load == "masked":
		err = errors.New("somebody has masked it: systemctl unmask")
	case s.Load == "not-found":
		err = errors.New("systemd finds no such unit file")
	}
	return s, err
}

func (w *work) unit(ctx context.Context) (UnitState, error) {
	units, err := w.l.readUnits(ctx, []string{w.id.Name})
	return units[w.id.Name], err
}

func (w *work) do(ctx context.Context, verb Verb) error {
	ctx, cancel := context.WithTimeout(ctx, jobTimeout)
	defer cancel()
	if err := w.l.Systemd.Do(ctx, verb, w.id.Name); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

func (w *work) enable(ctx context.Context, s UnitState, on bool) error {
	verb := Enable
	switch {
	case !on && s.File == "enabled-runtime":
		verb = DisableRuntime
	case !on:
		verb = Disable
	}
	if err := w.do(ctx, verb); err != nil {
		return err
	}
	return w.do(ctx, Reload)
}

// untilEnd is how long passes between looks at a unit that is being stopped.
const untilEnd = 100 * time.Millisecond

// start starts or restarts the unit and stamps it. A start that goes on is joined when it reads what it
// should, and begun anew when it does not.
func (w *work) start(ctx context.Context, want resource.Unit, s UnitState) error {
	s, err := w.letEnd(ctx, s)
	if err != nil {
		return err
	}
	stamp, joined, err := w.underWay(want, s)
	if err == nil && !joined {
		stamp, err = w.intend(want)
	}
	if err != nil {
		return err
	}
	verb := Start
	if s.running() || s.Active == "activating" && want.Inputs != "" && !joined {
		verb = Restart
	}
	if s.Active == "failed" { // or systemd may refuse to start it so soon
		if err := w.do(ctx, ResetFailed); err != nil {
			return err
		}
	}
	w.log.InfoContext(ctx, "unit job", slog.Any("id", w.id), slog.String("verb", string(verb)))
	if err := w.do(ctx, verb); err != nil {
		return w.why(ctx, err)
	}
	return w.settled(ctx, stamp, time.Duration(want.Settle)*time.Second)
}

// letEnd waits until a stop that somebody has begun is over: a start meanwhile would cancel his job. What runs again
// after it is not what was to be started.
func (w *work) letEnd(ctx context.Context, s UnitState) (UnitState, error) {
	began := s.Active
	for s.Active == "deactivating" {
		rest(ctx, untilEnd)
		var err error
		if s, err = w.unit(ctx); err != nil || ctx.Err() != nil {
			return s, cmp.Or(err, ctx.Err())
		}
	}
	if began == "deactivating" && s.Active != "inactive" && s.Active != "failed" {
		return s, executors.ErrMoved
	}
	return s, nil
}

// underWay gives the stamp of a start that goes on, of a helper whose controller was killed or of the
// boot, if what starts has read what it should have. That stamp must stay: one made now would be
// younger than the process, and prove nothing.
func (w *work) underWay(want resource.Unit, s UnitState) (stamp unitStamp, ok bool, err error) {
	if s.Active != "activating" || want.Inputs == "" {
		return stamp, false, nil
	}
	if err := w.stamp("unit", w.id.Name, &stamp); err != nil {
		return stamp, false, err
	}
	inputs, _, err := w.inputs(stamp, s)
	if err != nil {
		return stamp, false, err
	}
	conf, err := w.conf(stamp, s)
	stamp.Invocation = ""
	return stamp, inputs == want.Inputs && conf == want.Conf, err
}

// intend writes the first half of the stamp, with the files as they are before the start.
func (w *work) intend(want resource.Unit) (unitStamp, error) {
	stamp := unitStamp{Unit: w.id.Name, Inputs: want.Inputs, Conf: want.Conf, Since: w.l.now().Truncate(time.Microsecond)}
	var err error
	if stamp.Loads, err = w.sums(want); err != nil {
		return stamp, err
	}
	return stamp, w.putStamp("unit", w.id.Name, stamp)
}

// settled waits for as long as the unit must stay up, and writes the second half of the stamp.
func (w *work) settled(ctx context.Context, stamp unitStamp, settle time.Duration) error {
	end := time.NewTimer(settle)
	defer end.Stop()
	poll := time.NewTicker(settlePoll)
	defer poll.Stop()
	for last := false; ; {
		s, err := w.unit(ctx)
		if err != nil {
			return err
		}
		if stamp.Invocation == "" {
			stamp.Invocation = s.Invocation
		}
		if !s.running() || s.Invocation != stamp.Invocation {
			return w.why(ctx, errors.New("it did not stay up"))
		}
		if last || settle == 0 {
			return w.putStamp("unit", w.id.Name, stamp)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			last = true
		case <-poll.C:
		}
	}
}

// why adds to an error what systemd says of the unit.
func (w *work) why(ctx context.Context, err error) error {
	s, ask := w.unit(context.WithoutCancel(ctx))
	if ask != nil {
		return err
	}
	return fmt.Errorf("%w; it is %s (%s), result %s: journalctl -u %s", err, s.Active, s.Sub, s.Result, w.id.Name)
}

// refresh restarts what runs with other inputs and reloads what has read another configuration; where
// only the note is about another process, the note is renewed.
func (w *work) refresh(ctx context.Context, want resource.Unit, s UnitState) error {
	var stamp unitStamp
	if err := w.stamp("unit", w.id.Name, &stamp); err != nil {
		return err
	}
	inputs, noted, err := w.inputs(stamp, s)
	if err != nil {
		return err
	}
	if inputs != want.Inputs {
		return w.start(ctx, want, s)
	}
	conf, err := w.conf(stamp, s)
	switch {
	case err != nil:
		return err
	case conf != want.Conf:
		return w.reload(ctx, want, s, stamp)
	case noted:
		return nil
	}
	next, err := w.renew(want, s)
	if err != nil {
		return err
	}
	return w.putStamp("unit", w.id.Name, next)
}

// reload makes the process read its configuration again. The stamp is written last: whoever dies before
// reloads once more, which hurts nobody.
func (w *work) reload(ctx context.Context, want resource.Unit, s UnitState, stamp unitStamp) error {
	sums, err := w.sums(want)
	if err != nil {
		return err
	}
	w.log.InfoContext(ctx, "unit job", slog.Any("id", w.id), slog.String("verb", string(ReloadUnit)))
	if err := w.do(ctx, ReloadUnit); err != nil {
		return w.why(ctx, err)
	}
	now, err := w.unit(ctx)
	if err != nil {
		return err
	}
	if !now.running() || now.Invocation != s.Invocation {
		return w.why(ctx, errors.New("it did not outlive the reload"))
	}
	stamp.Unit, stamp.Inputs, stamp.Conf = w.id.Name, want.Inputs, want.Conf
	stamp.Loads, stamp.Invocation = sums, s.Invocation
	return w.putStamp("unit", w.id.Name, stamp)
}

// restartNoted restarts another unit that has read all that it should have, so that only its program is another one.
func (w *work) restartNoted(ctx context.Context, name string) error {
	unit := w.onUnit(name)
	var stamp unitStamp
	if err := unit.stamp("unit", name, &stamp); err != nil {
		return err
	}
	stamp.Invocation, stamp.Since = "", w.l.now()
	if err := unit.putStamp("unit", name, stamp); err != nil {
		return err
	}
	if err := unit.do(ctx, Restart); err != nil {
		return unit.why(ctx, err)
	}
	return unit.settled(ctx, stamp, 0)
}

// onUnit is the same work upon a unit of the node.
func (w *work) onUnit(name string) *work {
	unit := *w
	unit.id = resource.ID{Kind: resource.KindUnit, Name: name, At: w.id.At}
	return &unit
}

// renew makes a stamp for the process that runs, if it has read all that it should have.
func (w *work) renew(want resource.Unit, s UnitState) (unitStamp, error) {
	stamp := unitStamp{Unit: w.id.Name, Inputs: want.Inputs, Conf: want.Conf, Invocation: s.Invocation, Since: s.Started}
	var err error
	if stamp.Loads, err = w.sums(want); err != nil {
		return stamp, err
	}
	for _, load := range stamp.Loads {
		if read, err := w.hasRead(load, s.Started); err != nil || !read {
			return stamp, errors.Join(executors.ErrMoved, err)
		}
	}
	return stamp, nil
}

// halt stops the unit and forgets what it was started with.
func (w *work) halt(ctx context.Context, s UnitState) error {
	if s.running() || s.Active == "activating" || s.Active == "deactivating" {
		if err := w.do(ctx, Stop); err != nil {
			return w.why(ctx, err)
		}
	}
	return w.dropStamp("unit", w.id.Name)
}

// removeUnit stops and disables the unit. Its file is a resource of its own, or a package's; until it
// goes, a stamp tells that the unit has.
func (w *work) removeUnit(ctx context.Context) error {
	s, err := w.unit(ctx)
	if err != nil {
		return err
	}
	if err := w.halt(ctx, s); err != nil {
		return err
	}
	if s.switched() {
		if err := w.enable(ctx, s, false); err != nil {
			return err
		}
	}
	// It may have failed on its way out, as an etcd does that was taken off its cluster's list.
	if s, err = w.unit(ctx); err != nil {
		return err
	}
	if s.Active == "failed" {
		if err := w.do(ctx, ResetFailed); err != nil {
			return err
		}
	}
	return w.putStamp("unit", w.id.Name, unitStamp{Unit: w.id.Name, Gone: true})
}
