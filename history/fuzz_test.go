package history

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var fuzzKinds = []Kind{
	KindRun, KindPlanned, KindIntent, KindResult, KindConverged, KindHeld, KindFailed,
	KindApproved, KindHold, KindReleased, KindCalled, KindRestarts, KindCheckpoint, "later",
}

// content is a file of a checkpoint and b: as it is, or as the payload of a record of each kind that
// is rightly chained, so that what lies behind the hash is reached, too.
func content(b []byte, chained bool) []byte {
	var out []byte
	prev, seq := nothing, uint64(0)
	add := func(k Kind, data []byte) {
		seq++
		r := row{seq: seq, time: time.Unix(1, 0), kind: k, prev: prev, data: data}
		out = append(out, r.encode()...)
		prev = r.hash
	}
	add(KindCheckpoint, []byte("{}"))
	if !chained || bytes.ContainsAny(b, "\n") {
		return append(out, b...)
	}
	for _, k := range fuzzKinds {
		if _, err := decode(k, b); err == nil {
			add(k, b)
		}
	}
	return out
}

// FuzzOpen reads anything after a good beginning: it never panics, and what opens whole can be gone
// on with.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("{\"seq\":1\n"), false)
	f.Add([]byte("\n\n\n"), false)
	f.Add(content([]byte(`{"revision":"a"}`), true), false)
	f.Add([]byte(`{"revision":"a","step":{"id":"unit:etcd@a","action":""},"err":"x"}`), true)
	f.Add([]byte(`{"steps":[{"id":"unit:etcd@a","verdict":"hold"}],"until":"2030-01-01T00:00:00Z"}`), true)
	f.Add([]byte(`{"attempted":["a"],"approvals":[{"steps":null}],"holds":[{}],"owner":"x"}`), true)
	f.Add([]byte(`{"pending":[{"id":"pgmember:pg-1@a","reasons":[{"name":"x"}]}],"over":["pgmember:pg-2@a"],"restarts":[{}]}`), true)
	f.Fuzz(func(t *testing.T, b []byte, chained bool) {
		dir := Memory(t)
		if err := os.WriteFile(filepath.Join(dir, fileName(1)), content(b, chained), 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		records := 0
		for range j.Records(Query{}) {
			records++
		}
		switch bad := j.Tampered() != nil; {
		case bad && Verify(dir) == nil:
			t.Fatal("Open and Verify disagree")
		case bad:
			return
		}
		if err := j.Append(Failed{Revision: "fuzz"}); err != nil {
			t.Fatal(err)
		}
		if seq, _ := j.Head(); seq != uint64(records)+1 {
			t.Fatalf("record %d after %d records", seq, records)
		}
	})
}

// FuzzDecision reads what anybody may leave in the inbox.
func FuzzDecision(f *testing.F) {
	f.Add([]byte(`{"hold":{"owner":"etcd/*","by":"ann","reason":"","until":"2030-01-01T00:00:00Z"}}`))
	f.Add([]byte(`{"approval":{"digest":"p","steps":["d"],"by":"ann","when":"2030-01-01T00:00:00Z","until":"2031-01-01T00:00:00Z"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := decodeDecision("1", b)
		if err != nil {
			return
		}
		var s state
		if err := s.admit(d.entry().bound(), time.Unix(0, 0)); err != nil {
			t.Fatalf("%s may be submitted but not journaled: %v", b, err)
		}
	})
}
