package prometheus_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile/prometheus"
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
	path, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is not installed")
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/p.yml", []byte("global: { scrape_interval: 15s }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := free(t)
	cmd := exec.CommandContext(t.Context(), path, "--config.file="+dir+"/p.yml", "--storage.tsdb.path="+dir+"/data", "--web.listen-address="+addr)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	url := "http://" + addr
	await(t, url+"/-/ready", &log)
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

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await asks until the server is ready.
func await(t *testing.T, url string, log *bytes.Buffer) {
	t.Helper()
	end := time.NewTimer(time.Minute)
	defer end.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if resp, err := http.Get(url); err == nil { //nolint:gosec // it is ours
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-end.C:
			t.Fatalf("it does not become ready:\n%s", log.String())
		case <-tick.C:
		}
	}
}
