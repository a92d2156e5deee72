package main

import (
	"encoding/json"
	"strings"
	"testing"
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
