package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
	"github.com/pigsync/pigsync/sources"
)

var noon = time.Unix(1_700_000_000, 0)

// loop is an inventory whose picture the test chooses.
type loop struct {
	status  *reconcile.Status
	news    chan struct{}
	journal *history.Journal
	round   *reconcile.Round // what a preview comes to
	refused error            // or why it does not
	wakes   int
	fetches atomic.Int64
}

func (l *loop) Status() *reconcile.Status { return l.status }
func (l *loop) Wake()                     { l.wakes++ }
func (l *loop) Fetch()                    { l.fetches.Add(1) }
func (l *loop) Changed() <-chan struct{}  { return l.news }
func (l *loop) Memory() *history.Journal  { return l.journal }

func (l *loop) Preview(_ context.Context, _ string, tree fs.FS) (*reconcile.Round, error) {
	if _, err := fs.Stat(tree, "pigsty.yml"); err != nil {
		return nil, err
	}
	return l.round, l.refused
}

func inSync(name string, seen time.Time) *loop {
	return &loop{status: &reconcile.Status{Inventory: name, State: reconcile.InSync, Seen: seen}}
}

func starting(name string) *loop {
	return &loop{status: &reconcile.Status{Inventory: name, State: reconcile.Starting, Since: noon}}
}

func options(ls ...*loop) Options {
	o := Options{Now: func() time.Time { return noon }, Version: "1.2.3", Access: Access{Anonymous: Roles}}
	for _, l := range ls {
		o.Backends = append(o.Backends, l)
	}
	return o
}

func ask(h http.Handler, verb, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(verb, "http://127.0.0.1:9099"+path, nil)
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func TestNoOtherRoutes(t *testing.T) {
	h := New(options(inSync("prod", noon)))
	answers := map[string]bool{}
	for _, r := range newWindows(options().filled()).routes() {
		answers[r.verb+" "+r.path] = true
		answers["HEAD "+r.path] = answers["HEAD "+r.path] || r.verb == "GET"
	}
	for _, r := range newWindows(options().filled()).routes() {
		path := strings.NewReplacer("{inventory}", "nope", "{hook}", "nope").Replace(r.path)
		for _, verb := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			if strings.HasSuffix(path, "/events") && answers[verb+" "+r.path] {
				continue // it does not end
			}
			if got := ask(h, verb, path).Code; (got == http.StatusMethodNotAllowed) == answers[verb+" "+r.path] {
				t.Errorf("%s %s: %d", verb, r.path, got)
			}
		}
	}
	for _, path := range []string{"/", "/api", "/api/v1", "/api/v1/status/", "/api/v1/status/prod/x", "/api/v1/wake", "/debug/pprof/", "/metrics/x", "/healthz/", "/favicon.ico", "/..%2fetc"} {
		if got := ask(h, "GET", path).Code; got != http.StatusNotFound {
			t.Errorf("GET %s: %d, want 404", path, got)
		}
	}
}

func TestStatus(t *testing.T) {
	h := New(options(inSync("prod", noon), starting("dev")))
	var all []struct{ Inventory, State string }
	rec := ask(h, "GET", "/api/v1/status")
	if err := json.Unmarshal(rec.Body.Bytes(), &all); err != nil || len(all) != 2 || all[0].Inventory != "dev" || all[1].State != "converged" {
		t.Errorf("all: %s, %v", rec.Body, err)
	}
	if got := rec.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("type %q", got)
	}
	var one struct{ Inventory, State string }
	rec = ask(h, "GET", "/api/v1/status/dev")
	if err := json.Unmarshal(rec.Body.Bytes(), &one); err != nil || one.Inventory != "dev" || one.State != "starting" {
		t.Errorf("one: %s, %v", rec.Body, err)
	}
	if rec := ask(h, "GET", "/api/v1/status/nope"); rec.Code != http.StatusNotFound {
		t.Errorf("unknown inventory: %d", rec.Code)
	}
	if rec := ask(New(options()), "GET", "/api/v1/status"); rec.Body.String() != "[]\n" {
		t.Errorf("nothing to serve: %q", rec.Body)
	}
}

