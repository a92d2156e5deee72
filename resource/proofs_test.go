package resource

import (
	"strconv"
	"testing"
)

// What a comparison came to is remembered for that verifier and that password, and for nothing else.
func TestProofs(t *testing.T) {
	p, asked := newProofs(), 0
	v := NewVerifier("right", []byte("salt"), 4096)
	ask := func(v Verifier, password string, want bool) {
		t.Helper()
		got := p.recall(v, password, func() bool { asked++; return want })
		if got != want {
			t.Errorf("%s: got %v", password, got)
		}
	}
	for range 2 {
		ask(v, "right", true)
		ask(v, "wrong", false)
		ask(NewVerifier("right", []byte("pepper"), 4096), "right", true)
		ask(NewVerifier("wrong", []byte("salt"), 4096), "right", false)
	}
	if asked != 4 {
		t.Errorf("%d comparisons were made, want 4", asked)
	}
	for i := range maxProofs + 1 {
		ask(v, strconv.Itoa(i), false)
	}
	if len(p.known) > maxProofs {
		t.Errorf("%d are remembered, want %d at most", len(p.known), maxProofs)
	}
}
