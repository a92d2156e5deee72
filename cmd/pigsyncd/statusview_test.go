package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/resource"
)

// A node that is away is told once, however much there is on it.
func TestStatusTellsOfANodeOnce(t *testing.T) {
	var s statusView
	if err := json.Unmarshal([]byte(`{"inventory":"prod","state":"unknown","plan":{"digest":"d","summary":"4 unknown","steps":[
		{"action":"?","id":"hostname:node@n1","origin":"a:1"},{"action":"~","id":"file:/x@n2","origin":"a:2"},
		{"action":"?","id":"unit:etcd@n1","origin":"a:3"},{"action":"?","id":"unit:b@n1","origin":"a:4"},{"action":"?","id":"unit:c@n3","origin":"a:5"}]},
		"results":["refused","","refused","masked","refused"]}`), &s); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	s.writePlan(&b)
	const want = "  ? 2 resources of n1\n      refused\n  ~ file:/x@n2  a:2\n  ? unit:b@n1  a:4\n      masked\n  ? unit:c@n3  a:5\n      refused\n  plan d: 4 unknown\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// Who waits for a restart is told in text as the daemon says it, and passed on in JSON.
func TestStatusTellsOfPendingRestarts(t *testing.T) {
	const sent = `{"inventory":"prod","state":"converged","since":"2026-01-02T03:04:05Z","pending_restarts":[` +
		`{"instance":"pg-1","node":"n1","cluster":"pg","reasons":["max_connections","wal_level"],"since":"2026-01-01T00:00:00Z"},` +
		`{"instance":"pg-2","node":"n2","cluster":"pg","since":"2026-01-01T01:00:00Z"}]}`
	var s statusView
	if err := json.Unmarshal([]byte(sent), &s); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	s.write(&b)
	at := func(hour int) string {
		return time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC).Local().Format(time.DateTime)
	}
	want := "pending restart: pg-1 on n1 of pg since " + at(0) + ": max_connections, wal_level\npending restart: pg-2 on n2 of pg since " + at(1) + "\n"
	if !strings.HasSuffix(b.String(), want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if back, err := json.Marshal(s); err != nil || string(back) != sent {
		t.Errorf("%v: %s", err, back)
	}
}

// The journal's record of it is a sentence.
func TestHistoryTellsOfPendingRestarts(t *testing.T) {
	id := func(name string) resource.ID { return resource.PGMemberOf(name, "n1") }
	got := tell(history.Restarts{Pending: []history.PendingRestart{
		{ID: id("pg-1"), Reasons: []history.PendingReason{{Name: "max_connections"}, {Name: "wal_level"}}}, {ID: id("pg-2")},
	}, Over: []resource.ID{id("pg-3")}})
	const want = "pgmember:pg-1@n1 waits for a restart because of max_connections, wal_level; pgmember:pg-2@n1 waits for a restart; " +
		"pgmember:pg-3@n1 waits for no restart any more"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
