package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/pigsync/pigsync/executors"
)

// writing opens a session for a change of one database.
func (l *Look) writing(database string, change func(context.Context, *session) error) error {
	s, err := l.connect(l.ctx, database, false)
	if err != nil {
		return err
	}
	defer s.close()
	return change(l.ctx, s)
}

var errStandby = errors.New("the cluster follows another one: what is in it comes from there")

// leading opens a session for a change of what is inside the cluster: the server must take writes. That
// it does is asked in the very session that writes.
func (l *Look) leading(database string, change func(context.Context, *session) error) error {
	if err := l.leads(); err != nil {
		return fmt.Errorf("%w: %w", executors.ErrMoved, err)
	}
	return l.writing(database, func(ctx context.Context, s *session) error {
		var recovery bool
		if err := s.ask(ctx, &recovery, "SELECT to_json(pg_is_in_recovery())"); err != nil {
			return err
		}
		if recovery {
			return errStandby
		}
		return change(ctx, s)
	})
}

// run makes statements true in one transaction.
func (l *Look) run(database string, statements []string) error {
	if len(statements) == 0 {
		return nil
	}
	return l.leading(database, func(ctx context.Context, s *session) error { return s.together(ctx, statements...) })
}
