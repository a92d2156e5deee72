package postgres

import (
	"context"
	"errors"
	"time"
)

const (
	proofPatience = 30 * time.Second
	lookAgain     = 100 * time.Millisecond
)

// until waits until Patroni says what should be, and says in vain what it waited for.
func (l *Look) until(holds func(status) bool, vain string) error {
	return l.await(vain, func(ctx context.Context) (bool, error) {
		s, err := l.askStatus()
		return err == nil && holds(s), err
	})
}

// await looks again and again.
func (l *Look) await(vain string, look func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(l.ctx, proofPatience)
	defer cancel()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		held, err := look(ctx)
		if held {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(errors.New(vain), err)
		}
	}
}
