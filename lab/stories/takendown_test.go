package stories

import (
	"strings"
	"testing"
	"time"
)

// TestPgsqlTakenDown: a cluster whose lines go stays as it is until somebody agrees. Then it is saved once more,
// stopped, forgotten by etcd, and its data go, as the inventory had asked in writing; its backups stay.
func TestPgsqlTakenDown(t *testing.T) {
	long(t)
	s := onClusters(t)
	s.serve()
	whole := saved{"        pg_rm_data: true\n"}
	s.commit("a cluster that is saved", whole)
	s.converges(10 * time.Minute)
	s.isHealthy(1, 3)
	s.answersWith(5433, "create table shop.last(x int); insert into shop.last values (42); select 1", "CREATE TABLE\nINSERT 0 1\n1")

	rest, _, _ := strings.Cut(whole.String(), "    pg-test:\n")
	s.commit("the cluster goes", written(rest))
	st := s.held(3 * time.Minute)
	s.isHealthy(1, 3)
	plan := s.pigsync("plan").out
	for _, want := range []string{"etcdkeys:/pg/pg-test/@etcd", "last backup", "dir:/data/postgres/pg-test-17/data@" + address(3)} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan does not tell of %s:\n%s", want, plan)
		}
	}
	from := len(s.journal())
	s.succeeds("approve", st.Plan.Digest)
	t.Logf("taken down in %s", round(s.converges(5*time.Minute)))
	did := acts(notes(s.journal()[from:], "result"))
	leader, keys := "pgseated:pg-test-1@"+address(1), "etcdkeys:/pg/pg-test/@etcd"
	s.cameAfter(did, leader, "pgseated:pg-test-2@"+address(2), "pgseated:pg-test-3@"+address(3))
	s.cameAfter(did, keys, leader)
	for n := 1; n <= 3; n++ {
		s.cameAfter(did, "dir:/data/postgres/pg-test-17/data@"+address(n), keys)
		if got := s.on(n, "{ pgrep -x postgres; pgrep -x patroni; ls -d /data/postgres/pg-test-17/data; } 2>/dev/null || true"); got != "" {
			t.Errorf("on node-%d there is still: %s", n, got)
		}
	}
	if got := s.on(1, "find / /data -xdev -path '*backup/pg-test/*I' -type d 2>/dev/null || true"); got == "" {
		t.Error("there is no backup that was taken last")
	}
	s.quietLooks(2, "converged")
}
