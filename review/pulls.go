package review

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/sources"
)

// pulls says what each open pull request would do, where that is not said yet.
func (d *Desk) pulls(ctx context.Context, s *reconcile.Status) error {
	open, err := d.Board.Open(ctx)
	if d.counted("list", err) != nil {
		return err
	}
	ours := map[int64]sources.Pull{}
	for _, p := range open {
		if d.follows(p) && len(ours) < maxPulls {
			ours[p.Number] = p
		}
	}
	d.Metrics.Reviewing(d.Inventory, len(ours))
	for n := range d.told {
		if _, still := ours[n]; !still {
			delete(d.told, n)
		}
	}
	return d.each(ctx, ours, s)
}

// each says it of one after the other. What cannot be said of one keeps the others from nothing.
func (d *Desk) each(ctx context.Context, ours map[int64]sources.Pull, s *reconcile.Status) (err error) {
	for _, n := range slices.Sorted(maps.Keys(ours)) {
		now := key{ours[n].Head, s.Revision, s.Plan.Digest()}
		if d.told[n] == now {
			continue
		}
		if ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if bad := d.pull(ctx, ours[n], s); bad != nil {
			err = errors.Join(err, fmt.Errorf("pull request %d: %w", n, bad))
			continue
		}
		d.told[n] = now
	}
	return err
}

// follows tells whether a pull request is for the branch that is followed.
func (d *Desk) follows(p sources.Pull) bool {
	branch := strings.TrimPrefix(d.Branch, "refs/heads/")
	if branch == "" {
		branch = p.Main
	}
	return p.Into == branch
}

// saying is what is to be said of a pull request.
type saying struct {
	text  string
	fresh bool // worth a comment where there is none
	mark  sources.Mark
}

func (d *Desk) pull(ctx context.Context, p sources.Pull, s *reconcile.Status) error {
	m, err := d.Merger.Merge(ctx, p.Ref)
	if d.counted("merge", refusedIsAnswer(err)) != nil {
		return err
	}
	say, err := d.judge(ctx, p, m, err, s)
	if d.counted("plan", err) != nil {
		return err
	}
	say.mark.Name = d.name(PlanMark)
	if err := d.counted("comment", d.Board.Say(ctx, p.Number, "pigsync:plan:"+d.Inventory, d.heading(m)+say.text, say.fresh)); err != nil {
		return err
	}
	return d.counted("status", d.Board.Mark(ctx, p.Head, say.mark))
}

// refusedIsAnswer is nil for what a pull request itself is to blame for.
func refusedIsAnswer(err error) error {
	if errors.Is(err, sources.ErrRefused) {
		return nil
	}
	return err
}

func (d *Desk) heading(m sources.Merge) string {
	text := "### pigsync: " + d.Inventory + "\n\n"
	if m.Head != "" {
		text += fmt.Sprintf("What merging %s into %s would do.\n\n", sources.Short(m.Head), sources.Short(m.Base))
	}
	return text
}

// judge makes what is to be said of a merge.
func (d *Desk) judge(ctx context.Context, p sources.Pull, m sources.Merge, bad error, s *reconcile.Status) (saying, error) {
	wrong := func(line, text string) (saying, error) {
		return saying{text: text, fresh: true, mark: sources.Mark{Standing: sources.Failure, Text: line}}, nil
	}
	switch {
	case bad != nil:
		return wrong("not taken", "It is not taken: "+reconcile.MarkdownText(bad.Error())+"\n")
	case len(m.Conflicts) > 0:
		return wrong("it cannot be merged", "It cannot be merged: both sides changed the same lines of "+
			reconcile.MarkdownText(strings.Join(m.Conflicts, ", "))+".\n")
	case len(m.Changed) == 0:
		return saying{text: "It does not touch the inventory.\n", mark: sources.Mark{Standing: sources.Success, Text: "does not touch the inventory"}}, nil
	}
	round, err := d.Fleet.Preview(ctx, p.Head, m.Tree)
	var refused *reconcile.Refused
	switch {
	case errors.As(err, &refused):
		return wrong("the inventory has errors: "+refused.Error(), "The inventory could not be acted on:\n\n"+
			reconcile.MarkdownProblems(reconcile.Problems(refused.Problems)))
	case errors.Is(err, reconcile.ErrStarting), ctx.Err() != nil:
		return saying{}, err
	case err != nil:
		return wrong("there is no plan", "There is no plan: "+reconcile.MarkdownText(err.Error())+"\n")
	}
	return planned(round, s), nil
}

// planned is what is said of a plan. A step that would not be done is no reason to merge.
func planned(round *reconcile.Round, s *reconcile.Status) saying {
	v := reconcile.NewReview(round, s.Round())
	say := saying{text: v.Text, fresh: v.Steps > 0, mark: sources.Mark{Standing: sources.Success, Text: v.Line}}
	if v.Denied > 0 {
		say.mark.Standing = sources.Failure
	}
	if problems := reconcile.Problems(round.Problems); len(problems) > 0 {
		say.text += "\n" + reconcile.MarkdownProblems(problems)
	}
	return say
}
