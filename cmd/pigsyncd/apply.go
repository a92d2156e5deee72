package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/reconcile"
)

func newApply(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "apply",
		Short: "make the fleet agree with the inventory, once",
		Long: "Apply goes round after round until nothing is left to do, or nothing that may be done without an\n" +
			"approval. Exit status 0: in sync; 2: something is held or unknown; 1: something failed, or an error.",
		Example: "  pigsync apply --inventory pigsty.yml\n  pigsync apply --name prod",
		Args:    none,
		RunE:    func(cmd *cobra.Command, _ []string) error { return apply(cmd, o) },
	}
}

func apply(cmd *cobra.Command, o *options) error {
	s, err := o.open(writeJournal)
	if err != nil {
		return taken(err)
	}
	defer s.Close()
	s.Strict = true
	if _, err := s.Journal.Collect(); err != nil {
		return err
	}
	rev, err := s.source.Next(cmd.Context(), "")
	if err != nil {
		return err
	}
	p := newProgress(o)
	s.Watch = p.event
	round, err := s.Run(cmd.Context(), rev, s.at(cmd.Context()), p.round)
	p.end()
	if err != nil {
		return refused(o, rev, s, err)
	}
	return conclude(o, round)
}

// taken says who else may be at work on an inventory.
func taken(err error) error {
	if errors.Is(err, history.ErrLocked) {
		return hinted{err, "a daemon serves this inventory and applies what is committed by itself: see pigsync status"}
	}
	return err
}

// conclude says what a run came to.
func conclude(o *options, round *reconcile.Round) error {
	for _, cause := range round.Causes() {
		complain(o.stderr, cause)
	}
	if err := showRound(o, round); err != nil {
		return err
	}
	switch outcome := round.Outcome(); outcome {
	case reconcile.Converged:
		return nil
	case reconcile.Failed:
		return fmt.Errorf("%s failed", count(len(round.Causes()), "step"))
	default:
		return exit(exitDiffers)
	}
}
