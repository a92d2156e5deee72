package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	pdiff "github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/adopt"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
	"github.com/pigsync/pigsync/sources"
)

func newAdopt(o *options) *cobra.Command {
	var push bool
	cmd := &cobra.Command{
		Use:   "adopt ID|CLUSTER",
		Short: "write into the inventory what is live",
		Long: "Adopt turns around: for a resource that differs, or for all of a cluster, it edits the inventory so that it asks\n" +
			"for what is there, and shows the difference. Comments and layout stay. With --push the edit goes to a branch of\n" +
			"its own in the repository, for review; nothing else is changed, and the fleet is not touched. What no parameter\n" +
			"states, what stands for others as well, and what is secret is not written: it is named, with the reason.",
		Example: "  pigsync adopt pgconfig:postgresql/parameters/work_mem@pg-test --name prod\n  pigsync adopt pg-test --name prod --push",
		Args:    one("ID or CLUSTER"),
		RunE:    func(cmd *cobra.Command, args []string) error { return o.adopt(cmd.Context(), args[0], push) },
	}
	cmd.Flags().BoolVar(&push, "push", false, "push the edit as a branch pigsync/adopt-…, and open a pull request where a forge is configured")
	return cmd
}

func (o *options) adopt(ctx context.Context, what string, push bool) error {
	s, err := o.open(readJournal)
	if err != nil {
		return err
	}
	defer s.Close()
	rev, err := s.source.Next(ctx, "")
	if err != nil {
		return err
	}
	round, err := s.Plan(ctx, rev, nil)
	if err != nil {
		return refused(o, rev, s, err)
	}
	steps := differing(round, what)
	if len(steps) == 0 {
		return hinted{fmt.Errorf("%s: nothing of it differs", what), "pigsync plan shows what does, by its id"}
	}
	old, text, done, err := o.edited(s, rev, round, steps)
	if err != nil {
		return err
	}
	if len(done) == 0 {
		return errors.New("nothing of it can be written into the inventory")
	}
	shown := diff.Diff(s.File, old, s.File, text)
	_, unified, _ := strings.Cut(string(shown), "\n")
	if _, err := fmt.Fprint(o.stdout, unified); err != nil || !push {
		return err
	}
	return o.pushAdoption(ctx, s, rev, text, done)
}

// differing are the steps for what is meant: a resource, or all of a cluster or node.
func differing(r *reconcile.Round, what string) (steps []pdiff.Step) {
	for _, s := range r.Plan.Steps {
		_, owner, _ := strings.Cut(s.Owner, "/")
		if s.Action == pdiff.Check || s.ID.String() != what && s.Owner != what && owner != what {
			continue
		}
		steps = append(steps, s)
	}
	return steps
}

// edited is the inventory before and after; what cannot be written is told.
func (o *options) edited(s *session, rev sources.Revision, r *reconcile.Round, steps []pdiff.Step) (old, text []byte, done []string, err error) {
	if old, err = fs.ReadFile(rev.Tree, s.File); err != nil {
		return nil, nil, nil, err
	}
	text = old
	for _, step := range steps {
		made, err := turned(s, rev, r, text, step)
		if err != nil {
			fmt.Fprintf(o.stderr, "%s: not written: %v\n", step.ID, err)
			continue
		}
		text, done = made, append(done, step.ID.String())
	}
	return old, text, done, nil
}

// turned is the text of the inventory with one step the other way round.
func turned(s *session, rev sources.Revision, r *reconcile.Round, text []byte, step pdiff.Step) ([]byte, error) {
	if step.Action == pdiff.Wait {
		return nil, fmt.Errorf("it is not known how it is: %w", r.Plan.Masked(step.Err))
	}
	now := over(rev.Tree, []rewrite{{file: s.File, new: text}})
	inv, _, err := inventory.Reload(nil, now, s.File, s.Access)
	if err != nil {
		return nil, err
	}
	f := adopt.Found{ID: step.ID, Have: step.Have}
	for _, field := range step.Fields {
		f.Fields = append(f.Fields, field.Path)
		if have := r.Plan.Shown(pdiff.Change{Resource: step.Resource, Fields: step.Fields}); !slices.ContainsFunc(have, func(g resource.Field) bool { return g.Have == field.Have }) {
			return nil, errors.New("it holds what is secret")
		}
	}
	edits, err := adopt.Edits(inv, f)
	if err != nil {
		return nil, err
	}
	return inventory.Apply(s.File, text, edits...)
}

func (o *options) pushAdoption(ctx context.Context, s *session, rev sources.Revision, text []byte, done []string) error {
	d, ok := s.source.Source.(sources.Drafter)
	if !ok {
		return errors.New("--push wants an inventory from git")
	}
	c, inv, err := o.choice()
	if err != nil {
		return err
	}
	if !inv.Git.Push {
		return hinted{errors.New("the configuration lets nothing be pushed"), "set push: true of the inventory's git"}
	}
	branch := "pigsync/adopt-" + sources.Short(rev.ID)
	title := "Adopt what is live: " + count(len(done), "resource")
	body := "- " + strings.Join(done, "\n- ") + "\n"
	commit, err := d.Push(ctx, sources.Draft{Branch: branch, On: rev.ID, Files: map[string][]byte{s.File: text}, Message: title + "\n\n" + body})
	if err != nil {
		return err
	}
	fmt.Fprintf(o.stderr, "%s is pushed as %s\n", sources.Short(commit), branch)
	clients, err := c.forges(inv)
	if err != nil {
		return err
	}
	into := strings.TrimPrefix(inv.Git.Ref, "refs/heads/")
	for _, client := range clients {
		if into == "" {
			return hinted{errors.New("no pull request is opened: the configuration names no branch to open it for"), "set ref of the inventory's git"}
		}
		if err := client.Propose(ctx, branch, into, title, reconcile.MarkdownText(body)); err != nil {
			return err
		}
	}
	return nil
}
