package postgres_test

import (
	"strings"
	"testing"

	"github.com/pigsync/pigsync/resource"
)

// backends are the sessions of ours that a server knows.
const backends = "SELECT coalesce(string_agg(pid::text, ' '), '') FROM pg_stat_activity WHERE application_name = 'pigsync'"

// One session rests between two looks, in the maintenance database and nowhere else; when it is gone another one
// is made, and who has to learn what a new one would see does not use it.
func rests(t *testing.T, b *bench) {
	b.SQL(1, "postgres", "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'pigsync'") // other hands'
	role, inside := b.ID(resource.KindPGRole, "postgres"), b.ID(resource.KindPGPrivileges, "template1")
	look := func() string {
		t.Helper()
		l := b.look(1, role, inside)
		for _, id := range []resource.ID{role, inside} {
			if _, err := l.See(id); err != nil {
				t.Fatal(err)
			}
		}
		l.Close()
		var pid string
		b.Eventually("one session is left", func() bool { pid = b.SQL(1, "postgres", backends); return pid != "" && !strings.Contains(pid, " ") })
		return pid
	}
	first := look()
	if again := look(); again != first {
		t.Errorf("another look used the session %s, want %s, which rested", again, first)
	}
	b.SQL(1, "postgres", "SELECT pg_terminate_backend("+first+")")
	second := look()
	if second == first {
		t.Errorf("%s rests, and was ended", first)
	}
	if got := b.SQL(1, "postgres", "SELECT state FROM pg_stat_activity WHERE pid = "+second); got != "idle" {
		t.Errorf("who rests is %q, want idle: without a transaction", got)
	}
}
