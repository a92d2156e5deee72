package history_test

import (
	"errors"
	"testing"

	"github.com/pigsync/pigsync/history"
)

func TestQuarantine(t *testing.T) {
	dir := t.TempDir()
	open := func() *history.Journal {
		j, err := history.Open(dir, history.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	j := open()
	for _, e := range []history.Entry{
		history.Converged{Revision: "one"}, history.Converged{Revision: "two"}, history.Converged{Revision: "three"},
		began("bad"), history.Quarantined{Revision: "bad", Return: "three", Reason: "its gates do not hold"},
	} {
		if err := j.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // as it is told, and as it is read again
		if q, bad := j.Quarantined("bad"); !bad || q.Return != "three" {
			t.Errorf("%+v %v", q, bad)
		}
		if good, ok := j.LastGood("bad"); !ok || good != "three" {
			t.Errorf("last good %q", good)
		}
		if good, _ := j.LastGood("three"); good != "two" {
			t.Errorf("last good but three %q", good)
		}
		j.Close()
		j = open()
	}
	defer j.Close()
	if err := j.Decide(history.Decision{Rollback: &history.Quarantined{Revision: "three", Return: "two", By: "ann", Reason: "slow"}}); err != nil {
		t.Fatal(err)
	}
	if good, _ := j.LastGood("bad"); good != "two" {
		t.Errorf("what is bad is not gone back to: %q", good)
	}
	if err := j.Decide(history.Decision{Forgive: &history.Forgiven{Revision: "three", By: "ann"}}); err != nil {
		t.Fatal(err)
	}
	if _, bad := j.Quarantined("three"); bad {
		t.Error("it was forgiven")
	}
	for _, d := range []history.Decision{
		{Rollback: &history.Quarantined{Revision: "x", By: "ann", Reason: "r"}},
		{Rollback: &history.Quarantined{Revision: "x", Return: "x", By: "ann", Reason: "r"}},
		{Rollback: &history.Quarantined{Revision: "x", Return: "y", Reason: "r"}},
		{Rollback: &history.Quarantined{Revision: "x", Return: "y", By: "ann"}},
		{Forgive: &history.Forgiven{By: "ann"}},
	} {
		if err := j.Decide(d); !errors.Is(err, history.ErrDecision) {
			t.Errorf("%+v: %v", d, err)
		}
	}
}
