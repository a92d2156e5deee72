package node

import (
	"errors"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// A change is made when what is left to do is what was shown: no more of it, and of nothing else.
func TestWhatWasShownIsDone(t *testing.T) {
	t.Parallel()
	role := func(comment string, login bool) resource.Spec {
		return resource.PGRole{Name: "r", Comment: comment, Is: map[string]bool{"login": login}}
	}
	for name, c := range map[string]struct {
		want, have, now resource.Spec
		done            bool
		err             error
	}{
		"as planned":               {role("x", true), role("", true), role("", true), false, nil},
		"done meanwhile":           {role("x", true), role("", true), role("x", true), true, nil},
		"what nobody asks for":     {resource.PGRole{Comment: "x"}, role("", true), role("", false), false, nil},
		"another difference":       {role("x", true), role("", true), role("", false), false, executors.ErrMoved},
		"another have":             {role("x", true), role("y", true), role("z", true), false, executors.ErrMoved},
		"gone":                     {role("x", true), role("", true), nil, false, executors.ErrMoved},
		"new":                      {role("x", true), nil, nil, false, nil},
		"half of it came":          {role("x", true), nil, role("", true), false, nil},
		"something else came":      {role("x", true), nil, role("y", true), false, executors.ErrMoved},
		"what was not shown":       {role("x", false), nil, role("", true), false, executors.ErrMoved},
		"all of it came by itself": {role("x", true), nil, role("x", true), true, nil},
	} {
		ch := diff.Change{Resource: resource.Resource{ID: resource.PGRoleOf("r", "pg"), Spec: c.want}, Action: diff.Update, Have: c.have}
		done, err := judge(ch, c.now)
		if done != c.done || !errors.Is(err, c.err) {
			t.Errorf("%s: got %v, %v", name, done, err)
		}
	}
	gone := diff.Change{Resource: resource.Resource{ID: resource.PGRoleOf("r", "pg"), Spec: role("x", true)}, Action: diff.Delete, Have: role("x", true)}
	if _, err := judge(gone, role("y", true)); !errors.Is(err, executors.ErrMoved) {
		t.Errorf("another than was planned would go: %v", err)
	}
	if done, err := judge(gone, role("x", true)); done || err != nil {
		t.Errorf("got %v, %v", done, err)
	}
}
