package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// A daemon tells nothing of what it opens either: not to those who ask, not to those who follow, not to those whom
// it tells of trouble, and not in the plan that a pull request gets as a comment.
func TestDaemonTellsNothingItOpens(t *testing.T) {
	t.Parallel()
	c, _ := newCage(t)
	told := make(chan []byte, 100)
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		told <- text
	}))
	defer sink.Close()
	c.write("sink.url", "generic+"+sink.URL+"\n")
	c.write("kept/none", "CANARY")
	c.keep("vault", c.reach)
	c.propose()
	cfg := c.withSecrets("api: { anonymous: [ view, sync, plan ] }\nnotify: { sinks: [ { name: ops, url_file: sink.url, every: 1s } ] }\n")
	c.serve(cfg, func() {
		c.look("the history", []byte(c.answer("/api/v1/history/local?limit=1000", time.Now().Add(time.Minute))))
		c.look("the events", c.events())
		for _, format := range []string{"text", "json", "markdown"} {
			said := c.run("plan", "--server", "http://"+c.listen, "--inventory", c.dir+"/proposed", "--name", "local", "-o", format)
			if !strings.Contains(said, "etcd") {
				t.Errorf("no plan in %s: %s", format, said)
			}
		}
		select {
		case text := <-told:
			c.look("what is told", text)
		case <-time.After(time.Minute):
			t.Error("nobody was told of anything")
		}
	})
	c.kept()
}

// propose writes what a pull request would make of the inventory: another secret, in another place.
func (c cage) propose() {
	c.Helper()
	text, err := os.ReadFile(c.dir + "/inv/pigsty.yml")
	if err != nil {
		c.Fatal(err)
	}
	c.write("proposed/pigsty.yml", strings.Replace(string(text), "etcd_seq: 1",
		"etcd_seq: 1, etcd_root_password: CANARY-proposed, etcd_data: /data/proposed", 1))
}

// events are the first that somebody sees who begins to follow.
func (c cage) events() []byte {
	c.Helper()
	ctx, stop := context.WithTimeout(c.Context(), time.Minute)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.listen+"/api/v1/events", nil)
	if err != nil {
		c.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer res.Body.Close()
	var seen strings.Builder
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		fmt.Fprintln(&seen, lines.Text())
		if strings.HasPrefix(lines.Text(), "data:") {
			return []byte(seen.String())
		}
	}
	c.Errorf("no event: %s", seen.String())
	return nil
}
