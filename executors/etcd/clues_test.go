package etcd_test

import (
	"testing"
	"time"

	"github.com/pigsync/pigsync/resource"
)

// Who came to lead a cluster is a clue for what has changed in it, and for nothing else.
func TestPatronisHistoryIsAClue(t *testing.T) {
	f := newFleet(t, 1)
	f.bootstrap(1)
	f.exec.SetPatroni([]resource.PGPlace{{At: "pg-test", Keys: "/pg/pg-test/"}, {At: "pg-old", Keys: "/pg/pg-old/"}, {At: "pg-odd", Keys: "/pg/pg-odd/"}})
	f.etcdctl("put", "/pg/pg-test/history", `[[1,100,"no recovery target specified","2026-11-22T01:00:00.5+00:00","pg-test-1"],`+
		`[2,200,"no recovery\ntarget specified","2026-11-22T03:00:00.5+00:00","pg-test-2"]]`)
	f.etcdctl("put", "/pg/pg-old/history", `[[1,100,"no recovery target specified"]]`)
	f.etcdctl("put", "/pg/pg-odd/history", `{"1":[`)
	config := func(at string) resource.ID { return resource.ID{Kind: resource.KindPGConfig, Name: "ttl", At: at} }
	node := resource.ID{Kind: resource.KindUnit, Name: "patroni", At: "10.10.10.10"}
	since := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	found := f.exec.Inquire(t.Context(), []resource.ID{config("pg-test"), config("pg-old"), config("pg-odd"), config("pg-none"), node}, since)
	want := resource.Clue{When: since.Add(time.Hour + time.Second/2), Kind: "patroni", At: "pg-test", Who: "pg-test-2", What: "came to lead, timeline 3: no recovery target specified"}
	if got := found[config("pg-test")]; len(found) != 1 || len(got) != 1 || !got[0].When.Equal(want.When) || got[0].Who != want.Who || got[0].What != want.What || got[0].Kind != want.Kind {
		t.Errorf("%+v, want %+v", found, want)
	}
}
