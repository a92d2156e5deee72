package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/sources"
)

func newRollback(o *options) *cobra.Command {
	var by, reason string
	var forgive bool
	cmd := &cobra.Command{
		Use:   "rollback [REVISION]",
		Short: "return the fleet to the last good commit, and act on a bad one no more",
		Long: "Rollback puts a commit, by default the newest that was attempted, into quarantine: the daemon keeps the fleet\n" +
			"at the newest one that had converged before, until a commit comes that is not in quarantine. The policies judge\n" +
			"the way back as any plan, and nothing on it may destroy: what the commit made and holds data stays. Where the\n" +
			"daemon may push, it offers a branch that reverts the commit. --forgive acts on a commit again.",
		Example: "  pigsync rollback --name prod --reason 'the pooler refuses everybody'\n" +
			"  pigsync rollback 4c1f… --name prod --reason 'wrong limits'\n  pigsync rollback 4c1f… --name prod --forgive",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			revision := ""
			if len(args) > 0 {
				revision = args[0]
			}
			switch {
			case forgive && revision == "":
				return errors.New("--forgive wants a REVISION")
			case !forgive && reason == "":
				return hinted{errors.New("--reason is required"), "whoever finds the commit in quarantine wants to know why"}
			case o.client.server != "":
				return o.rollbackThere(cmd.Context(), revision, by, reason, forgive)
			}
			return o.rollbackHere(revision, by, reason, forgive)
		},
	}
	o.clientFlags(cmd)
	cmd.Flags().StringVar(&by, "by", "", "who returns (default: the user of the system)")
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	cmd.Flags().BoolVar(&forgive, "forgive", false, "end the quarantine of REVISION")
	return cmd
}

func (o *options) rollbackThere(ctx context.Context, revision, by, reason string, forgive bool) error {
	if err := ownName(by); err != nil {
		return err
	}
	what, in := "rollback", map[string]string{"reason": reason}
	if revision != "" {
		in["revision"] = revision
	}
	if forgive {
		what, in = "forgive", map[string]string{"revision": revision}
	}
	var d history.Decision
	if _, err := o.send(ctx, what, in, &d); err != nil {
		return err
	}
	return o.returned(d)
}

func (o *options) rollbackHere(revision, by, reason string, forgive bool) error {
	c, inv, err := o.choice()
	if err != nil {
		return err
	}
	d := history.Decision{Forgive: &history.Forgiven{Revision: revision, By: who(by, o.getenv)}}
	if !forgive {
		j, err := openJournal(journalOf(c, inv), readJournal)
		if err != nil {
			return readable(err)
		}
		from, to, ok := reconcile.Returnable(j, revision)
		if err := closeJournal(j); err != nil {
			return err
		}
		if !ok {
			return errors.New("there is no commit to return to: none before it has converged")
		}
		d = history.Decision{Rollback: &history.Quarantined{Revision: from, Return: to, By: who(by, o.getenv), Reason: reason}}
	}
	if _, err := history.Submit(journalOf(c, inv), time.Now(), d); err != nil {
		return readable(err)
	}
	return o.returned(d)
}

func (o *options) returned(d history.Decision) error {
	if o.json() {
		return printJSON(o.stdout, d)
	}
	var err error
	switch {
	case d.Rollback != nil:
		_, err = fmt.Fprintf(o.stdout, "%s is in quarantine, the fleet returns to %s\n", sources.Short(d.Rollback.Revision), sources.Short(d.Rollback.Return))
	case d.Forgive != nil:
		_, err = fmt.Fprintf(o.stdout, "%s is acted on again\n", sources.Short(d.Forgive.Revision))
	}
	return err
}
