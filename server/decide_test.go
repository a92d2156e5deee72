package server

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

func memory(t *testing.T) *history.Journal {
	t.Helper()
	j, err := history.Open(t.TempDir(), history.Options{Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// planned has a plan remembered, and gives its digest.
func planned(t *testing.T, j *history.Journal, h resource.Hazard) string {
	t.Helper()
	id := resource.ID{Kind: resource.KindFile, Name: "/x", At: h.String()}
	p := &diff.Plan{Steps: []diff.Step{{Change: diff.Change{
		Resource: resource.Resource{ID: id, Owner: "etcd/etcd"}, Action: diff.Update, Fields: []resource.Field{{Path: "mode", Hazard: h}},
	}}}}
	if err := j.Append(history.NewPlanned("abc", p, []policies.Verdict{policies.Hold}, nil)); err != nil {
		t.Fatal(err)
	}
	return p.Digest()
}

func body(text string) func(*http.Request) {
	return func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(text)) }
}

func TestDecisions(t *testing.T) {
	l := inSync("prod", noon)
	l.journal = memory(t)
	restart, loss := planned(t, l.journal, resource.Restart), planned(t, l.journal, resource.DataLoss)
	o := options(l, inSync("forgetful", noon))
	o.Access = Access{Callers: []Caller{holder("ann", "a", Approve), holder("bob", "b", Destroy), holder("sue", "s", Suspend)}}
	h := New(o)
	tests := []struct {
		name, token, path, body string
		want                    int
		says                    string
	}{
		{"a restart", "a", "approve/prod", `{"digest":"` + restart + `","for":"1h"}`, 200, `"by":"ann"`},
		{"without an end", "a", "approve/prod", `{"digest":"` + restart + `"}`, 200, noon.Add(24 * time.Hour).UTC().Format(time.RFC3339)},
		{"a loss, by one who may not", "a", "approve/prod", `{"digest":"` + loss + `"}`, 403, "the role destroy is wanted"},
		{"a loss", "b", "approve/prod", `{"digest":"` + loss + `"}`, 200, `"by":"bob"`},
		{"a plan nobody saw", "a", "approve/prod", `{"digest":"000000000000"}`, 404, "no such plan"},
		{"another's affair", "s", "approve/prod", `{"digest":"` + restart + `"}`, 403, "the role approve is wanted"},
		{"for ever", "a", "approve/prod", `{"digest":"` + restart + `","for":"9999h"}`, 400, "at most 720h"},
		{"for no time", "a", "approve/prod", `{"digest":"` + restart + `","for":"0s"}`, 400, "want a time such as 4h"},
		{"a key we do not know", "a", "approve/prod", `{"digest":"` + restart + `","by":"carl"}`, 400, `unknown field \"by\"`},
		{"two bodies", "a", "approve/prod", `{"digest":"` + restart + `"}{}`, 400, "something follows"},
		{"nothing", "a", "approve/prod", ``, 400, "EOF"},
		{"a hold", "s", "hold/prod", `{"owner":"etcd/*","reason":"a disk","for":"2h"}`, 200, `"by":"sue"`},
		{"a hold without a reason", "s", "hold/prod", `{"owner":"etcd/*"}`, 400, "reason"},
		{"a hold of nobody", "s", "hold/prod", `{"reason":"x"}`, 400, "is no owner"},
		{"a fleet is taken over", "a", "accept/prod", `{"owner":"pgsql/*"}`, 200, `"owners":["pgsql/*"]`},
		{"by who may not", "s", "accept/prod", `{"owner":"pgsql/*"}`, 403, ""},
		{"nobody is taken over", "a", "accept/prod", `{"owner":""}`, 400, ""},
		{"its end", "s", "resume/prod", `{"owner":"etcd/*"}`, 200, `"owner":"etcd/*"`},
		{"where nothing is remembered", "s", "hold/forgetful", `{"owner":"x","reason":"y"}`, 409, "nothing is remembered"},
		{"nowhere", "s", "hold/nope", `{"owner":"x","reason":"y"}`, 404, "no such inventory"},
	}
	for _, tt := range tests {
		before, _ := l.journal.Head()
		l.wakes = 0
		rec := ask(h, "POST", "/api/v1/"+tt.path, bearer(tt.token), body(tt.body))
		after, _ := l.journal.Head()
		if rec.Code != tt.want || !strings.Contains(rec.Body.String(), tt.says) {
			t.Errorf("%s: %d %s, want %d and %q", tt.name, rec.Code, rec.Body, tt.want, tt.says)
		}
		if done := tt.want == 200; (after > before) != done || (l.wakes == 1) != done {
			t.Errorf("%s: journaled %v, woken %d times", tt.name, after > before, l.wakes)
		}
	}
	if got := l.journal.Approvals(noon); len(got) != 2 {
		t.Errorf("approvals: %v", got)
	}
	if got := l.journal.Holds(noon); len(got) != 0 {
		t.Errorf("holds: %v", got)
	}
}

func TestEveryCallThatDoesSomethingIsJournaled(t *testing.T) {
	l := inSync("prod", noon)
	l.journal = memory(t)
	o := options(l)
	o.Access = Access{Callers: []Caller{holder("ci", "c", Sync)}}
	h := New(o)
	if rec := ask(h, "POST", "/api/v1/wake/prod", bearer("c")); rec.Code != 202 {
		t.Fatal(rec.Code)
	}
	var records []struct {
		Kind string
		Data history.Called
	}
	rec := ask(h, "GET", "/api/v1/history/prod?limit=1", bearer("c"))
	if err := json.Unmarshal(rec.Body.Bytes(), &records); err != nil || len(records) != 1 {
		t.Fatalf("%v: %s", err, rec.Body)
	}
	if r := records[0]; r.Kind != "called" || r.Data.By != "ci" || r.Data.Call != "wake" || r.Data.From == "" {
		t.Errorf("%+v", r)
	}
	for _, limit := range []string{"0", "-1", "x", "10001"} {
		if rec := ask(h, "GET", "/api/v1/history/prod?limit="+limit, bearer("c")); rec.Code != 400 {
			t.Errorf("limit %s: %d", limit, rec.Code)
		}
	}
}

// What rests in quarantine is approved for that time, too.
func TestAnApprovalOutlivesAQuarantine(t *testing.T) {
	l := inSync("prod", noon)
	l.journal = memory(t)
	w := newWindows(Options{Quarantine: 48 * time.Hour})
	d, err := w.approval(l, Caller{Name: "ann"}, request{Digest: planned(t, l.journal, resource.Restart), For: duration(time.Hour)}, noon)
	if err != nil || !d.Approval.Until.Equal(noon.Add(49*time.Hour)) {
		t.Errorf("%+v %v", d.Approval, err)
	}
}
