package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/pigsync/pigsync/resource"
)

const firewallKind = "firewall"

// rules are what we have asked of a firewall.
type rules struct {
	trusted []string
	ports   []int
}

func rulesOf(f resource.Firewall) rules { return rules{f.Trusted, f.Ports} }

func (r rules) sorted() rules {
	return rules{slices.Compact(slices.Sorted(slices.Values(r.trusted))), slices.Compact(slices.Sorted(slices.Values(r.ports)))}
}

func (r rules) empty() bool { return len(r.trusted)+len(r.ports) == 0 }

func (r rules) equal(o rules) bool {
	r, o = r.sorted(), o.sorted()
	return slices.Equal(r.trusted, o.trusted) && slices.Equal(r.ports, o.ports)
}

// family is 4 or 6: the tools keep them apart.
func family(network string) int {
	if p, err := netip.ParsePrefix(network); err == nil && p.Addr().Is6() {
		return 6
	}
	return 4
}

// wall is a tool that sets up the firewall of a node. It keeps what it is told for the next start.
type wall interface {
	name() string
	installed(v *view) (bool, error)
	on(v *view) (bool, error)                        // it is to filter after the next start
	kept(v *view) (rules, error)                     // ours, as after the next start
	live(v *view, r rules) (bool, error)             // it filters, and our rules are exactly these
	put(ctx context.Context, w *work, r rules) error // make it filter, and exactly these ours
	off(ctx context.Context, w *work) error          // nothing of ours, and it does not filter
}

// walls are the tools, in the order in which they are thought to be in charge.
var walls = []wall{firewalld{}, ufw{}, nftables{}}

// inCharge is the tool that is on, or that would be switched on: on Debian ufw before firewalld, which
// others bring along. nil is none.
func (v *view) inCharge() (wall, error) {
	var there []wall
	for _, t := range walls {
		installed, err := t.installed(v)
		if err != nil {
			return nil, err
		}
		if !installed {
			continue
		}
		there = append(there, t)
		if on, err := t.on(v); err != nil || on {
			return t, err
		}
	}
	format, err := v.packageFormat()
	if err != nil || len(there) == 0 {
		return nil, err
	}
	if slices.Contains(there, wall(ufw{})) && format == "deb" {
		return ufw{}, nil
	}
	return there[0], nil
}

// firewallStamp remembers what is ours, and what was there before it.
type firewallStamp struct {
	Ours   bool
	Before map[string]bool // by tool: whether it filtered when we came
	Taken  []string        // rules of ours that others had made before us
	Trial  *firewallTrial  `json:",omitempty"`
}

// firewallTrial is a change that nobody has confirmed yet.
type firewallTrial struct {
	Was  resource.Firewall
	Ours bool // before the change
	Gone bool // the change gives the firewall back
	Due  time.Time
}

func (v *view) firewallStamp() (s firewallStamp, err error) {
	err = v.stamp(firewallKind, "node", &s)
	return s, err
}

// seeFirewall is nothing as long as nothing is ours. While a change waits for its confirmation nothing
// is known, as with a guarded file.
func (v *view) seeFirewall() (resource.Spec, error) {
	s, err := v.firewallStamp()
	if err != nil {
		return nil, err
	}
	if t := s.Trial; t != nil && v.l.now().Before(t.Due) {
		return nil, fmt.Errorf("a change waits to be confirmed, or undoes itself at %s", t.Due.Format(time.TimeOnly))
	}
	if !s.Ours && s.Trial == nil {
		return nil, nil
	}
	f, err := v.firewall()
	f.Confirmed = s.Trial == nil
	return f, err
}

// firewall is what is asked of the tool in charge, and whether that is all there is.
func (v *view) firewall() (f resource.Firewall, err error) {
	t, err := v.inCharge()
	if err != nil || t == nil {
		return resource.Firewall{Live: err == nil}, err
	}
	if f.On, err = t.on(v); err != nil {
		return f, err
	}
	kept, err := t.kept(v)
	if err != nil {
		return f, err
	}
	kept = kept.sorted()
	f.Tool, f.Trusted, f.Ports, f.Live = t.name(), kept.trusted, kept.ports, true
	if f.On {
		if f.Live, err = t.live(v, kept); err != nil {
			return f, err
		}
	}
	left, err := v.leftBehind(t)
	f.Live = f.Live && !left
	return f, err
}

// leftBehind tells whether a tool that is not in charge has anything of ours.
func (v *view) leftBehind(in wall) (bool, error) {
	for _, t := range walls {
		if t == in {
			continue
		}
		if r, err := t.kept(v); err != nil || !r.empty() {
			return true, err
		}
	}
	return false, nil
}

