package stories

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// inside is the inventory of clusters with more in it: each line is an entry of a list of pg-test.
type inside struct {
	users, databases, rules, poolRules, services []string
	vars                                         []string // further vars: "name: value"
}

const (
	appUser     = "{ name: app, password: App.Story, pgbouncer: true, roles: [ dbrole_admin ] }"
	appDatabase = "{ name: app, owner: app, schemas: [ shop ] }"
)

// String is the inventory.
func (i inside) String() string {
	base, _, _ := strings.Cut(clusters{}.String(), "        pg_users:")
	var b strings.Builder
	b.WriteString(base)
	for _, list := range []struct {
		name    string
		entries []string
	}{
		{"pg_users", append([]string{appUser}, i.users...)}, {"pg_databases", append([]string{appDatabase}, i.databases...)},
		{"pg_hba_rules", i.rules}, {"pgb_hba_rules", i.poolRules}, {"pg_services", i.services},
	} {
		if len(list.entries) == 0 {
			continue
		}
		fmt.Fprintf(&b, "        %s:\n", list.name)
		for _, e := range list.entries {
			fmt.Fprintf(&b, "          - %s\n", e)
		}
	}
	for _, v := range i.vars {
		fmt.Fprintf(&b, "        %s\n", v)
	}
	return b.String()
}

// onCluster begins a story on pg-test, a cluster of three on the first three nodes that the daemon has
// seen converged; it runs.
func onCluster(t testing.TB) *story {
	t.Helper()
	s := onSnapshot(t, "cluster", func(s *story) {
		s.commit("a cluster", inside{})
		s.serve()
		s.converges(10 * time.Minute)
		s.sql("app", "CREATE TABLE shop.load (id bigserial PRIMARY KEY, at timestamptz)")
		s.sql("app", "ALTER TABLE shop.load OWNER TO app")
	})
	s.serve()
	s.isHealthy(1, 3)
	s.converges(3 * time.Minute)
	return s
}

// sql runs SQL as the superuser over the socket of the first node, which leads unless a story makes another
// do, and gives what it printed.
func (s *story) sql(database, sql string) string {
	s.Helper()
	out, err := s.node(1).Run(s.Context(), "runuser", "-u", "postgres", "--", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql)
	s.must(err)
	return strings.TrimSpace(out)
}

// says wants an answer to SQL.
func (s *story) saysSQL(database, sql, want string) {
	s.Helper()
	if got := s.sql(database, sql); got != want {
		s.Errorf("%s: %q, want %q", sql, got, want)
	}
}

// acted gives what was done since a mark in the journal: what was changed, not what was looked at, sorted.
func (s *story) acted(from int) (did []string) {
	s.Helper()
	for _, note := range notes(s.journal()[from:], "result") {
		if !strings.HasPrefix(note, "= ") {
			did = append(did, note)
		}
	}
	slices.Sort(did)
	return did
}

// did wants exactly these actions since a mark in the journal.
func (s *story) did(from int, want ...string) {
	s.Helper()
	want = slices.Sorted(slices.Values(want))
	if got := s.acted(from); !slices.Equal(got, want) {
		s.Errorf("it did\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// each is the same action on each of the three members.
func each(action string) (all []string) {
	for n := 1; n <= 3; n++ {
		all = append(all, action+"@"+address(n))
	}
	return all
}

// pooled is a change of one of the pooler's files, which is then read again, on each member.
func pooled(files ...string) (all []string) {
	for _, f := range files {
		all = append(all, each("~ file:/etc/pgbouncer/"+f)...)
	}
	return append(all, each("~ unit:pgbouncer")...)
}

// pooledAt is what mends one of the pooler's files on one member: what was in it meanwhile may have been read,
// so it is read again.
func pooledAt(n int, file string) []string {
	return []string{"~ file:/etc/pgbouncer/" + file + "@" + address(n), "~ unit:pgbouncer@" + address(n)}
}
