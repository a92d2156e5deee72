package policies_test

import (
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

func TestSetbacks(t *testing.T) {
	member := func(value string) diff.Step {
		s := change(diff.Update, resource.KindPGMember, "pg-1-2", "10.0.0.2", resource.Restart)
		s.Fields[0].Want = value
		return of("pgsql/pg-1", s)
	}
	other := of("pgsql/pg-1", change(diff.Update, resource.KindPGMember, "pg-1-3", "10.0.0.3", resource.Restart))
	key := of("pgsql/pg-1", change(diff.Update, resource.KindPGConfig, "postgresql/parameters/max_connections", "pg-1", resource.Reload|resource.Restart))
	role := of("pgsql/pg-1", change(diff.Update, resource.KindPGRole, "app", "pg-1", 0))
	else1 := of("pgsql/pg-2", change(diff.Update, resource.KindPGMember, "pg-2-1", "10.0.0.9", resource.Restart))
	failed := policies.Event{When: noon.Add(-time.Hour), Action: diff.Update, Step: member("300").Digest(), Revision: "A", Err: "apply: " + resource.PGSetback + ": it is gone"}
	waits, worked := failed, failed
	waits.Err, worked.Err, worked.When = "apply: a transaction has gone on for an hour", "", noon.Add(-time.Minute)
	for _, tt := range []struct {
		name     string
		value    string
		revision string
		past     []policies.Event
		approved bool
		want     string
	}{
		{"nothing happened", "300", "B", nil, false, "allow allow allow allow allow"},
		{"it went wrong", "300", "B", []policies.Event{failed}, false, "hold hold hold allow allow PS131 PS131 PS131"},
		{"and somebody wants it again", "300", "B", []policies.Event{failed}, true, "allow allow allow allow allow"},
		{"another value", "200", "B", []policies.Event{failed}, false, "allow allow allow allow allow"},
		{"another value, or so it seems, for the same commit", "200", "A", []policies.Event{failed}, false, "hold hold hold allow allow PS131 PS131 PS131"},
		{"it only had to wait", "300", "B", []policies.Event{waits}, false, "allow allow allow allow allow"},
		{"it has worked since", "300", "B", []policies.Event{failed, worked}, false, "allow allow allow allow allow"},
	} {
		plan := &diff.Plan{Steps: []diff.Step{key, member(tt.value), other, role, else1}}
		c := &policies.Case{Revision: tt.revision, Plan: plan, Past: func(id resource.ID, _ time.Time) []policies.Event {
			if id == member("").ID {
				return tt.past
			}
			return nil
		}}
		if tt.approved {
			c.Approvals = []policies.Approval{agreed(plan, "ann", noon.Add(-time.Second))}
			c.Approvals[0].Revision = tt.revision
		}
		if got := judge(c, policies.Setbacks()); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
