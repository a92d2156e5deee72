package exectest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

func (b *bench) whole(s Sample) {
	b.need(s)
	b.try(b.life(s))
}

// way is what becomes of a sample.
func (s Sample) way() []resource.Spec {
	if slices.Contains(s.Never, nil) {
		return s.Specs
	}
	return append(slices.Clone(s.Specs), nil)
}

// others are an update and a removal that would still have an effect where the sample is now.
func (s Sample) others(now resource.Spec) (list []resource.Spec) {
	for _, want := range s.way() {
		if differs(want, now) != nil && (want == nil || len(list) == 0) {
			list = append(list, want)
		}
	}
	return list
}

// life takes a sample from what is there first along its way, and tries at every stop what must not
// be done there.
func (b *bench) life(s Sample) error {
	have, err := b.holds(s.ID, s.First)
	if err == nil {
		err = b.never(s, have)
	}
	for _, want := range s.way() {
		if err != nil {
			return err
		}
		have, err = b.step(s, have, want)
	}
	return err
}

func (b *bench) step(s Sample, have, want resource.Spec) (now resource.Spec, err error) {
	c := change(s.ID, want, have)
	if err = b.e.Apply(b.ctx(), c); err != nil {
		return nil, err
	}
	if now, err = b.holds(s.ID, want); err != nil {
		return nil, err
	}
	return now, errors.Join(b.again(c, now), b.late(s, have, now), b.never(s, now))
}

// vain applies a change that must come to nothing, and gives what was said about it.
func (b *bench) vain(c diff.Change, now resource.Spec) (said, broken error) {
	said = b.e.Apply(b.ctx(), c)
	after, broken := b.look(c.ID)
	if broken == nil && !reflect.DeepEqual(after, now) {
		broken = fmt.Errorf("%s %s changed %+v to %+v", c.Action, c.ID, now, after)
	}
	return said, broken
}

// again applies a change a second time: the world has moved, by the change itself. To find it done is
// right, too; to change anything is not.
func (b *bench) again(c diff.Change, now resource.Spec) error {
	said, broken := b.vain(c, now)
	if said != nil && !errors.Is(said, executors.ErrMoved) {
		broken = errors.Join(broken, fmt.Errorf("%s %s, a second time: %w", c.Action, c.ID, said))
	}
	return broken
}

// late applies what somebody may have planned while have was still there.
func (b *bench) late(s Sample, have, now resource.Spec) (broken error) {
	for _, want := range s.others(now) {
		if s.Late || want == nil && have == nil || reflect.DeepEqual(have, now) {
			continue
		}
		said, err := b.vain(change(s.ID, want, have), now)
		if !errors.Is(said, executors.ErrMoved) {
			err = errors.Join(err, fmt.Errorf("%s: a late change to %+v was answered with %q", s.ID, want, fmt.Sprint(said)))
		}
		broken = errors.Join(broken, err)
	}
	return broken
}

// never tries what the sample is not to become. To say that the world has moved would be untrue.
func (b *bench) never(s Sample, now resource.Spec) (broken error) {
	for _, want := range s.Never {
		if differs(want, now) == nil {
			continue
		}
		said, err := b.vain(change(s.ID, want, now), now)
		if said == nil || errors.Is(said, executors.ErrMoved) {
			err = errors.Join(err, fmt.Errorf("%s: becoming %+v was answered with %q", s.ID, want, fmt.Sprint(said)))
		}
		broken = errors.Join(broken, err)
	}
	return broken
}
