package reconcile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
)

// Drift that lasts is written down once, also where there is more of it than is remembered.
func TestMoreDriftThanIsRemembered(t *testing.T) {
	s := play(t)
	var names []string
	for i := range history.MaxDrifts + 5 {
		names = append(names, fmt.Sprint("f", i))
	}
	rev := s.commit("A", toyText(map[string]string{nodeA: "toy_files: [ " + strings.Join(names, ", ") + " ]"}))
	s.converge(rev, false)
	s.Policies = append(s.Policies, policies.Modes([]policies.Mode{{Owners: []string{"*", "*/*"}, Heal: new(false)}}))
	for _, name := range names {
		s.fleet.Set(toyFile(name, nodeA), nil)
	}
	for range 3 {
		if round := s.run(t.Context(), rev); len(round.Drifts) != len(names) {
			t.Fatalf("%d have drifted, want %d", len(round.Drifts), len(names))
		}
	}
	written := 0
	for r, err := range s.Journal.Records(history.Query{Kinds: []history.Kind{history.KindDrifted}}) {
		if err != nil {
			t.Fatal(err)
		}
		written++
		if n := len(r.Entry.(history.Drifted).Began); n != history.MaxDrifts {
			t.Errorf("%d are written down, want %d", n, history.MaxDrifts)
		}
	}
	if written != 1 {
		t.Errorf("the drift was written down %d times in three rounds", written)
	}
}
