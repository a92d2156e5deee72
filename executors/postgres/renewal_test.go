package postgres_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors/postgres/pgtest"
	"github.com/pigsync/pigsync/resource"
)

// configured sends Patroni a part of its configuration, as somebody else would.
func (b *bench) configured(body string) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPatch, b.Place.Seats[0].REST+"/config", strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.SetBasicAuth(pgtest.APIUser, pgtest.Password)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		b.Fatalf("%s: %v, %+v", body, err, res)
	}
	_ = res.Body.Close() // nothing is read of it
}

// Another Patroni takes over while its server goes on. A pause that we left is known as ours, and ended; that of
// somebody else is not.
func another(t *testing.T, b *bench) {
	id := resource.PGMemberOf(b.Instance(1), b.Node(1))
	sees := func() resource.PGMember { return b.see(id).(resource.PGMember) }
	version := sees().Patroni
	apply := func(was resource.PGMember, want string) error {
		l := b.look(1, id)
		l.Restart = func(string) error {
			b.Stop(1, syscall.SIGTERM)
			b.Patroni(1)
			return nil
		}
		spec := resource.PGMember{Cluster: pgtest.Name, Patroni: want}
		return l.Apply(diff.Change{Resource: resource.Resource{ID: id, Spec: spec}, Action: diff.Update, Have: was}, was)
	}
	const started = "SELECT pg_postmaster_start_time()"
	before, old := b.SQL(1, "postgres", started), sees()
	old.Patroni = "0.1"
	if d := (resource.PGMember{Cluster: pgtest.Name, Patroni: version}).Compare(old); len(d) != 1 || d[0].Path != "patroni" {
		t.Errorf("got %v", d)
	}
	if err := apply(old, version); err != nil {
		t.Error(err)
	}
	if now := b.SQL(1, "postgres", started); now != before {
		t.Errorf("the server started at %s, want %s", now, before)
	}
	if now := sees(); now.Paused || now.Resting || !now.Up {
		t.Errorf("got %+v", now)
	}

	b.configured(`{"pause": true, "pigsync": {"paused": "to replace Patroni"}}`)
	b.Eventually("the pause is ours", func() bool { return sees().Resting })
	if now := sees(); now.Paused {
		t.Errorf("got %+v", now)
	}
	if err := apply(sees(), version); err != nil {
		t.Error(err)
	}
	if now := sees(); now.Paused || now.Resting {
		t.Errorf("got %+v", now)
	}

	b.configured(`{"pause": true}`)
	b.Eventually("the pause is another's", func() bool { return sees().Paused })
	if err := apply(old, version); err == nil || !strings.Contains(err.Error(), "paused") {
		t.Errorf("while somebody has paused it: %v", err)
	}
	b.configured(`{"pause": null}`)
	b.Eventually("the pause is over", func() bool { return !sees().Paused })
}
