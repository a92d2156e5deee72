package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/sources"
)

func newStatus(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "say where every inventory stands",
		Long: "Status asks the daemon; when none runs, it tells what the journal remembers.\n" +
			"Exit status 0: all are in sync; 2: some are not, or it is not known; 1: error.",
		Example: "  pigsync status\n  pigsync status --name prod -o json",
		Args:    none,
		RunE:    func(cmd *cobra.Command, _ []string) error { return status(cmd.Context(), o) },
	}
	o.listenFlag(cmd)
	o.clientFlags(cmd)
	return cmd
}

func status(ctx context.Context, o *options) error {
	if o.client.server != "" {
		return o.statusThere(ctx)
	}
	c, err := o.settings()
	if err != nil {
		return err
	}
	invs, err := o.selected(c)
	if err != nil {
		return err
	}
	all, err := askDaemon(ctx, c.Listen)
	if err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	all = all.of(invs)
	if len(all) == 0 { // no daemon, or one of somebody else's
		return statusFromJournals(o, c, invs)
	}
	return o.showStatus(all)
}

// statusThere is what another daemon says.
func (o *options) statusThere(ctx context.Context) error {
	c, err := o.daemon()
	if err != nil {
		return err
	}
	var all statusViews
	if err := c.ask(ctx, http.MethodGet, "/api/v1/status", "", nil, &all); err != nil {
		return err
	}
	if o.name != "" {
		all = all.of([]inventoryConfig{{Name: o.name}})
	}
	return o.showStatus(all)
}

func (o *options) showStatus(all statusViews) error {
	if o.json() {
		return cmp.Or(printJSON(o.stdout, all), settled(all))
	}
	for _, s := range all {
		s.write(o.stdout)
	}
	return settled(all)
}

func settled(all statusViews) error {
	for _, s := range all {
		if s.State != "converged" {
			return exit(exitDiffers)
		}
	}
	return nil
}

func (s statusView) write(w io.Writer) {
	fmt.Fprintf(w, "%s: %s since %s", s.Inventory, s.State, s.Since.Local().Format(time.DateTime))
	if s.Revision != "" {
		fmt.Fprintf(w, " at %s %q", sources.Short(s.Revision), s.Subject)
	}
	if s.Drift {
		fmt.Fprint(w, " (drift)")
	}
	fmt.Fprintln(w)
	if s.Fetch != "" {
		fmt.Fprintf(w, "  nothing newer comes: %s\n", s.Fetch)
	}
	for _, p := range s.Problems {
		if p.Severity == "error" {
			fmt.Fprintf(w, "  %s: %s [%s]\n", p.Place, p.Message, p.Code)
		}
	}
	if s.Error != "" && len(s.Problems) == 0 {
		fmt.Fprintf(w, "  %s\n", s.Error)
	}
	for _, d := range s.Drifts {
		fmt.Fprintf(w, "  drifted since %s: %s (%s)\n", d.Since.Local().Format(time.DateTime), d.ID, d.Layer)
	}
	for _, h := range s.Holds {
		fmt.Fprintf(w, "  hands off %s until %s, says %s: %s\n", h.Owner, h.Until.Local().Format(time.DateTime), h.By, h.Reason)
	}
	for _, u := range s.Unwatched {
		fmt.Fprintf(w, "  not watched: %s (%s): %s\n", u.Place, u.Source, u.Error)
	}
	s.writeClusters(w)
	_ = diff.WritePending(w, s.Pending) // as with every line here, whoever does not read it misses it
	_ = reconcile.WriteRestarts(w, s.Restarts)
	s.writePlan(w)
}

