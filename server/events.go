package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pigsync/pigsync/reconcile"
)

const (
	streams   = 64 // at once
	heartbeat = 15 * time.Second
)

// event is what is told of an inventory whenever its picture is a new one; the whole of it is its status.
type event struct {
	Inventory string          `json:"inventory"`
	State     reconcile.State `json:"state"`
	Since     time.Time       `json:"since"`
	Revision  string          `json:"revision,omitempty"`
	Author    string          `json:"author,omitempty"`
	Subject   string          `json:"subject,omitempty"`
	Drift     bool            `json:"drift"`
	Drifts    int             `json:"drifts,omitempty"`     // how many resources have drifted
	Oldest    time.Time       `json:"drift_since,omitzero"` // when the first of them was first seen
	Plan      string          `json:"plan,omitempty"`
	Summary   string          `json:"summary,omitempty"`
	Error     string          `json:"error,omitempty"`
}

func eventOf(s *reconcile.Status) event {
	e := event{
		Inventory: s.Inventory, State: s.State, Since: s.Since, Revision: s.Revision,
		Author: s.Author, Subject: s.Subject, Drift: s.Drift, Error: s.Error,
	}
	if e.Drifts = len(s.Drifts); e.Drifts > 0 {
		e.Oldest = s.Drifts[0].Since
	}
	if s.Plan != nil && len(s.Plan.Steps) > 0 {
		e.Plan, e.Summary = s.Plan.Digest(), s.Plan.Summary()
	}
	return e
}

// events tells the state of every inventory the caller may see, and then each change of one, as long as
// he listens (server-sent events). What changes twice before he reads is told once.
func (w *windows) events(rw http.ResponseWriter, r *http.Request) {
	select {
	case w.streams <- struct{}{}:
		defer func() { <-w.streams }()
	default:
		refuse(rw, http.StatusServiceUnavailable, "too many listen already")
		return
	}
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.WriteHeader(http.StatusOK)
	told := map[string]event{}
	for {
		changed := w.changed()
		if err := w.tell(rw, callerOf(r.Context()), told); err != nil {
			return
		}
		if err := wait(rw, r, changed); err != nil {
			return
		}
	}
}

// tell writes what is news.
func (w *windows) tell(rw http.ResponseWriter, c Caller, told map[string]event) error {
	if err := postpone(rw, writeTimeout); err != nil {
		return err
	}
	for _, s := range w.statuses() {
		e := eventOf(s)
		if !c.sees(s.Inventory) || told[s.Inventory] == e {
			continue
		}
		told[s.Inventory] = e
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(rw, "event: status\ndata: %s\n\n", body); err != nil {
			return err
		}
	}
	return http.NewResponseController(rw).Flush()
}

// changed is closed as soon as any picture is a new one.
func (w *windows) changed() []<-chan struct{} {
	var all []<-chan struct{}
	for _, b := range w.Backends {
		all = append(all, b.Changed())
	}
	return all
}

// wait ends at the first change; meanwhile it writes comments, so that a listener who has gone is noticed.
func wait(rw http.ResponseWriter, r *http.Request, changed []<-chan struct{}) error {
	first := make(chan struct{}, len(changed))
	done := make(chan struct{})
	defer close(done)
	for _, c := range changed {
		go func() {
			select {
			case <-c:
				first <- struct{}{}
			case <-done:
			}
		}()
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-first:
			return nil
		case <-r.Context().Done():
			return r.Context().Err()
		case <-beat.C:
			if err := comment(rw); err != nil {
				return err
			}
		}
	}
}

func comment(rw http.ResponseWriter) error {
	if err := postpone(rw, writeTimeout); err != nil {
		return err
	}
	if _, err := fmt.Fprint(rw, ":\n\n"); err != nil {
		return err
	}
	return http.NewResponseController(rw).Flush()
}

// postpone gives an answer this much time from now, whatever the clock of the rounds says.
func postpone(rw http.ResponseWriter, d time.Duration) error {
	err := http.NewResponseController(rw).SetWriteDeadline(time.Now().Add(d))
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}
