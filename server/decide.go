package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

// noInventory is also what somebody reads who may not see it.
const noInventory = "no such inventory"

// longest is how long an approval or a hold may last.
const longest = 30 * 24 * time.Hour

// refuse answers with an error as programs read it.
func refuse(rw http.ResponseWriter, status int, why string) {
	body, _ := json.Marshal(map[string]string{"error": why}) // texts can be encoded
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	rw.Write(append(body, '\n')) //nolint:errcheck // whoever asked has gone
}

// turnedAway tells the log of a call that was refused.
func (w *windows) turnedAway(r *http.Request, why error) {
	w.Log.LogAttrs(r.Context(), slog.LevelWarn, "a call was refused", slog.String("call", r.Pattern),
		slog.String("from", r.RemoteAddr), slog.Any("err", why))
}

// request is the body of a call that decides something.
type request struct {
	Digest string   `json:"digest,omitempty"`
	Owner  string   `json:"owner,omitempty"`
	Reason string   `json:"reason,omitempty"`
	For    duration `json:"for,omitzero"`
	// Revision is a commit.
	Revision string `json:"revision,omitempty"`
}

// duration is a time such as "4h".
type duration time.Duration

// UnmarshalText reads it; it must be positive.
func (d *duration) UnmarshalText(text []byte) error {
	t, err := time.ParseDuration(string(text))
	if err != nil || t <= 0 || t > longest {
		return fmt.Errorf("for: want a time such as 4h, at most %s, got %q", longest, text)
	}
	*d = duration(t)
	return nil
}

// decision makes of a request what somebody decides.
type decision func(b Backend, c Caller, in request, now time.Time) (history.Decision, error)

// failure is an error and how it is answered.
type failure struct {
	status int
	error
}

func failed(status int, format string, args ...any) error {
	return failure{status, fmt.Errorf(format, args...)}
}

func statusOf(err error) int {
	var f failure
	if errors.As(err, &f) {
		return f.status
	}
	return http.StatusInternalServerError
}

// decides answers a call that decides something: it is journaled, under the caller's name, before it counts.
func (w *windows) decides(make decision) http.HandlerFunc {
	return w.of(func(rw http.ResponseWriter, r *http.Request, b Backend) {
		d, err := w.decide(r, b, make)
		if err != nil {
			w.turnedAway(r, err)
			refuse(rw, statusOf(err), err.Error())
			return
		}
		w.answer(rw, r, d)
	})
}

func (w *windows) decide(r *http.Request, b Backend, make decision) (d history.Decision, err error) {
	in, err := read(r)
	if err != nil {
		return d, err
	}
	if d, err = make(b, callerOf(r.Context()), in, w.Now()); err != nil {
		return d, err
	}
	return d, decideAt(b, d)
}

func decideAt(b Backend, d history.Decision) error {
	j := b.Memory()
	if j == nil {
		return failed(http.StatusConflict, "nothing is remembered of this inventory, so nothing can be decided")
	}
	err := j.Decide(d)
	if errors.Is(err, history.ErrDecision) {
		return failure{http.StatusBadRequest, err}
	}
	if err == nil {
		b.Wake()
	}
	return err
}

// audit journals a call that decides nothing, under the caller's name.
func audit(r *http.Request, b Backend, call string) error {
	c := callerOf(r.Context())
	if j := b.Memory(); j != nil && c.Name != "" {
		return j.Append(history.Called{Call: call, By: c.Name, From: r.RemoteAddr})
	}
	return nil
}

// read takes the body in, whole and nothing else.
func read(r *http.Request) (in request, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return in, failed(http.StatusRequestEntityTooLarge, "the body is too big, or did not come")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return in, failed(http.StatusBadRequest, "the body: %v", err)
	}
	if dec.More() {
		return in, failed(http.StatusBadRequest, "the body: something follows it")
	}
	return in, nil
}

const (
	approvalLife = 24 * time.Hour
	holdLife     = 4 * time.Hour
)

func (d duration) or(usual time.Duration) time.Duration {
	if d == 0 {
		return usual
	}
	return time.Duration(d)
}

// approval lets a plan that is remembered through. What may lose data wants the role of its own, and what rests in
// quarantine is approved for that time, too.
func (w *windows) approval(b Backend, c Caller, in request, now time.Time) (history.Decision, error) {
	plan, err := planOf(b.Memory(), in.Digest)
	switch {
	case errors.Is(err, history.ErrNoPlan):
		return history.Decision{}, failed(http.StatusNotFound, "plan %q: no such plan is remembered", in.Digest)
	case err != nil:
		return history.Decision{}, err
	case destroys(plan) && !c.may(Destroy):
		return history.Decision{}, failed(http.StatusForbidden, "the plan may lose data: the role %s is wanted", Destroy)
	}
	a := plan.Approval(c.String(), now, now.Add(in.For.or(approvalLife)+w.Quarantine))
	return history.Decision{Approval: &a}, nil
}

func planOf(j *history.Journal, digest string) (history.Planned, error) {
	if j == nil {
		return history.Planned{}, history.ErrNoPlan
	}
	return j.Plan(digest)
}

func destroys(p history.Planned) bool {
	for _, s := range p.Steps {
		if s.Hazard&resource.DataLoss != 0 {
			return true
		}
	}
	return false
}

func hold(_ Backend, c Caller, in request, now time.Time) (history.Decision, error) {
	if in.Reason == "" {
		return history.Decision{}, failed(http.StatusBadRequest, "reason: whoever finds the hold wants to know what it is for")
	}
	return history.Decision{Hold: &policies.HoldOrder{
		Owner: in.Owner, By: c.String(), Reason: in.Reason, Until: now.Add(in.For.or(holdLife)),
	}}, nil
}

func accept(_ Backend, c Caller, in request, _ time.Time) (history.Decision, error) {
	return history.Decision{Accept: &history.Adopted{Owners: []string{in.Owner}, By: c.String()}}, nil
}

func resume(_ Backend, c Caller, in request, _ time.Time) (history.Decision, error) {
	return history.Decision{Release: &history.Released{Owner: in.Owner, By: c.String()}}, nil
}

// rollback puts a commit into quarantine, the newest that was attempted when none is named.
func rollback(b Backend, c Caller, in request, _ time.Time) (history.Decision, error) {
	if in.Reason == "" {
		return history.Decision{}, failed(http.StatusBadRequest, "reason: whoever finds the commit in quarantine wants to know why")
	}
	from, to, ok := reconcile.Returnable(b.Memory(), in.Revision)
	if !ok {
		return history.Decision{}, failed(http.StatusConflict, "there is no commit to return to: none before it has converged")
	}
	return history.Decision{Rollback: &history.Quarantined{Revision: from, Return: to, By: c.String(), Reason: in.Reason}}, nil
}

func forgive(_ Backend, c Caller, in request, _ time.Time) (history.Decision, error) {
	return history.Decision{Forgive: &history.Forgiven{Revision: in.Revision, By: c.String()}}, nil
}
