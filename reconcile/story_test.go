package reconcile_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/modules/all"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
	"github.com/pigsync/pigsync/sources"
)

// story is a fleet, its inventory's revisions, and the process that reconciles them.
type story struct {
	*reconcile.Reconciler
	t       *testing.T
	fleet   *fleet
	hands   executors.Executor // the fleet, unless a test puts something before it
	dir     string
	rounds  []*reconcile.Round
	writing sync.Mutex // guards commits, which a daemon reads while others are made
	commits map[string]sources.Revision
}

func tell(t *testing.T, f *fleet) *story {
	t.Helper()
	s := &story{t: t, fleet: f, hands: f, dir: quickDir(t) + "/journal", commits: map[string]sources.Revision{}}
	s.begin()
	return s
}

// quickDir is a directory in memory where there is one: syncing thousands of journals to a disk takes
// a while.
func quickDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "pigsync-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// begin starts a process: what the one before it knew is what its journal says.
func (s *story) begin() {
	s.t.Helper()
	j, err := history.Open(s.dir, history.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { j.Close() })
	s.fleet.intended = func(c diff.Change) bool {
		digest := c.Digest()
		return slices.ContainsFunc(j.Unfinished(), func(i history.Intent) bool { return i.Step.ID == c.ID && i.Step.Digest == digest })
	}
	s.Reconciler = &reconcile.Reconciler{
		Name: "test", File: "pigsty.yml", Modules: all.Modules(), Policies: policies.Default(),
		Reach: s.reach, Journal: j, Now: time.Now,
	}
}

func (s *story) reach(p resource.Places) executors.Executor {
	s.fleet.reach(p)
	return s.hands
}

// restart ends the process, if it still lives, and begins the next.
func (s *story) restart() {
	s.t.Helper()
	s.Journal.Close()
	s.fleet.revive()
	s.begin()
}

func revision(id, text string) sources.Revision {
	return sources.Revision{ID: id, Author: "a", Subject: "s " + id, Tree: modtest.Tree("pigsty.yml", text)}
}

func (s *story) commit(id, text string) sources.Revision {
	rev := revision(id, text)
	s.writing.Lock()
	defer s.writing.Unlock()
	s.commits[id] = rev
	return rev
}

func (s *story) at(id string) (sources.Revision, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if rev, ok := s.commits[id]; ok {
		return rev, nil
	}
	return sources.Revision{}, sources.Errorf(sources.ErrGone, "no commit %s", id)
}

func (s *story) run(ctx context.Context, rev sources.Revision) *reconcile.Round {
	s.t.Helper()
	round, err := s.Run(ctx, rev, s.at, func(r *reconcile.Round) { s.rounds = append(s.rounds, r) })
	if err != nil && ctx.Err() == nil {
		s.t.Fatal(err)
	}
	return round
}

// approve agrees to everything that is held.
func (s *story) approve(r *reconcile.Round) {
	s.t.Helper()
	now := time.Now()
	planned := history.NewPlanned(r.Revision.ID, r.Plan, r.Verdicts, r.Objections)
	if err := s.Journal.Append(history.Approved{Approval: planned.Approval("me", now, now.Add(time.Hour))}); err != nil {
		s.t.Fatal(err)
	}
}

// converge runs until all is as rev says; what is held on the way is approved if so wanted.
func (s *story) converge(rev sources.Revision, approve bool) {
	s.t.Helper()
	var round *reconcile.Round
	for range 6 {
		round = s.run(s.t.Context(), rev)
		switch outcome := round.Outcome(); {
		case outcome == reconcile.Converged:
			return
		case outcome == reconcile.Held && approve:
			s.approve(round)
		case outcome == reconcile.Held:
			s.t.Fatalf("held:\n%s", show(round))
		}
	}
	s.t.Fatalf("%s does not converge:\n%s", rev.ID, show(round))
}

// show is a round as a person needs it to see what went wrong.
func show(r *reconcile.Round) string {
	var b strings.Builder
	_ = r.Plan.WriteText(&b)
	for _, o := range r.Objections {
		fmt.Fprintf(&b, "%s %s: %s %s\n", o.Verdict, r.Plan.Steps[o.Step].ID, o.Code, o.Reason)
	}
	for i, err := range r.Results {
		if err != nil {
			fmt.Fprintf(&b, "! %s: %v\n", r.Plan.Steps[i].ID, err)
		}
	}
	return b.String()
}

// members is an inventory with the etcd members of these numbers, on hosts named by them.
func members(vars string, seqs ...int) string {
	var b strings.Builder
	b.WriteString("all:\n  vars: { node_repo_modules: ''" + vars + " }\n")
	if len(seqs) == 0 {
		return b.String()
	}
	b.WriteString("  children:\n    etcd:\n      hosts:\n")
	for _, n := range seqs {
		fmt.Fprintf(&b, "        %s: { etcd_seq: %d }\n", host(n), n)
	}
	return b.String()
}

func host(n int) string { return fmt.Sprintf("10.10.10.%d", n) }

func hosts(n int) (list []string) {
	for i := range n {
		list = append(list, host(i+1))
	}
	return list
}

func upTo(n int) (seqs []int) {
	for i := range n {
		seqs = append(seqs, i+1)
	}
	return seqs
}
