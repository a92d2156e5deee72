package review

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/sources"
)

// The names of the statuses.
const (
	PlanMark     = "pigsync/plan"
	ConvergeMark = "pigsync/converge"
)

// converge says of the newest revision what became of it.
func (d *Desk) converge(ctx context.Context, s *reconcile.Status) error {
	if s.Revision == "" || s.State == reconcile.Starting {
		return nil
	}
	m := d.markOf(s)
	if d.of == s.Revision && d.mark == m {
		return nil
	}
	if err := d.counted("status", d.Board.Mark(ctx, s.Revision, m)); err != nil {
		return err
	}
	d.of, d.mark = s.Revision, m
	return nil
}

// markOf is how a status stands as a forge knows it. Its text changes with the state only: a forge is no log.
func (d *Desk) markOf(s *reconcile.Status) sources.Mark {
	m := sources.Mark{Name: d.name(ConvergeMark), Standing: sources.Pending, Text: string(s.State)}
	switch s.State {
	case reconcile.InSync:
		m.Standing, m.Text = sources.Success, "the fleet is as this commit says"
		if s.Drift {
			m.Text = "the fleet was as this commit says"
		}
	case reconcile.Converging, reconcile.Starting:
		m.Text = "the fleet is being brought there"
	case reconcile.OnHold:
		m.Text = "something waits for somebody, or for its time"
	case reconcile.Unknown:
		m.Text = "something cannot be seen"
	case reconcile.Failing:
		m.Standing, m.Text = sources.Failure, "what was tried did not succeed"
	case reconcile.Rejected:
		m.Standing, m.Text = sources.Failure, "the commit cannot be acted on: "+s.Error
	case reconcile.Isolated:
		m.Standing, m.Text = sources.Failure, "in quarantine: "+s.Quarantine.Reason
	}
	return m
}

// name is a mark's, with the inventory where one repository has several.
func (d *Desk) name(mark string) string {
	if d.Several {
		return mark + "/" + d.Inventory
	}
	return mark
}

// revert offers to take a bad revision back in the repository, too.
func (d *Desk) revert(ctx context.Context, s *reconcile.Status) error {
	q := s.Quarantine
	if q == nil || d.Drafter == nil || d.draft == q.Revision {
		return nil
	}
	branch := "pigsync/revert-" + sources.Short(q.Revision)
	title := "Revert " + sources.Short(q.Revision)
	text := fmt.Sprintf("%s is in quarantine: %s\n\nThe fleet is kept at %s. This takes the inventory back to it.\n", q.Revision, q.Reason, q.Return)
	if d.pushed != q.Revision {
		_, err := d.Drafter.Push(ctx, sources.Draft{Branch: branch, On: q.Revision, Like: q.Return, Message: title + "\n\n" + text})
		if errors.Is(err, sources.ErrExists) {
			d.draft = q.Revision // it was offered before this process began
			return nil
		}
		if d.counted("propose", err) != nil {
			return err
		}
		d.pushed = q.Revision
	}
	if into := strings.TrimPrefix(d.Branch, "refs/heads/"); into != "" {
		if err := d.counted("propose", d.Board.Propose(ctx, branch, into, title, reconcile.MarkdownText(text))); err != nil {
			return err
		}
	}
	d.draft = q.Revision
	return nil
}
