package reconcile

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// ended is a round whose steps, each of an owner of its own (one, two, …), came to these results.
func ended(frozen bool, ends ...stepEnd) *Round {
	r := &Round{Plan: &diff.Plan{}, Want: &resource.Set{}, Frozen: map[string]bool{}}
	for i, e := range ends {
		s := diff.Step{Change: diff.Change{Action: e.action, Resource: resource.Resource{Owner: fmt.Sprintf("toy/%d", i+1), ID: file(fmt.Sprint(i), "a")}}}
		r.Plan.Steps, r.Results = append(r.Plan.Steps, s), append(r.Results, e.err)
		r.Verdicts = append(r.Verdicts, policies.Allow)
	}
	if frozen {
		r.Frozen["toy/frozen"] = true
	}
	return r
}

type stepEnd struct {
	action diff.Action
	err    error
}

func TestOutcome(t *testing.T) {
	var (
		failed  = errors.New("boom")
		moved   = fmt.Errorf("apply: %w", executors.ErrMoved)
		unknown = fmt.Errorf("%w: %w", ErrUnknown, errors.New("no route to host"))
		journal = errors.Join(nil, fmt.Errorf("%w: disk full", ErrJournal))
	)
	for _, c := range []struct {
		name    string
		frozen  bool
		endless bool
		ends    []stepEnd
		outcome Outcome
		state   State
		owners  []State // of the steps
		causes  int
	}{
		{name: "nothing differs", outcome: Converged, state: InSync},
		{name: "nothing differs, one owner is frozen", frozen: true, outcome: Held, state: OnHold},
		{name: "done", ends: []stepEnd{{'+', nil}}, outcome: Progressed, state: Converging, owners: []State{Converging}},
		{name: "done and failed", ends: []stepEnd{{'+', failed}, {'~', nil}}, outcome: Progressed, state: Converging,
			owners: []State{Failing, Converging}, causes: 1},
		{name: "moved", ends: []stepEnd{{'~', moved}, {'~', failed}}, outcome: Progressed, state: Converging,
			owners: []State{Converging, Failing}, causes: 2},
		{name: "failed", ends: []stepEnd{{'~', failed}, {'~', ErrBlocked}, {'~', ErrHeld}, {'?', unknown}}, outcome: Failed, state: Failing,
			owners: []State{Failing, OnHold, OnHold, Unknown}, causes: 1},
		{name: "held", ends: []stepEnd{{'-', ErrHeld}, {'=', ErrBlocked}}, outcome: Held, state: OnHold, owners: []State{OnHold, OnHold}},
		{name: "unknown", ends: []stepEnd{{'?', unknown}, {'+', ErrHeld}}, outcome: Held, state: Unknown, owners: []State{Unknown, OnHold}},
		{name: "waits for what is unknown", ends: []stepEnd{{'?', ErrBlocked}}, outcome: Held, state: Unknown, owners: []State{Unknown}},
		{name: "a gate holds now", ends: []stepEnd{{'=', nil}, {'=', nil}}, outcome: Progressed, state: Converging, owners: []State{Converging, Converging}},
		{name: "a gate holds, what comes after is held", ends: []stepEnd{{'=', nil}, {'~', ErrHeld}}, outcome: Held, state: OnHold,
			owners: []State{Converging, OnHold}},
		{name: "a gate does not hold", ends: []stepEnd{{'=', failed}, {'~', ErrBlocked}}, outcome: Failed, state: Failing,
			owners: []State{Failing, OnHold}, causes: 1},
		{name: "dropped", ends: []stepEnd{{'~', ErrDropped}, {'~', ErrHeld}}, outcome: Progressed, state: Converging, owners: []State{Converging, OnHold}},
		{name: "the journal is full", ends: []stepEnd{{'~', journal}, {'?', journal}}, outcome: Failed, state: Failing,
			owners: []State{Failing, Unknown}, causes: 2},
		{name: "no end", endless: true, ends: []stepEnd{{'~', nil}}, outcome: Failed, state: Failing, owners: []State{Converging}, causes: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ended(c.frozen, c.ends...)
			r.endless = c.endless
			s := StatusOf("test", r)
			if r.Outcome() != c.outcome || s.State != c.state || len(r.Causes()) != c.causes {
				t.Errorf("%s, %s, causes %v", r.Outcome(), s.State, r.Causes())
			}
			if c.frozen {
				c.owners = append(c.owners, Rejected)
			}
			if len(s.Owners) != len(c.owners) {
				t.Fatalf("owners %v", s.Owners)
			}
			for i, o := range s.Owners {
				if o.State != c.owners[i] {
					t.Errorf("%s is %s, want %s", o.Owner, o.State, c.owners[i])
				}
			}
		})
	}
}

// A plan that was only made has no results: what it would do is still to be done.
func TestStatusOfAPlan(t *testing.T) {
	r := ended(false, stepEnd{'+', nil}, stepEnd{'?', nil})
	r.Results = nil
	s := StatusOf("test", r)
	if s.Owners[0].State != Converging || s.Owners[1].State != Unknown || len(s.Results) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestOutcomesAndStatesAreSpelled(t *testing.T) {
	for o, want := range map[Outcome]string{Converged: "converged", Progressed: "progressed", Held: "held", Failed: "failed", 200: "failed"} {
		if b, err := o.MarshalText(); string(b) != want || err != nil {
			t.Errorf("%d is %q", o, b)
		}
	}
}

func TestGraver(t *testing.T) {
	for i, a := range gravity {
		for j, b := range gravity {
			if got := graver(a, b); got != gravity[max(i, j)] {
				t.Errorf("of %s and %s: %s", a, b, got)
			}
		}
	}
}

func TestExplain(t *testing.T) {
	r := ended(false, stepEnd{'~', ErrHeld})
	r.Verdicts[0] = policies.Hold
	r.Objections = []policies.Objection{{Step: 0, Code: "PS101"}}
	id := r.Plan.Steps[0].ID
	r.Have = map[resource.ID]resource.State{id: {Spec: resource.File{}}}
	e, ok := r.Explain(id)
	if !ok || e.Step == nil || e.Verdict != policies.Hold || len(e.Objection) != 1 || e.Have.Spec == nil {
		t.Errorf("%v %+v", ok, e)
	}
	if _, ok := r.Explain(file("nobody", "a")); ok {
		t.Error("what nobody knows is explained")
	}
}

func TestRefusedNamesTheFirstError(t *testing.T) {
	problem := func(s inventory.Severity, msg string) inventory.Problem {
		return inventory.Problem{Severity: s, Msg: msg}
	}
	for want, problems := range map[string][]inventory.Problem{
		"":                         {problem(inventory.Warning, "w")},
		"-: a":                     {problem(inventory.Warning, "w"), problem(inventory.Error, "a")},
		"-: a (and 1 more errors)": {problem(inventory.Error, "a"), problem(inventory.Warning, "w"), problem(inventory.Error, "b")},
	} {
		if got := (&Refused{Problems: problems}).Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
