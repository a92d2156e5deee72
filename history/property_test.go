package history_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/resource"
)

// snapshot is all that is derived, as text; names are the resources whose past is asked for.
func snapshot(j *history.Journal, names []string) string {
	now := noon.Add(time.Hour)
	rev, _ := j.LastConverged()
	past := map[string]any{}
	for _, n := range names {
		past[n] = j.Past(id(n), time.Time{})
	}
	b, err := json.Marshal([]any{rev, j.Attempted(), j.Approvals(now), j.Holds(now), j.Unfinished(), j.Bad(), pending(j), good(j), j.Newest(), past})
	return fmt.Sprint(string(b), err)
}

func good(j *history.Journal) string {
	r, _ := j.LastGood("a")
	return r
}

// pending is by text, which JSON can sort.
func pending(j *history.Journal) map[string]history.PendingRestart {
	out := map[string]history.PendingRestart{}
	for id, p := range j.PendingRestarts() {
		out[id.String()] = p
	}
	return out
}

var names = []string{"x", "y", "z"}

func entries() *rapid.Generator[history.Entry] {
	rev := rapid.SampledFrom([]string{"a", "b", "c"})
	name := rapid.SampledFrom(names)
	until := rapid.SampledFrom([]time.Time{noon.Add(2 * time.Minute), noon.Add(2 * time.Hour)})
	return rapid.Custom(func(t *rapid.T) history.Entry {
		n := name.Draw(t, "name")
		switch rapid.IntRange(0, 12).Draw(t, "kind") {
		case 0:
			return began(rev.Draw(t, "rev"))
		case 1:
			return planned(rapid.SampledFrom([]string{"allow", "hold"}).Draw(t, "verdict"), rapid.String().Draw(t, "reason"))
		case 2:
			return history.Intent{Revision: "a", Plan: "p", Step: step(n)}
		case 3, 4:
			return result(n, rapid.SampledFrom([]string{"", "timeout"}).Draw(t, "err"))
		case 5:
			return history.Converged{Revision: rev.Draw(t, "rev"), Round: rapid.IntRange(1, 3).Draw(t, "round")}
		case 6:
			return history.Failed{Revision: rev.Draw(t, "rev"), Err: rapid.String().Draw(t, "err")}
		case 7:
			return approval("p-"+n, until.Draw(t, "until"), "d-x", "d-"+n)
		case 9:
			return history.Quarantined{Revision: rev.Draw(t, "rev"), Return: "z", Reason: rapid.String().Draw(t, "reason")}
		case 10:
			return history.Forgiven{Revision: rev.Draw(t, "rev"), By: "ann"}
		case 11:
			return history.Restarts{Pending: []history.PendingRestart{waits(rapid.IntRange(1, 3).Draw(t, "n"), n)}, Over: []resource.ID{member(rapid.IntRange(1, 3).Draw(t, "over"))}}
		case 8:
			return hold("etcd/"+n, until.Draw(t, "until"))
		}
		return history.Released{Owner: "etcd/" + n, By: "ann"}
	})
}

// A crash may cut the newest file at any byte: what is read again is what the complete records say.
func TestCrashAnywhere(t *testing.T) {
	base := history.Memory(t)
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		o := history.Options{MaxBytes: 3000, Keep: 1000, Now: clock()}
		states := write(t, dir, o, rapid.SliceOfN(entries(), 1, 25).Draw(t, "entries"))
		left := truncate(t, dir)
		j, err := history.Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		seq, _ := j.Head()
		if j.Tampered() != nil || seq != max(1, left) {
			t.Fatalf("tampered %v; record %d is the last, want %d", j.Tampered(), seq, left)
		}
		if got := snapshot(j, names); got != states[seq] {
			t.Fatalf("after record %d the state is\n%s, want\n%s", seq, got, states[seq])
		}
		if err := j.Append(began("after")); err != nil {
			t.Fatal(err)
		}
		if err := history.Verify(dir); err != nil {
			t.Fatal(err)
		}
	})
}

// write tells all and returns the state after every record.
func write(t *rapid.T, dir string, o history.Options, es []history.Entry) map[uint64]string {
	j, err := history.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	before, state := uint64(0), snapshot(j, names)
	states := map[uint64]string{}
	for _, e := range append([]history.Entry{began("a")}, es...) {
		if err := j.Append(e); err != nil {
			t.Fatal(err)
		}
		seq, _ := j.Head()
		for s := before + 1; s < seq; s++ {
			states[s] = state // a checkpoint changes nothing
		}
		state = snapshot(j, names)
		states[seq], before = state, seq
	}
	return states
}

// truncate cuts the newest file somewhere and tells how many complete records are left.
func truncate(t *rapid.T, dir string) (left uint64) {
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var newest string
	var content []byte
	for _, e := range all {
		if len(e.Name()) > 20 {
			left += uint64(bytes.Count(content, []byte("\n")))
			newest = dir + "/" + e.Name()
			content, _ = os.ReadFile(newest)
		}
	}
	content = content[:rapid.IntRange(0, len(content)).Draw(t, "cut")]
	if err := os.WriteFile(newest, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return left + uint64(bytes.Count(content, []byte("\n")))
}
