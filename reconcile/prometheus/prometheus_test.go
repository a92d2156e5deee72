package prometheus_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile/prometheus"
	"github.com/pigsync/pigsync/reconcile/prometheus/promtest"
	"github.com/pigsync/pigsync/resource"
)

func ask(t *testing.T, url, query string) policies.Sample {
	t.Helper()
	a := &prometheus.Asker{URL: url, Queries: map[string]string{"q": query}, Now: time.Now}
	s, asked := a.Measure(t.Context())["q"]
	if !asked || s.When.IsZero() {
		t.Fatalf("no sample: %+v", s)
	}
	return s
}

// Whatever a server answers, there is a number or a reason.
func TestAnswers(t *testing.T) {
	for body, want := range map[string]policies.Sample{
		`{"status":"success","data":{"resultType":"scalar","result":[1,"2.5"]}}`:                             {Value: 2.5},
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"0.01"]}]}}`:    {Value: 0.01},
		`{"status":"success","data":{"resultType":"vector","result":[]}}`:                                    {Err: "the query has 0 results: want one"},
		`{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"1"]},{"value":[1,"2"]}]}}`: {Err: "the query has 2 results: want one"},
		`{"status":"success","data":{"resultType":"matrix","result":[]}}`:                                    {Err: "the query gives a matrix: want one number"},
		`{"status":"error","error":"parse error"}`:                                                           {Err: "the query was refused: parse error"},
		`<html>`: {Err: "that is no answer of a Prometheus"},
		`{"status":"success","data":{"resultType":"scalar","result":"x"}}`: {Err: "that is no answer of a Prometheus"},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		got := ask(t, srv.URL, "x")
		srv.Close()
		if got.Value != want.Value || got.Err != want.Err {
			t.Errorf("%s: %+v, want %+v", body, got, want)
		}
	}
}

// A server that does not answer, refuses, or asks for a word is a reason, too; the word is read from its file.
func TestWhoDoesNotAnswer(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("open\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer open" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}`)
	}))
	if got := ask(t, srv.URL, "x"); got.Err != "401 Unauthorized: that is no answer of a Prometheus" {
		t.Errorf("without a token: %+v", got)
	}
	a := &prometheus.Asker{URL: srv.URL + "/", TokenFile: token, Queries: map[string]string{"q": "x"}, Now: time.Now}
	if got := a.Measure(t.Context())["q"]; got.Value != 7 || got.Err != "" {
		t.Errorf("with a token: %+v", got)
	}
	srv.Close()
	if got := ask(t, srv.URL, "x"); !strings.Contains(got.Err, "connection refused") || strings.Contains(got.Err, "http://") {
		t.Errorf("nobody there: %+v", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got := a.Measure(ended)["q"]; got.Err == "" {
		t.Errorf("out of time: %+v", got)
	}
}

// A real Prometheus understands the question, and we its answer.
func TestARealPrometheus(t *testing.T) {
	url := promtest.Start(t, "").URL
	for query, want := range map[string]policies.Sample{
		"1 + 1":        {Value: 2},
		"vector(0.5)":  {Value: 0.5},
		"nobody_knows": {Err: "the query has 0 results: want one"},
	} {
		if got := ask(t, url, query); got.Value != want.Value || got.Err != want.Err {
			t.Errorf("%s: %+v, want %+v", query, got, want)
		}
	}
	if got := ask(t, url, "1 +"); !strings.Contains(got.Err, "the query was refused") {
		t.Errorf("no PromQL: %+v", got)
	}
}

// A ring waits as long as a real Prometheus measures the one before badly, goes on when it measures well, and waits
// again when it is not there any more.
func TestTheGateOfARing(t *testing.T) {
	var errors atomic.Int64
	errors.Store(7)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "app_errors %d\n", errors.Load()) }))
	defer app.Close()
	server := promtest.Start(t, "scrape_configs: [ { job_name: app, static_configs: [ { targets: [ '"+strings.TrimPrefix(app.URL, "http://")+"' ] } ] } ]\n")
	most := 1.0
	rings := policies.Rings([]policies.Ring{
		{Name: "dev", Owners: []string{"etcd/dev"}, Gates: []policies.Gate{{Name: "errors", Max: &most}}}, {Name: "production", Owners: []string{"etcd/*"}},
	})
	asker := &prometheus.Asker{URL: server.URL, Queries: map[string]string{"errors": "sum(app_errors)"}, Now: time.Now}
	said := func() string {
		c := &policies.Case{Now: time.Now(), Plan: &diff.Plan{Steps: []diff.Step{{Change: diff.Change{
			Resource: resource.Resource{ID: resource.ID{Kind: "unit", Name: "etcd", At: "10.0.0.1"}, Owner: "etcd/production"}, Action: diff.Update,
		}}}}, Samples: asker.Measure(t.Context())}
		_, os := policies.Judge(c, []*policies.Policy{rings})
		if len(os) == 0 {
			return ""
		}
		return os[0].Code + " " + os[0].Reason
	}
	for _, next := range []struct {
		then func()
		want string
	}{
		{func() {}, "PS125 the ring dev: errors is 7, more than 1"},
		{func() { errors.Store(1) }, ""},
		{server.Stop, "PS125 the ring dev: nobody knows errors: "},
	} {
		next.then()
		so := func() bool { s := said(); return s == next.want || next.want != "" && strings.HasPrefix(s, next.want) }
		if !promtest.Await(so) {
			t.Fatalf("it says %q, want %q", said(), next.want)
		}
	}
}
