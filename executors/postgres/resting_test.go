package postgres_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/resource"
)

// backends are the sessions of ours that a server knows, by database.
const backends = "SELECT coalesce(string_agg(datname || ' ' || pid, ' ' ORDER BY datname), '') FROM pg_stat_activity WHERE application_name = 'pigsync'"

// A session rests between two looks, without a transaction; when it is gone another one is made. In a database that
// somebody may want for himself it rests once, and where others are made of it not at all.
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
	alone := func(left string) (now string) {
		t.Helper()
		b.Eventually("nobody rests in "+left, func() bool { now = b.SQL(1, "postgres", backends); return !strings.Contains(now, left) })
		return now
	}
	first := look("rested")
	if !regexp.MustCompile(`^postgres \d+ rested \d+$`).MatchString(first) {
		t.Fatalf("%q rest", first)
	}
	if got := b.SQL(1, "postgres", "SELECT DISTINCT state FROM pg_stat_activity WHERE application_name = 'pigsync'"); got != "idle" {
		t.Errorf("who rests is %q, want idle: without a transaction", got)
	}
	look("rested")
	server, _, _ := strings.Cut(first, " rested ")
	if got := alone("rested"); got != server {
		t.Errorf("after another look %q rest, want %q, which did before", got, server)
	}
	look("rested")
	b.SQL(1, "postgres", "DROP DATABASE rested") // the server waits for ours
	b.SQL(1, "postgres", "SELECT pg_terminate_backend("+strings.TrimPrefix(server, "postgres ")+")")
	look("template1")
	if got := alone("template1"); got == server {
		t.Errorf("%s rests, and was ended", got)
	}
	b.becomes(b.ID(resource.KindPGDatabase, "copied"), resource.PGDatabase{})
}
