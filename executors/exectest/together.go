package exectest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pigsync/pigsync/executors"
)

// gather runs n functions at once and joins their errors.
func gather(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// together lets all samples live at once, while somebody looks at them all the time.
func (b *bench) together() {
	for _, s := range b.o.Samples {
		b.need(s)
	}
	ctx, cancel := context.WithCancel(b.ctx())
	seen := make(chan error, 1)
	go func() { seen <- b.watch(ctx) }()
	err := gather(len(b.o.Samples), func(i int) error { return b.life(b.o.Samples[i]) })
	cancel()
	b.try(errors.Join(err, <-seen))
}

// watch looks until ctx ends. What comes and goes is never unknown for that.
func (b *bench) watch(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond) // it shares its processor with those who make the changes
	defer tick.Stop()
	for ; ctx.Err() == nil; <-tick.C {
		seen := b.e.Observe(b.Context(), b.ids())
		for _, id := range b.ids() {
			if s, ok := seen[id]; !ok || s.Err != nil {
				return fmt.Errorf("%s was seen as %v, %w", id, ok, s.Err)
			}
		}
	}
	return nil
}

// race makes each first change several times at once: one is enough.
func (b *bench) race() {
	for _, c := range b.firsts() {
		done := make(chan bool, racers)
		err := gather(racers, func(int) error {
			err := b.e.Apply(b.ctx(), c)
			done <- err == nil
			return unless(err, executors.ErrMoved)
		})
		made := false
		for range racers {
			made = <-done || made
		}
		if err != nil || !made {
			b.Errorf("%s: made %v, %v", c.ID, made, err)
		}
		_, err = b.holds(c.ID, c.Spec)
		b.try(err)
	}
}

const racers = 4

func unless(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