// writeClusters tells who leads, as Patroni said at the last look.
func (s statusView) writeClusters(w io.Writer) {
	for _, c := range s.Clusters {
		switch {
		case c.Leader == "":
			fmt.Fprintf(w, "  cluster %s: nobody is known to lead\n", c.Cluster)
		case c.Paused:
			fmt.Fprintf(w, "  cluster %s: %s on %s leads, timeline %d, and Patroni is paused\n", c.Cluster, c.Leader, c.Node, c.Timeline)
		default:
			fmt.Fprintf(w, "  cluster %s: %s on %s leads, timeline %d\n", c.Cluster, c.Leader, c.Node, c.Timeline)
		}
		for _, i := range slices.Sorted(maps.Keys(c.Silent)) {
			fmt.Fprintf(w, "      %s: %s\n", i, c.Silent[i])
		}
	}
}

func (s statusView) writePlan(w io.Writer) {
	if s.Plan == nil || len(s.Plan.Steps) == 0 {
		return
	}
	for _, o := range s.Owners {
		if o.Orphan {
			fmt.Fprintf(w, "  %s has left the inventory: %s of it there\n", o.Owner, remain(o.Differ))
		}
	}
	for _, step := range s.told() {
		fmt.Fprintf(w, "  %s\n", step.what)
		if step.then != "" {
			fmt.Fprintf(w, "      %s\n", step.then)
		}
	}
	for _, ob := range s.Objections {
		if ob.Step >= len(s.Plan.Steps) {
			continue // not of this plan
		}
		fmt.Fprintf(w, "  %s: %s: %s\n", ob.Code, s.Plan.Steps[ob.Step].ID, ob.Reason)
	}
	fmt.Fprintf(w, "  plan %s: %s\n", s.Plan.Digest, s.Plan.Summary)
}

// told is a step, or several, in a line, and what became of it.
type told struct {
	what, then string
	steps      int
}

// told are the lines of the plan. What cannot be seen at one place for one reason is told once: a node that is away has
// many resources.
func (s statusView) told() (lines []told) {
	blind := map[[2]string]int{}
	for i, step := range s.Plan.Steps {
		line := told{what: step.Action + " " + step.ID + "  " + step.Origin, steps: 1}
		if i < len(s.Results) {
			line.then = s.Results[i]
		}
		if step.Action == diff.Wait.String() {
			at := step.ID[strings.LastIndexByte(step.ID, '@')+1:]
			if n, again := blind[[2]string{at, line.then}]; again {
				lines[n].steps++
				lines[n].what = fmt.Sprintf("%s %d resources of %s", step.Action, lines[n].steps, at)
				continue
			}
			blind[[2]string{at, line.then}] = len(lines)
		}
		lines = append(lines, line)
	}
	return lines
}

func remain(n int) string {
	if n == 1 {
		return "1 resource remains"
	}
	return fmt.Sprintf("%d resources remain", n)
}

// statusFromJournals tells what is remembered when no daemon runs.
func statusFromJournals(o *options, c *config, invs []inventoryConfig) error {
	var all statusViews
	for _, inv := range invs {
		s := statusView{Inventory: inv.Name, State: "unknown", Error: "no daemon at " + c.Listen + " serves it"}
		j, err := openJournal(journalOf(c, inv), readJournal)
		if err != nil {
			return readable(err)
		}
		if j != nil {
			s.remember(j)
		}
		if err := closeJournal(j); err != nil {
			return err
		}
		all = append(all, s)
	}
	if o.json() {
		return cmp.Or(printJSON(o.stdout, all), error(exit(exitDiffers)))
	}
	for _, s := range all {
		if s.Revision == "" {
			fmt.Fprintf(o.stdout, "%s: %s; it never converged\n", s.Inventory, s.Error)
		} else {
			fmt.Fprintf(o.stdout, "%s: %s; it last converged at %s, %s\n",
				s.Inventory, s.Error, sources.Short(s.Revision), s.Since.Local().Format(time.DateTime))
		}
	}
	return exit(exitDiffers)
}

func (s *statusView) remember(j *history.Journal) {
	s.Revision, _ = j.LastConverged()
	for r, err := range j.Records(history.Query{Kinds: []history.Kind{history.KindConverged}, Limit: 1}) {
		if err == nil {
			s.Since = r.Time
		}
	}
}
