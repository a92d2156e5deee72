package history_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/resource"
)

func member(n int) resource.ID { return resource.PGMemberOf(fmt.Sprintf("pg-%d", n), "10.0.0.1") }

// waits is a member that waits since noon for the parameters named.
func waits(n int, names ...string) history.PendingRestart {
	p := history.PendingRestart{ID: member(n), Cluster: "pg", Since: noon}
	for _, name := range names {
		p.Reasons = append(p.Reasons, history.PendingReason{Name: name, Since: noon})
	}
	return p
}

// Who waits for a restart is known until the journal is told otherwise, over files and processes.
func TestPendingRestartsAreRemembered(t *testing.T) {
	dir := t.TempDir()
	o := history.Options{MaxBytes: 2 << 10}
	j := open(t, dir, o)
	check := func(want string) {
		t.Helper()
		for range 2 {
			var got []string
			for n := range 4 {
				if p, ok := j.PendingRestarts()[member(n)]; ok {
					got = append(got, fmt.Sprintf("%d%v", n, p.Names()))
				}
			}
			if text := strings.Join(got, " "); text != want {
				t.Errorf("%s wait, want %s", text, want)
			}
			for i := range 30 { // a checkpoint and more
				tell(t, j, history.Failed{Revision: "a", Err: fmt.Sprint(strings.Repeat("x", 100), i)})
			}
			j.Close()
			j = open(t, dir, o)
		}
	}
	tell(t, j, history.Restarts{Pending: []history.PendingRestart{waits(1, "a"), waits(2, "a", "b")}})
	check("1[a] 2[a b]")
	tell(t, j, history.Restarts{Pending: []history.PendingRestart{waits(3), waits(2, "b")}, Over: []resource.ID{member(1)}})
	check("2[b] 3[]")
	tell(t, j, history.Converged{Revision: "a"}, history.Restarts{Over: []resource.ID{member(1), member(2)}})
	check("3[]")
	if got := j.PendingRestarts()[member(3)]; !got.Since.Equal(noon) || got.Cluster != "pg" {
		t.Errorf("it is remembered as %+v", got)
	}
}

// A held round is told once, whoever comes to wait for a restart meanwhile.
func TestAPendingRestartIsNoOutcome(t *testing.T) {
	j := open(t, t.TempDir(), history.Options{})
	held := history.Held{Revision: "a", Plan: "p", Steps: 1}
	tell(t, j, held, history.Restarts{Pending: []history.PendingRestart{waits(1, "a")}}, held)
	if got := kinds(t, j); got != "checkpoint held restarts" {
		t.Errorf("journal is %s", got)
	}
}

// However many wait, for however much, a checkpoint stays short. Those that are known are not forgotten for others.
func TestPendingRestartsAreBounded(t *testing.T) {
	j := open(t, t.TempDir(), history.Options{})
	long := waits(1, make([]string, 50)...)
	for i := range long.Reasons {
		long.Reasons[i].Name = strings.Repeat("x\n", 200)
	}
	first := []history.PendingRestart{long}
	for n := range 5000 {
		first = append(first, waits(n+2))
	}
	tell(t, j, history.Restarts{Pending: first}, history.Restarts{Pending: []history.PendingRestart{waits(9000), waits(5)}})
	got := j.PendingRestarts()
	if _, newest := got[member(9000)]; len(got) != 2000 || newest || !got[member(5)].Since.Equal(noon) {
		t.Errorf("%d are known, one too many: %v", len(got), newest)
	}
	names := got[member(1)].Names()
	if len(names) != 16 || len(names[0]) > 100 || strings.Contains(names[0], "\n") {
		t.Errorf("%d names, the first %q", len(names), names[0])
	}
	tell(t, j, history.Restarts{Over: []resource.ID{member(2)}}, history.Restarts{Pending: []history.PendingRestart{waits(9000)}})
	if _, there := j.PendingRestarts()[member(9000)]; !there {
		t.Error("there was room, and it is not known")
	}
}
