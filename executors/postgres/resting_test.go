package postgres_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/resource"
)

// backends are the sessions of ours that a server knows, by database.
const backends = "SELECT coalesce(string_agg(datname || ' ' || pid, ' ' ORDER BY datname), '') FROM pg_stat_activity WHERE application_name = 'pigsync'"

// A session rests between two looks, without a transaction; when it is gone another one is made. Where somebody may
// want a database for himself none rests for long, and none of ours when we want it.
func rests(t *testing.T, b *bench) {
	b.SQL(1, "postgres", "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'pigsync'") // other hands'
	b.SQL(1, "postgres", "CREATE DATABASE rested")
	look := func(database string) string {
		t.Helper()
		l := b.look(1, b.ID(resource.KindPGRole, "postgres"), b.ID(resource.KindPGPrivileges, database))
		for _, id := range []resource.ID{b.ID(resource.KindPGRole, "postgres"), b.ID(resource.KindPGPrivileges, database)} {
			if _, err := l.See(id); err != nil {
				t.Fatal(err)
			}
		}
		l.Close()
		return b.SQL(1, "postgres", backends)
	}
	first := look("rested")
	if !regexp.MustCompile(`^postgres \d+ rested \d+$`).MatchString(first) {
		t.Fatalf("%q rest", first)
	}
	if again := look("rested"); again != first {
		t.Errorf("another look used %q, want %q, which rested", again, first)
	}
	if got := b.SQL(1, "postgres", "SELECT DISTINCT state FROM pg_stat_activity WHERE application_name = 'pigsync'"); got != "idle" {
		t.Errorf("who rests is %q, want idle: without a transaction", got)
	}
	b.SQL(1, "postgres", "DROP DATABASE rested") // the server waits for ours
	var alone string
	b.Eventually("one session is left", func() bool { alone = b.SQL(1, "postgres", backends); return !strings.Contains(alone, "rested") })
	b.SQL(1, "postgres", "SELECT pg_terminate_backend("+strings.TrimPrefix(alone, "postgres ")+")")
	anew := look("template1")
	if strings.HasPrefix(anew, alone+" ") {
		t.Errorf("%s rests, and was ended", alone)
	}
	_, inside, _ := strings.Cut(anew, " template1 ")
	b.becomes(b.ID(resource.KindPGDatabase, "copied"), resource.PGDatabase{})
	if got := b.SQL(1, "postgres", backends); inside == "" || strings.Contains(got, " "+inside) {
		t.Errorf("%q rest after template1 was copied, and %q did before", got, anew)
	}
}