func TestHealth(t *testing.T) {
	refused := &loop{status: &reconcile.Status{Inventory: "lab", State: reconcile.Rejected, Seen: noon.Add(-time.Minute)}}
	for name, c := range map[string]struct {
		loops          []*loop
		healthy, ready int
		health, notYet string
	}{
		"in sync":       {[]*loop{inSync("prod", noon)}, 200, 200, "ok\n", "ok\n"},
		"refused":       {[]*loop{refused}, 200, 200, "ok\n", "ok\n"},
		"just in time":  {[]*loop{inSync("prod", noon.Add(-time.Hour))}, 200, 200, "ok\n", "ok\n"},
		"starting":      {[]*loop{inSync("prod", noon), starting("dev")}, 200, 503, "ok\n", "dev: not looked at yet\n"},
		"stuck":         {[]*loop{inSync("prod", noon.Add(-90*time.Minute)), inSync("dev", noon)}, 503, 200, "prod: last looked at 1h30m0s ago\n", "ok\n"},
		"several stuck": {[]*loop{inSync("b", noon.Add(-2*time.Hour)), inSync("a", noon.Add(-3*time.Hour))}, 503, 200, "a: last looked at 3h0m0s ago\nb: last looked at 2h0m0s ago\n", "ok\n"},
		"nothing":       {nil, 200, 200, "ok\n", "ok\n"},
	} {
		h := New(options(c.loops...))
		if rec := ask(h, "GET", "/healthz"); rec.Code != c.healthy || rec.Body.String() != c.health {
			t.Errorf("%s: healthz %d %q", name, rec.Code, rec.Body)
		}
		if rec := ask(h, "GET", "/readyz"); rec.Code != c.ready || rec.Body.String() != c.notYet {
			t.Errorf("%s: readyz %d %q", name, rec.Code, rec.Body)
		}
	}
	o := options(inSync("prod", noon.Add(-2*time.Minute)))
	o.Patience = time.Minute
	if rec := ask(New(o), "GET", "/healthz"); rec.Code != 503 {
		t.Errorf("patience of a minute: %d", rec.Code)
	}
}

