package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/reconcile"
)

// meter counts the frames of a kind in what a helper is told. A frame is written in one piece, and is
// here in pieces as long as the reader likes.
type meter struct {
	mark  []byte
	tail  []byte // of what was read, as long as a mark may be cut in two
	count *atomic.Int64
}

func newMeter(op string, count *atomic.Int64) *meter {
	return &meter{mark: fmt.Appendf(nil, `{"Op":%q,`, op), count: count}
}

func (m *meter) Write(p []byte) (int, error) {
	text := append(m.tail, p...)
	m.count.Add(int64(bytes.Count(text, m.mark)))
	m.tail = bytes.Clone(text[max(0, len(text)-len(m.mark)+1):])
	return len(p), nil
}

func TestMeterCountsWhatIsCutInTwo(t *testing.T) {
	const frame = `{"Op":"observe","ID":1}`
	for cut := range len(frame) {
		var n atomic.Int64
		m := newMeter("observe", &n)
		for _, part := range []string{frame[:cut], frame[cut:] + frame[:cut], frame[cut:], `{"Op":"apply","ID":2}`} {
			_, _ = m.Write([]byte(part)) // never fails
		}
		if n.Load() != 2 {
			t.Errorf("cut at %d: counted %d, want 2", cut, n.Load())
		}
	}
}

// In a quiet round each node is asked once, and told to do nothing.
func TestAQuietRoundAsksEachNodeOnce(t *testing.T) {
	c := cage{T: t, dir: t.TempDir()}
	inventory := "all:\n  vars: { node_repo_modules: '' }\n  children:\n    nodes:\n      hosts:\n"
	var reach, known strings.Builder
	asked, told := make([]atomic.Int64, 4), make([]atomic.Int64, 4)
	for i := range asked {
		addr := fmt.Sprintf("10.10.10.%d", 10+i)
		srv := serveNode(t, filepath.Join(c.dir, addr), newMeter("observe", &asked[i]), newMeter("apply", &told[i]))
		inventory += fmt.Sprintf("        %s: { nodename: node-%d }\n", addr, i+1)
		fmt.Fprintf(&reach, "    %s: { ansible_host: 127.0.0.1, ansible_user: root, ansible_port: %d, ansible_ssh_private_key_file: %s }\n", addr, srv.Port, srv.KeyFile)
		known.WriteString(srv.KnownHostsLines())
	}
	c.write("state/known_hosts", known.String())
	c.write("inv/group_vars/all.yml", modtest.Plain)
	c.write("inv/pigsty.yml", inventory+"reach:\n  hosts:\n"+reach.String())
	cfg := c.write("pigsync.yml", c.helpers()+"state: state\ninventories: [ { name: quiet, dir: inv } ]\n")
	s, err := (&options{env: c.env(&lockedWriter{w: new(bytes.Buffer)}), config: cfg}).open(writeJournal)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rev, err := s.source.Next(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	round, err := s.Run(t.Context(), rev, s.at(t.Context()), nil)
	if err != nil || round.Outcome() != reconcile.Converged {
		t.Fatalf("not converged: %v: %+v", err, round)
	}
	for i := range asked {
		if told[i].Swap(0) == 0 || asked[i].Swap(0) == 0 {
			t.Fatal("the nodes converged and nothing was counted")
		}
	}
	const rounds = 3
	for range rounds {
		if round, err := s.Round(t.Context(), rev, nil); err != nil || round.Outcome() != reconcile.Converged {
			t.Fatalf("not quiet: %v: %+v", err, round)
		}
	}
	for i := range asked {
		if asked[i].Load() != rounds || told[i].Load() != 0 {
			t.Errorf("in %d quiet rounds node-%d was asked %d times and told %d changes, want one question a round", rounds, i+1, asked[i].Load(), told[i].Load())
		}
	}
}
