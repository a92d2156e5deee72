package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/sources"
)

func newHistory(o *options) *cobra.Command {
	var limit int
	var about string
	var verify bool
	cmd := &cobra.Command{
		Use:   "history",
		Short: "say what was planned, decided and done, the newest first",
		Long: "History reads the journal. With -o json it prints an object a line. With --verify it follows the\n" +
			"chain of hashes and says whether anything was changed.",
		Example: "  pigsync history --name prod --about unit:etcd@10.10.10.11\n  pigsync history --name prod --verify",
		Args:    none,
		RunE: func(*cobra.Command, []string) error {
			if verify {
				return o.verifyHistory()
			}
			return o.history(limit, about)
		},
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", 30, "how many records; 0 is all")
	cmd.Flags().StringVar(&about, "about", "", "only what is about this resource `id`")
	cmd.Flags().BoolVar(&verify, "verify", false, "check that no record was changed or lost")
	return cmd
}

func (o *options) journalDir() (string, error) {
	c, inv, err := o.choice()
	if err != nil {
		return "", err
	}
	return journalOf(c, inv), nil
}

func (o *options) verifyHistory() error {
	dir, err := o.journalDir()
	if err != nil {
		return err
	}
	err = history.Verify(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return o.nothingRecorded(dir)
	case errors.Is(err, history.ErrTampered):
		return hinted{err, "nothing is done while this is so; find out who wrote there, then move the directory away to begin anew"}
	case err != nil:
		return readable(err)
	}
	if o.json() {
		return printJSON(o.stdout, map[string]bool{"intact": true})
	}
	_, err = fmt.Fprintln(o.stdout, "every record is as it was written")
	return err
}

func (o *options) history(limit int, about string) error {
	if limit < 0 {
		return fmt.Errorf("--limit: want 0 for all, or a number of records, got %d", limit)
	}
	q := history.Query{Limit: limit}
	if about != "" {
		id, err := parseID(about)
		if err != nil {
			return err
		}
		q.ID = id
	}
	dir, err := o.journalDir()
	if err != nil {
		return err
	}
	j, err := openJournal(dir, readJournal)
	if err != nil {
		return readable(err)
	}
	if j == nil {
		return o.nothingRecorded(dir)
	}
	defer j.Close()
	return o.printRecords(j, q)
}

// nothingRecorded is no error: nothing was done yet.
func (o *options) nothingRecorded(dir string) error {
	_, err := fmt.Fprintf(o.stderr, "nothing is recorded yet in %s\n", dir)
	return err
}

// printRecords goes on past records that do not hold, and then fails.
func (o *options) printRecords(j *history.Journal, q history.Query) (bad error) {
	encode := json.NewEncoder(o.stdout)
	for r, err := range j.Records(q) {
		switch {
		case err != nil:
			bad = errors.Join(bad, err)
		case o.json():
			err = encode.Encode(r)
		default:
			err = writeRecord(o.stdout, r)
		}
		if err != nil && bad == nil {
			return err
		}
	}
	return bad
}

func writeRecord(w io.Writer, r history.Record) error {
	_, err := fmt.Fprintf(w, "%s  %s\n", r.Time.Local().Format(time.DateTime), tell(r.Entry))
	return err
}

// tell puts a record into a sentence.
func tell(e history.Entry) string {
	switch e := e.(type) {
	case history.RunBegan:
		return strings.TrimSuffix(fmt.Sprintf("began %s %q by %s", sources.Short(e.Revision), e.Subject, e.Author), " by ")
	case history.Planned:
		return fmt.Sprintf("planned %s: %s", e.Digest, e.Summary)
	case history.Intent:
		return fmt.Sprintf("began %s %s", e.Step.Action, e.Step.ID)
	case history.Result:
		if e.Err != "" {
			return fmt.Sprintf("failed %s %s: %s", e.Step.Action, e.Step.ID, e.Err)
		}
		return fmt.Sprintf("did %s %s in %s", e.Step.Action, e.Step.ID, e.Took.Round(time.Millisecond))
	case history.Converged:
		return fmt.Sprintf("converged at %s", sources.Short(e.Revision))
	case history.Held:
		return fmt.Sprintf("held plan %s, %s", e.Plan, count(e.Steps, "step"))
	case history.Failed:
		return fmt.Sprintf("failed at %s: %s", sources.Short(e.Revision), e.Err)
	case history.Approved:
		return fmt.Sprintf("plan %s approved by %s until %s", e.Digest, e.By, e.Until.Local().Format(time.DateTime))
	case history.HoldOrdered:
		return fmt.Sprintf("%s held by %s until %s: %s", e.Owner, e.By, e.Until.Local().Format(time.DateTime), e.Reason)
	case history.Called:
		return fmt.Sprintf("%s asked for %s", e.By, e.Call)
	case history.Released:
		return fmt.Sprintf("%s released by %s", e.Owner, e.By)
	case history.Adopted:
		if e.By == "" {
			return "seen in sync: " + strings.Join(e.Owners, ", ")
		}
		return fmt.Sprintf("%s accepted by %s", strings.Join(e.Owners, ", "), e.By)
	case history.Quarantined:
		return fmt.Sprintf("%s is in quarantine, the fleet returns to %s: %s", sources.Short(e.Revision), sources.Short(e.Return), e.Reason) + bySomebody(e.By)
	case history.Forgiven:
		return sources.Short(e.Revision) + " is acted on again" + bySomebody(e.By)
	case history.Drifted:
		return drifted(e)
	case history.Restarts:
		return restarts(e)
	}
	return string(e.Kind())
}

func bySomebody(who string) string {
	if who == "" {
		return ""
	}
	return ", says " + who
}

// drifted tells what began to differ from a commit that had converged, and what does no longer.
func drifted(e history.Drifted) string {
	var parts []string
	for _, d := range e.Began {
		parts = append(parts, "drift of "+d.ID.String())
	}
	for _, id := range e.Ended {
		parts = append(parts, "no drift any more of "+id.String())
	}
	return strings.Join(parts, ", ")
}

// restarts tells which members of PostgreSQL clusters wait for a restart now, and which do no longer.
func restarts(e history.Restarts) string {
	var parts []string
	for _, p := range e.Pending {
		parts = append(parts, strings.TrimSuffix(p.ID.String()+" waits for a restart because of "+strings.Join(p.Names(), ", "), " because of "))
	}
	for _, id := range e.Over {
		parts = append(parts, id.String()+" waits for no restart any more")
	}
	return strings.Join(parts, "; ")
}