func TestWake(t *testing.T) {
	prod, dev := inSync("prod", noon), inSync("dev", noon)
	h := New(options(prod, dev))
	body := func(n int64) func(*http.Request) {
		return func(r *http.Request) { r.Body = io.NopCloser(io.LimitReader(zeros{}, n)) }
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, c := range map[string]struct {
		path   string
		change func(*http.Request)
		want   int
	}{
		"plain":                 {"prod", body(0), 202},
		"a webhook's body":      {"prod", body(maxBody), 202},
		"too big a body":        {"prod", body(maxBody + 1), 413},
		"an endless body":       {"prod", body(1 << 50), 413},
		"an unknown inventory":  {"nope", body(0), 404},
		"our own page":          {"prod", header("Sec-Fetch-Site", "same-origin"), 202},
		"a page of another":     {"prod", header("Sec-Fetch-Site", "cross-site"), 403},
		"a neighbour":           {"prod", header("Sec-Fetch-Site", "same-site"), 403},
		"an old browser":        {"prod", header("Origin", "https://evil.example"), 403},
		"a sandboxed frame":     {"prod", header("Origin", "null"), 403},
		"an old browser, at us": {"prod", header("Origin", "http://127.0.0.1:9099"), 202},
	} {
		prod.wakes, dev.wakes = 0, 0
		prod.fetches.Store(0)
		rec := ask(h, "POST", "/api/v1/wake/"+c.path, c.change)
		woken := 0
		if c.want == 202 {
			woken = 1
		}
		if rec.Code != c.want || prod.wakes != woken || prod.fetches.Load() != int64(woken) || dev.wakes != 0 {
			t.Errorf("%s: %d, want %d; woken %d and %d times", name, rec.Code, c.want, prod.wakes, dev.wakes)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestEveryAnswerHasTheHeaders(t *testing.T) {
	h := New(options(starting("prod")))
	for _, at := range []string{"GET /metrics", "GET /healthz", "GET /readyz", "GET /api/v1/status", "GET /nope", "DELETE /metrics", "POST /api/v1/wake/nope"} {
		verb, path, _ := strings.Cut(at, " ")
		got := ask(h, verb, path).Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control": "no-store", "Server": "pigsync/1.2.3",
		} {
			if got.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", at, name, got.Get(name), want)
			}
		}
	}
}

const canary = "hunter2"

// secretive is a round full of secrets, as it would be published.
func secretive() *loop {
	r := secrets()
	return &loop{status: reconcile.StatusOf("prod", r), round: r}
}

func secrets() *reconcile.Round {
	file := resource.NewFile([]byte("password: "+canary), 0o600, "root", "root")
	file.Secret = true
	id := resource.ID{Kind: resource.KindFile, Name: "/etc/secret", At: "10.0.0.1"}
	user := resource.EtcdUser{Password: resource.NewSecret(canary)}
	steps := []diff.Step{
		{Change: diff.Change{Resource: resource.Resource{ID: id, Spec: file, Owner: "etcd/etcd"}, Action: diff.Create, Fields: file.Compare(nil)}},
		{Change: diff.Change{Resource: resource.Resource{ID: resource.ID{Kind: user.Kind(), Name: "app", At: "etcd"}, Spec: user, Owner: "etcd/etcd"}, Action: diff.Create, Fields: user.Compare(nil)}},
	}
	return &reconcile.Round{
		Began: noon, Plan: &diff.Plan{Steps: steps}, Verdicts: make([]policies.Verdict, 2), Results: []error{nil, errors.New("no route")},
		Want: &resource.Set{}, Revision: sources.Revision{ID: "abc"},
		Restarts: []reconcile.PendingRestart{{Instance: "pg-1", Node: "10.0.0.1", Cluster: "pg", Reasons: []string{"wal_level"}, Since: noon}},
		Have:     map[resource.ID]resource.State{id: {Spec: file}},
	}
}

func TestNoSecretIsShown(t *testing.T) {
	l := secretive()
	reg := prometheus.NewRegistry()
	reconcile.NewMetrics(reg, "prod")
	o := options(l)
	o.Gatherer = reg
	h := New(o)
	for _, path := range []string{"/api/v1/status", "/api/v1/status/prod", "/metrics", "/healthz", "/readyz"} {
		body := ask(h, "GET", path).Body.String()
		if strings.Contains(body, canary) {
			t.Errorf("%s shows the secret: %s", path, body)
		}
		if strings.HasPrefix(path, "/api") && !strings.Contains(body, "file:/etc/secret@10.0.0.1") {
			t.Errorf("%s does not show the plan: %s", path, body)
		}
	}
}

// broken panics when it is asked.
type broken struct{ with any }

func (b broken) Status() *reconcile.Status { panic(b.with) }
func (b broken) Wake()                     {}
func (b broken) Fetch()                    {}
func (b broken) Changed() <-chan struct{}  { return nil }
func (b broken) Memory() *history.Journal  { return nil }

func (b broken) Preview(context.Context, string, fs.FS) (*reconcile.Round, error) { panic(b.with) }

func TestAPanicEndsOneRequest(t *testing.T) {
	var log bytes.Buffer
	o := Options{Backends: []Backend{broken{"value " + canary}}, Access: Access{Anonymous: Roles}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	h := New(o)
	rec := ask(h, "GET", "/api/v1/status")
	if rec.Code != http.StatusInternalServerError || rec.Body.String() != "internal error\n" {
		t.Errorf("%d %q", rec.Code, rec.Body)
	}
	if text := log.String(); !strings.Contains(text, "statuses") || !strings.Contains(text, "panic=string") || strings.Contains(text, canary) {
		t.Errorf("the log says %q", text)
	}
	if rec := ask(h, "GET", "/metrics"); rec.Code != 200 {
		t.Errorf("the next request: %d", rec.Code)
	}
}

func TestAnAbortedRequestStaysAborted(t *testing.T) {
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("recovered %v", p)
		}
	}()
	ask(New(Options{Backends: []Backend{broken{http.ErrAbortHandler}}}), "GET", "/readyz")
}

func TestTheRuntimeSaysWhatWentWrong(t *testing.T) {
	defer func() {
		if got := describe(recover()); got != "runtime error: index out of range [3] with length 0" {
			t.Errorf("got %q", got)
		}
	}()
	var none []int
	at := 3
	_ = none[at]
}

// liar is a collector whose metrics cannot be gathered.
type liar struct{ desc *prometheus.Desc }

func (l liar) Describe(out chan<- *prometheus.Desc) { out <- l.desc }
func (l liar) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.NewInvalidMetric(l.desc, errors.New("cannot be read"))
}

func TestMetricsShowWhatTheyCan(t *testing.T) {
	var log bytes.Buffer
	reg := prometheus.NewRegistry()
	reconcile.NewMetrics(reg, "prod")
	reg.MustRegister(liar{prometheus.NewDesc("broken", "x", nil, nil)})
	h := New(Options{Gatherer: reg, Log: slog.New(slog.NewTextHandler(&log, nil))})
	rec := ask(h, "GET", "/metrics")
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), `pigsync_converged{inventory="prod"} 0`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if !strings.Contains(log.String(), "cannot be read") {
		t.Errorf("the log says %q", &log)
	}
}
