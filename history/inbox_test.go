package history_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
)

func submit(t *testing.T, dir string, now time.Time, d history.Decision) string {
	t.Helper()
	id, err := history.Submit(dir, now, d)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestDecisionsReachTheDaemon(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, history.Options{})
	later := noon.Add(time.Hour)
	a, h, h2 := approval("p", later, "d-x").Approval, hold("etcd/*", later).HoldOrder, hold("node/*", later).HoldOrder
	submit(t, dir, noon.Add(3), history.Decision{Release: &history.Released{Owner: "etcd/*", By: "ann"}})
	first := submit(t, dir, noon, history.Decision{Approval: &a})
	submit(t, dir, noon.Add(1), history.Decision{Hold: &h})
	submit(t, dir, noon.Add(2), history.Decision{Hold: &h2})
	got, err := j.Collect()
	if err != nil || len(got) != 4 || got[0].ID != first || got[0].Approval.Digest != "p" || got[3].Release == nil {
		t.Fatalf("collected %+v, %v", got, err)
	}
	if as, hs := j.Approvals(noon), j.Holds(noon); len(as) != 1 || len(hs) != 1 || hs[0].Owner != "node/*" {
		t.Errorf("approvals %+v, holds %+v", as, hs)
	}
	if got, err := j.Collect(); err != nil || len(got) > 0 {
		t.Errorf("collected again %+v, %v", got, err)
	}
}

// A crash between the journal and the inbox leaves the file there.
func TestADecisionCountsOnce(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, history.Options{})
	a := approval("p", noon.Add(time.Hour), "d-x", "d-y").Approval
	name := filepath.Join(dir, "inbox", submit(t, dir, noon, history.Decision{Approval: &a})+".json")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Collect(); err != nil {
		t.Fatal(err)
	}
	tell(t, j, result("x", ""))
	j.Close()
	os.WriteFile(name, b, 0o600)
	j = open(t, dir, history.Options{})
	if got, err := j.Collect(); err != nil || len(got) > 0 {
		t.Errorf("collected again %+v, %v", got, err)
	}
	if as := j.Approvals(noon); len(as) != 1 || len(as[0].Steps) != 1 {
		t.Errorf("approvals are %+v", as)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
}

func TestBadDecisionsAreDropped(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, history.Options{})
	inbox := filepath.Join(dir, "inbox")
	bad := map[string]string{
		"0001": "{", "0002": "{}", "0003": `{"hold":{"owner":"[","by":"x","until":"2030-01-01T00:00:00Z"}}`,
		"0004": `{"secret":1}`, "0005": strings.Repeat(" ", 5<<20),
		"0006": `{"release":{"owner":"a","by":"x"},"hold":{"owner":"a","by":"x","until":"2030-01-01T00:00:00Z"}}`,
	}
	for n, content := range bad {
		os.WriteFile(filepath.Join(inbox, n+".json"), []byte(content), 0o600)
	}
	os.WriteFile(filepath.Join(inbox, "half-written"), []byte("{"), 0o600)
	h := hold("etcd/*", noon.Add(time.Hour)).HoldOrder
	submit(t, dir, noon, history.Decision{Hold: &h})
	got, err := j.Collect()
	if len(got) != 1 || !errors.Is(err, history.ErrDecision) {
		t.Errorf("collected %+v, %v", got, err)
	}
	for n := range bad {
		if !strings.Contains(fmt.Sprint(err), n) {
			t.Errorf("%s is not reported by %v", n, err)
		}
	}
	if _, err := j.Collect(); err != nil {
		t.Errorf("reported again: %v", err)
	}
}

func TestSubmitRefuses(t *testing.T) {
	dir := t.TempDir()
	h := hold("etcd/*", noon.Add(time.Hour)).HoldOrder
	if _, err := history.Submit(dir, noon, history.Decision{Hold: &h}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without an inbox: %v", err)
	}
	j := open(t, dir, history.Options{})
	until := noon.Add(time.Hour)
	for name, d := range map[string]history.Decision{
		"nothing":     {},
		"no end":      {Hold: &policies.HoldOrder{Owner: "etcd/*", By: "ann"}},
		"nobody":      {Hold: &policies.HoldOrder{Owner: "etcd/*", Until: until}},
		"no pattern":  {Hold: &policies.HoldOrder{Owner: "etcd/[", By: "ann", Until: until}},
		"no steps":    {Approval: &policies.Approval{Digest: "p", By: "ann", When: noon, Until: until}},
		"over before": {Approval: &policies.Approval{Digest: "p", Steps: []string{"d"}, By: "ann", When: until, Until: noon}},
		"two lines":   {Release: &history.Released{Owner: "a\nb", By: "ann"}},
	} {
		if _, err := history.Submit(dir, noon, d); !errors.Is(err, history.ErrDecision) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "inbox"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := history.Submit(dir, noon, history.Decision{Hold: &h}); err == nil {
		t.Error("an open inbox was used")
	}
	if _, err := j.Collect(); err == nil {
		t.Error("an open inbox was collected")
	}
}
