package policies

import (
	"strings"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

func TestAReturnDestroysNothing(t *testing.T) {
	step := func(a diff.Action, orphan bool, h resource.Hazard) diff.Step {
		return diff.Step{Change: diff.Change{
			Action: a, Orphan: orphan, Fields: []resource.Field{{Path: "x", Hazard: h}},
			Resource: resource.Resource{ID: resource.ID{Kind: resource.KindFile, Name: "/x", At: "n"}, Owner: "toy/n"},
		}}
	}
	tests := []struct {
		name   string
		step   diff.Step
		denied bool
	}{
		{"a file", step(diff.Update, false, 0), false},
		{"a restart", step(diff.Update, false, resource.Restart|resource.Reload), false},
		{"a failover", step(diff.Update, false, resource.Failover), true},
		{"a member that goes", step(diff.Update, false, resource.Topology), true},
		{"a database that goes", step(diff.Delete, false, resource.DataLoss), true},
		{"a way in", step(diff.Update, false, resource.Lockout), true},
		{"what a whole owner leaves", step(diff.Delete, true, 0), true},
		{"a gate", step(diff.Check, false, resource.DataLoss), false},
	}
	for _, tt := range tests {
		c := &Case{Plan: &diff.Plan{Steps: []diff.Step{tt.step}}, Returning: true}
		os := Returns().Judge(c)
		if (len(os) == 1 && os[0].Verdict == Deny && strings.Contains(os[0].Reason, "revert the commit")) != tt.denied {
			t.Errorf("%s: %+v", tt.name, os)
		}
		c.Returning = false
		if os := Returns().Judge(c); len(os) != 0 {
			t.Errorf("%s, where nobody returns: %+v", tt.name, os)
		}
	}
}
