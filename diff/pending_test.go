package diff_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// later is a Spec of which a part comes with the next start.
type later struct{ running string }

func (later) Kind() resource.Kind                    { return "later" }
func (later) Compare(resource.Spec) []resource.Field { return nil }

func (l later) Pending(have resource.Spec) []resource.Field {
	if have == resource.Spec(l) {
		return nil
	}
	return []resource.Field{{Path: "running", Have: have.(later).running, Want: l.running}}
}

// What waits for a restart is told and is no step; what is absent or unknown does not wait.
func TestPendingReboot(t *testing.T) {
	want, have := &resource.Set{}, map[resource.ID]resource.State{}
	for at, s := range map[string]resource.State{
		"waits": {Spec: later{"off"}}, "runs": {Spec: later{"on"}}, "absent": {}, "unknown": {Err: errors.New("no answer")},
	} {
		id := resource.ID{Kind: "later", Name: "node", At: at}
		have[id] = s
		if err := want.Add(resource.Resource{ID: id, Spec: later{"on"}}); err != nil {
			t.Fatal(err)
		}
	}
	all := diff.PendingReboot(want, have)
	if len(all) != 1 || all[0].ID.At != "waits" {
		t.Fatalf("got %+v", all)
	}
	var b strings.Builder
	if err := diff.WritePending(&b, all); err != nil || b.String() != "pending reboot: later:node@waits  -  running: \"off\" -> \"on\"\n" {
		t.Errorf("%v: %s", err, b.String())
	}
	if got := diff.Compare(want, nil, map[resource.ID]resource.State{all[0].ID: have[all[0].ID]}); len(got) != 3 {
		t.Errorf("what waits is a change: %+v", got)
	}
}
