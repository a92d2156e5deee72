package postgres_test

import (
	"os"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// rules are changed while the server looks at them: what it would refuse is taken back.
func rules(t *testing.T, b *bench) {
	id := resource.ID{Kind: resource.KindPGRules, Name: b.Instance(1), At: b.Node(1)}
	path := b.File(1, "data/pg_hba.conf")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	have := b.see(id).(resource.PGRules)
	if len(have.Lines) == 0 {
		t.Fatalf("got %+v", have)
	}
	put := func(want resource.PGRules) error {
		l := b.look(1, id)
		l.Put = func(path, owner string, content []byte) error {
			if owner != b.DBSU {
				t.Errorf("the file is %s's", owner)
			}
			return os.WriteFile(path, content, 0o600)
		}
		now, err := l.See(id)
		if err != nil {
			return err
		}
		return l.Apply(diff.Change{Resource: resource.Resource{ID: id, Spec: want}, Action: diff.Update, Have: now}, now)
	}
	bad := resource.PGRules{Lines: append([]string{"host all all 10.0.0.0/99 md5"}, have.Lines...)}
	if err := put(bad); err == nil || !strings.Contains(err.Error(), "10.0.0.0/99") {
		t.Errorf("got %v", err)
	}
	if now, _ := os.ReadFile(path); string(now) != string(good) {
		t.Errorf("after a refusal there is:\n%s", now)
	}
	more := resource.PGRules{Lines: append([]string{"host all nobody_there 10.0.0.0/8 reject"}, have.Lines...)}
	if err := put(more); err != nil {
		t.Fatal(err)
	}
	if d := more.Compare(b.see(id)); len(d) > 0 {
		t.Errorf("it differs in %v", d)
	}
	loaded := resource.ID{Kind: resource.KindPGLoaded, Name: b.Instance(1), At: b.Node(1)}
	if d := (resource.PGLoaded{}).Compare(b.see(loaded)); len(d) > 0 {
		t.Errorf("the server has not read it: %v", d)
	}
	if err := put(have); err != nil {
		t.Fatal(err)
	}
}

// baseline is run once, in a database that has it from its first moment.
func baseline(t *testing.T, b *bench) {
	db, base := b.ID(resource.KindPGDatabase, "based on it"), b.ID(resource.KindPGBaseline, "based on it")
	b.becomes(db, resource.PGDatabase{Baseline: true})
	if b.see(base) != nil {
		t.Fatal("the baseline was run already")
	}
	if err := b.apply(base, resource.PGBaseline{SQL: resource.Content("CREATE TABLE one (); CREATE TABLE one ();")}); err == nil {
		t.Error("a baseline with a mistake was run")
	}
	if got := b.SQL(1, "based on it", "SELECT count(*) FROM pg_class WHERE relname = 'one'"); got != "0" || b.see(base) != nil {
		t.Errorf("of a baseline with a mistake there remains %s", got)
	}
	b.becomes(base, resource.PGBaseline{SQL: resource.Content("-- ours\nCREATE TABLE one ();\nCREATE TABLE other ()")})
	if got := b.SQL(1, "based on it", "SELECT 'public.one'::regclass"); got != "one" {
		t.Errorf("got %q", got)
	}
	if have := b.see(db).(resource.PGDatabase); len(have.Settings) != 0 {
		t.Errorf("the mark is seen: %v", have.Settings)
	}
	old := b.ID(resource.KindPGDatabase, "without")
	b.becomes(old, resource.PGDatabase{})
	if b.see(b.ID(resource.KindPGBaseline, "without")) == nil {
		t.Error("a database that was there before waits for a baseline")
	}
}

// homeless is an extension of which nobody says where it goes: not into the catalog.
func homeless(t *testing.T, b *bench) {
	b.becomes(b.ID(resource.KindPGDatabase, "shelter"), resource.PGDatabase{})
	have := b.becomes(b.ID(resource.KindPGExtension, resource.PGIn("shelter", "citext")), resource.PGExtension{Version: "1.5"}).(resource.PGExtension)
	if have.Schema != "public" {
		t.Errorf("it went into %s", have.Schema)
	}
}

// madeAgain drops a database and makes it, once.
func madeAgain(t *testing.T, b *bench) {
	id := b.ID(resource.KindPGDatabase, "again")
	b.becomes(id, resource.PGDatabase{})
	b.SQL(1, "again", "CREATE TABLE lost ()")
	want := resource.PGDatabase{Again: true, PGCreation: resource.PGCreation{Encoding: "SQL_ASCII"}}
	b.becomes(id, want)
	if got := b.SQL(1, "again", "SELECT count(*) FROM pg_class WHERE relname = 'lost'"); got != "0" {
		t.Error("it is the old one")
	}
	b.becomes(id, resource.PGDatabase{})
	if d := want.Compare(b.see(id)); len(d) != 1 || d[0].Hazard != resource.DataLoss {
		t.Errorf("once it was no longer asked for, the mark stays: %v", d)
	}
}
