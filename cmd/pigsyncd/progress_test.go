package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

func eventOf(at, name string, ended bool, err error) reconcile.Event {
	e := reconcile.Event{When: time.Unix(0, 0), Ended: ended, Err: err, Took: time.Second}
	e.Step.Action = diff.Update
	e.Step.ID = resource.ID{Kind: resource.KindUnit, Name: name, At: at}
	return e
}

// screen plays what was drawn on a terminal that has all the lines it takes, and knows what progress
// uses: going up, clearing below, dim and plain.
func screen(t *testing.T, drawn string) string {
	t.Helper()
	var lines []string
	row := 0
	for line := range strings.Lines(drawn) {
		for strings.HasPrefix(line, "\x1b[") {
			code := line[2 : 2+strings.IndexAny(line[2:], "AJm")+1]
			switch line = line[2+len(code):]; {
			case strings.HasSuffix(code, "A"):
				row -= int(code[0] - '0')
			case code == "J":
				lines = lines[:row]
			case code != "2m":
				t.Fatalf("unknown code %q", code)
			}
		}
		lines = append(lines[:row], strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\x1b[0m"))
		row++
	}
	return strings.Join(lines, "\n")
}

func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	p := &progress{out: &out, live: true, width: 40, running: map[resource.ID]time.Time{}}
	p.event(eventOf("10.10.10.11", "etcd", false, nil))
	p.event(eventOf("10.10.10.10", "patroni", false, nil))
	p.event(eventOf("10.10.10.10", "a-very-long-name-that-has-no-room", false, nil))
	if got, want := screen(t, out.String()), "… 10.10.10.10  unit:a-very-long-name-th\n… 10.10.10.11  unit:etcd"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	p.event(eventOf("10.10.10.11", "etcd", true, nil))
	p.event(eventOf("10.10.10.10", "a-very-long-name-that-has-no-room", true, errors.New("no luck")))
	if got, want := screen(t, out.String()), "~ unit:etcd@10.10.10.11 (1s)\n~ unit:a-very-long-name-that-has-no-room@10.10.10.10: failed after 1s: no luck\n… 10.10.10.10  unit:patroni"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	p.end()
	if got := screen(t, out.String()+"$\n"); strings.Contains(got, "…") || !strings.HasSuffix(got, "\n$") {
		t.Errorf("a line stayed:\n%s", got)
	}
}

// Elsewhere there are plain lines, of what ended.
func TestProgressElsewhere(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&options{env: env{stderr: &out}})
	p.event(eventOf("10.10.10.11", "etcd", false, nil))
	p.event(eventOf("10.10.10.11", "etcd", true, nil))
	p.end()
	if got := out.String(); got != "~ unit:etcd@10.10.10.11 (1s)\n" {
		t.Errorf("got %q", got)
	}
}
