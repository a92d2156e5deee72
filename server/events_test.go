package server

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pigsync/pigsync/reconcile"
)

// changing is a loop whose picture changes while somebody listens.
type changing struct {
	*loop
	mu sync.Mutex
}

func (c *changing) Status() *reconcile.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

func (c *changing) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.news
}

func (c *changing) show(s *reconcile.Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.news)
	c.status, c.news = s, make(chan struct{})
}

// next reads up to the next event.
func next(t *testing.T, lines *bufio.Scanner) (e event) {
	t.Helper()
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				t.Fatal(err)
			}
			return e
		}
	}
	t.Fatalf("the events ended: %v", lines.Err())
	return e
}

func TestEventsTellEachChange(t *testing.T) {
	l := inSync("prod", noon)
	l.news = make(chan struct{})
	b := &changing{loop: l}
	o := options()
	o.Backends = []Backend{b}
	s := httptest.NewServer(New(o))
	defer s.Close()
	resp, err := http.Get(s.URL + "/api/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("type %q", got)
	}
	lines := bufio.NewScanner(resp.Body)
	if e := next(t, lines); e.Inventory != "prod" || e.State != reconcile.InSync {
		t.Errorf("at first: %+v", e)
	}
	b.show(&reconcile.Status{Inventory: "prod", State: reconcile.InSync, Seen: noon.Add(1)}) // no news
	b.show(&reconcile.Status{Inventory: "prod", State: reconcile.Failing, Error: "no route", Drift: true})
	if e := next(t, lines); e.State != reconcile.Failing || e.Error != "no route" || !e.Drift {
		t.Errorf("then: %+v", e)
	}
}

func TestListenersAreCounted(t *testing.T) {
	w := newWindows(options(inSync("prod", noon)).filled())
	for range streams {
		w.streams <- struct{}{}
	}
	rec := httptest.NewRecorder()
	w.events(rec, httptest.NewRequest("GET", "/api/v1/events", nil))
	if rec.Code != http.StatusServiceUnavailable {
		t.Errorf("one too many: %d", rec.Code)
	}
}