func (w *work) makeFirewall(ctx context.Context, want resource.Firewall, have resource.Spec) error {
	return w.tryFirewall(ctx, have, firewallTrial{}, func() error {
		if err := w.setFirewall(ctx, want); err != nil {
			return err
		}
		now, err := w.firewall()
		now.Confirmed = want.Confirmed
		if d := want.Compare(now); err == nil && len(d) > 0 {
			err = fmt.Errorf("was done without effect on %s", paths(d))
		}
		return err
	})
}

// removeFirewall takes our rules away. A tool that did not filter before us does not after us: what it
// would filter without our rules nobody has asked it to.
func (w *work) removeFirewall(ctx context.Context, _, have resource.Spec) error {
	return w.tryFirewall(ctx, have, firewallTrial{Gone: true}, func() error {
		s, err := w.firewallStamp()
		if err != nil {
			return err
		}
		t, err := w.inCharge()
		if err != nil || t == nil {
			return err
		}
		return w.setFirewall(ctx, resource.Firewall{On: s.Before[t.name()] && t.name() != nftables{}.name()})
	})
}

// tryFirewall changes the firewall on trial: the timer that undoes it runs before anything is touched.
func (w *work) tryFirewall(ctx context.Context, have resource.Spec, t firewallTrial, change func() error) error {
	s, err := w.firewallStamp()
	if err != nil {
		return err
	}
	if err := w.arm(ctx, defaultGrace); err != nil {
		return errors.Join(fmt.Errorf("no timer, no change: %w", err), w.disarm(ctx))
	}
	if h, ours := have.(resource.Firewall); ours {
		t.Was = h
	} else if t.Was, err = w.firewall(); err != nil {
		return errors.Join(err, w.disarm(ctx))
	}
	t.Ours, t.Due = s.Ours, w.l.now().Add(defaultGrace)
	s.Trial, s.Ours = &t, true
	if s.Before == nil {
		s.Before = map[string]bool{}
	}
	if _, known := s.Before[t.Was.Tool]; !known {
		s.Before[t.Was.Tool] = t.Was.On
	}
	if err := w.putStamp(firewallKind, "node", s); err != nil {
		return err
	}
	if err := change(); err != nil {
		return errors.Join(err, w.undoFirewall(ctx))
	}
	return nil
}

var errNoWall = errors.New("neither firewalld nor ufw nor nftables is installed")

// setFirewall makes it so with the tool in charge, and leaves nothing of ours with the others.
func (w *work) setFirewall(ctx context.Context, want resource.Firewall) error {
	in, err := w.inCharge()
	if err != nil {
		return err
	}
	if in == nil && want.On {
		return errNoWall
	}
	if want.On {
		if err := in.put(ctx, w, rulesOf(want)); err != nil {
			return fmt.Errorf("%s: %w", in.name(), err)
		}
	}
	for _, t := range walls {
		if want.On && t == in {
			continue
		}
		if err := w.without(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t.name(), err)
		}
	}
	return nil
}

// without switches a tool off that is on, or has anything of ours.
func (w *work) without(ctx context.Context, t wall) error {
	on, err := t.on(w.view)
	if err != nil {
		return err
	}
	r, err := t.kept(w.view)
	if err != nil || !on && r.empty() {
		return err
	}
	return t.off(ctx, w)
}

func (w *work) confirmFirewall(ctx context.Context) error {
	s, err := w.firewallStamp()
	if err != nil {
		return err
	}
	t := s.Trial
	if t == nil {
		return errors.New("too late, it has undone itself")
	}
	if err := w.disarm(ctx); err != nil {
		return err
	}
	if t.Gone {
		return w.dropStamp(firewallKind, "node")
	}
	s.Trial = nil
	return w.putStamp(firewallKind, "node", s)
}

// undoFirewall restores what was there. It goes on after an error: each part brings somebody back.
func (w *work) undoFirewall(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	s, err := w.firewallStamp()
	if err != nil || s.Trial == nil {
		return errors.Join(err, w.disarm(ctx))
	}
	errs := []error{w.setFirewall(ctx, s.Trial.Was)}
	ours := s.Trial.Ours
	if s.Trial = nil; ours {
		errs = append(errs, w.putStamp(firewallKind, "node", s))
	} else {
		errs = append(errs, w.dropStamp(firewallKind, "node"))
	}
	if err := errors.Join(append(errs, w.disarm(ctx))...); err != nil {
		return fmt.Errorf("undo: %w", err)
	}
	return nil
}
