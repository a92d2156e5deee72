package postgres

import (
	"context"
	"errors"
	"time"
)

const (
	proofPatience = 30 * time.Second
	// The first looks come soon after each other: most of what is awaited takes milliseconds. Each pause is twice
	// the one before, up to the longest.
	firstPause   = 5 * time.Millisecond
	longestPause = 100 * time.Millisecond
	// A question to a server costs a fraction of one to Patroni.
	longestSQL = 15 * time.Millisecond
)

// until waits until Patroni says what should be, and says in vain what it waited for.
func (l *Look) until(holds func(status) bool, vain string) error {
	return l.untilWithin(proofPatience, holds, vain)
}

func (l *Look) untilWithin(limit time.Duration, holds func(status) bool, vain string) error {
	return l.awaitWithin(limit, longestPause, vain, func(ctx context.Context) (bool, error) {
		s, err := l.askStatus()
		return err == nil && holds(s), err
	})
}

// await looks again and again.
func (l *Look) await(vain string, look func(context.Context) (bool, error)) error {
	return l.awaitWithin(proofPatience, longestPause, vain, look)
}

func (l *Look) awaitWithin(limit, longest time.Duration, vain string, look func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(l.ctx, limit)
	defer cancel()
	pause := time.NewTimer(0)
	<-pause.C
	defer pause.Stop()
	for wait := firstPause; ; wait = min(2*wait, longest) {
		held, err := look(ctx)
		if held {
			return nil
		}
		pause.Reset(wait)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return errors.Join(errors.New(vain), err)
		}
	}
}
