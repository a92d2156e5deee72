package stories

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// judgedBy adds policies to the daemon's file, and starts a daemon that has read it.
func (s *story) judgedBy(policies string) {
	s.Helper()
	s.stop()
	s.configure()
	text, err := os.ReadFile(s.path("pigsync.yml"))
	s.must(err)
	const begin = "policies: { "
	s.must(os.WriteFile(s.path("pigsync.yml"), []byte(strings.Replace(string(text), begin, begin+policies+", ", 1)), 0o600))
	s.serve()
}

// waits waits until the newest commit waits for what a judge says of a step, and gives his objection.
func (s *story) waits(limit time.Duration, code, id string) (o objection, st status) {
	s.Helper()
	return s.waitsFor(limit, code, id, func(objection) bool { return true })
}

// rests is waits for an objection that says until when.
func (s *story) rests(limit time.Duration, code, id string) objection {
	s.Helper()
	o, _ := s.waitsFor(limit, code, id, func(o objection) bool { return !o.Until.IsZero() })
	return o
}

func (s *story) waitsFor(limit time.Duration, code, id string, such func(objection) bool) (o objection, st status) {
	s.Helper()
	head := s.git("rev-parse", "HEAD")
	st = s.stands(limit, code+" about "+id, func(st status) bool {
		if st.Revision != head || st.Plan == nil || st.State == "converging" {
			return false
		}
		i := slices.IndexFunc(st.Objections, func(o objection) bool { return o.Code == code && st.Plan.Steps[o.Step].ID == id && such(o) })
		if i >= 0 {
			o = st.Objections[i]
		}
		return i >= 0
	})
	s.Logf("%s %s: %s%s", code, id, o.Reason, untilText(o.Until))
	return o, st
}

func untilText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return ", until " + at.Format(time.TimeOnly)
}

// lives says of a unit on nodes what changes when it is stopped or started.
func (s *story) lives(unit string, nodes ...int) (all []string) {
	s.Helper()
	for _, n := range nodes {
		all = append(all, fmt.Sprintf("node-%d: %s", n, s.on(n, "systemctl show -P InvocationID -P ActiveState -P UnitFileState "+unit+" | tr '\\n' ' '")))
	}
	return all
}

// isAsBefore wants what the nodes say to be what they said.
func isAsBefore(s *story, what string, before, now any) {
	s.Helper()
	if fmt.Sprint(before) != fmt.Sprint(now) {
		s.Errorf("%s: it was\n%v\nand is\n%v", what, before, now)
	}
}

// TestPoliciesOnEtcd: on a real cluster of etcd a freeze, a member that is away, a commit that lost its end and a
// quarantine keep a plan waiting, each with its reason and until when; the nodes are as they were meanwhile; and then
// each lets go.
func TestPoliciesOnEtcd(t *testing.T) {
	long(t)
	s := onThree(t)
	s.serve()
	s.converges(time.Minute)
	s.recounts(t, []tale{{"a freeze", s.freezes}, {"a member away", s.sparesNobody}, {"a lost end", s.losesItsEnd}})
}

// tale is a part of a story that may be told alone.
type tale struct {
	name string
	tell func()
}

// recounts tells one tale after the other, each where the one before has ended.
func (s *story) recounts(t *testing.T, tales []tale) {
	outer := s.TB
	defer func() { s.TB = outer }()
	for _, one := range tales {
		ok := t.Run(one.name, func(t *testing.T) {
			s.TB = t
			defer func() {
				if t.Failed() {
					s.tell()
				}
			}()
			one.tell()
		})
		if s.TB = outer; !ok {
			return
		}
	}
}

// freezes: what waits for a freeze waits until its end, and goes on then by itself.
func (s *story) freezes() {
	s.Helper()
	ends := time.Now().Add(25 * time.Second).Truncate(time.Second)
	s.judgedBy(fmt.Sprintf("freezes: [ { from: %q, until: %q, reason: the fair, owners: [ 'etcd/*' ], hazards: [ restart ] } ]",
		time.Now().Add(-time.Minute).Format(time.RFC3339), ends.Format(time.RFC3339)))
	before := s.lives("etcd", 1, 2, 3)
	s.commit("slower heartbeats", fleet{members: []int{1, 2, 3}, vars: []string{"etcd_heartbeat_interval: 150"}})
	o := s.rests(time.Minute, "PS113", "unit:etcd@"+address(1))
	if !o.Until.Equal(ends) || o.Reason != "frozen: the fair" {
		s.Errorf("%+v, want it to wait until %s for the fair", o, ends)
	}
	now := s.lives("etcd", 1, 2, 3)
	if time.Now().Before(ends) {
		isAsBefore(s, "etcd in the freeze", before, now)
	}
	s.converges(time.Minute)
	if time.Now().Before(ends) {
		s.Errorf("it was done before the freeze ended")
	}
	for i, is := range s.lives("etcd", 1, 2, 3) {
		if is == before[i] {
			s.Errorf("etcd was not restarted after the freeze: %s", is)
		}
	}
}

// sparesNobody: while a member is away no other one is restarted or taken away, agreed or not; once it is back both
// are done, and what the member that left has kept goes the period after that was agreed to.
func (s *story) sparesNobody() {
	s.Helper()
	s.judgedBy("quarantine: { period: 25s }")
	s.converges(time.Minute)
	s.must(s.node(2).PowerCut(s.Context()))
	before := s.lives("etcd", 1, 3)
	two := fleet{members: []int{1, 2}, vars: []string{"etcd_heartbeat_interval: 200"}}
	s.commit("one member less, and slower", two)
	o, st := s.waits(time.Minute, "PS104", "etcdmember:etcd-3@etcd")
	if !strings.HasPrefix(o.Reason, "2 of 3 members are healthy: ") {
		s.Errorf("it waits, since %s", o.Reason)
	}
	s.succeeds("approve", st.Plan.Digest)
	s.eventually(time.Minute, "the word is known", func() bool { return containsRecord(s.journal(), "approved") })
	s.looks(2)
	s.waits(time.Minute, "PS104", "etcdmember:etcd-3@etcd")
	isAsBefore(s, "etcd while a member is away", before, s.lives("etcd", 1, 3))
	if list := s.etcdctl(1, "member list"); strings.Count(list, "\n") != 2 {
		s.Errorf("the members while one is away:\n%s", list)
	}
	s.must(s.node(2).PowerOn(s.Context()))
	_, st = s.waits(2*time.Minute, "PS101", "etcdmember:etcd-3@etcd") // another world than the one that was agreed to
	s.isCluster([]int{1, 2, 3})
	s.succeeds("approve", st.Plan.Digest)
	o = s.rests(2*time.Minute, "PS126", "dir:/data/etcd@"+address(3))
	if d := time.Until(o.Until); d <= 0 || d > 25*time.Second {
		s.Errorf("what the member kept stays until %s", o.Until)
	}
	s.isCluster([]int{1, 2})
	s.on(3, "! systemctl is-active -q etcd && test -d /data/etcd/member")
	s.converges(2 * time.Minute)
	s.on(3, "! test -e /data/etcd")
	s.on(1, "grep -q 'heartbeat-interval: 200' /etc/etcd/etcd.conf")
	s.commit("three again", fleet{members: []int{1, 2, 3}, vars: []string{"etcd_heartbeat_interval: 200"}})
	s.converges(2 * time.Minute)
	s.isCluster([]int{1, 2, 3})
}

// losesItsEnd: of a commit that takes a cluster and more away nothing is done, not even what has nothing to do with
// that, until the lines are back, or somebody agrees.
func (s *story) losesItsEnd() {
	s.Helper()
	whole := fleet{members: []int{1, 2, 3}, vars: []string{"etcd_heartbeat_interval: 200"}}
	lost := fleet{vars: whole.vars, absent: []int{4, 5}}
	renamed := func(f fleet) written { return written(strings.Replace(f.String(), "one.story", "other.story", 1)) }
	nodes := []int{1, 2, 3, 4, 5}
	var files []string
	for _, n := range nodes {
		files = append(files, s.on(n, listing))
	}
	before, from := s.lives("etcd", 1, 2, 3), len(s.journal())
	s.commit("a list that lost its end", renamed(lost))
	o, _ := s.waits(time.Minute, "PS110", "unit:etcd@"+address(2))
	if !strings.Contains(o.Reason, "clusters and nodes vanish at once: approve plan ") {
		s.Errorf("it waits, since %s", o.Reason)
	}
	s.waits(time.Minute, "PS110", "lines:/etc/hosts#pigsty dns@"+address(1))
	s.quietLooks(2, "held")
	isAsBefore(s, "etcd while too much would go", before, s.lives("etcd", 1, 2, 3))
	for i, n := range nodes {
		if diff := firstDifference(files[i], s.on(n, listing)); diff != "" {
			s.Errorf("node-%d was changed: %s", n, diff)
		}
	}
	s.commit("its end is back", whole)
	s.converges(time.Minute)
	if did := acts(notes(s.journal()[from:], "intent")); len(did) > 0 {
		s.Errorf("it did %v", did)
	}
	s.isCluster([]int{1, 2, 3})
	s.judgedBy("quarantine: { period: 1s }, blast: { share: 20%, few: 1 }")
	lost.members = whole.members
	s.commit("two nodes were meant", renamed(lost))
	_, st := s.waits(time.Minute, "PS110", "lines:/etc/hosts#pigsty dns@"+address(1))
	s.succeeds("approve", st.Plan.Digest)
	s.converges(2 * time.Minute)
	s.on(1, "grep -q other.story /etc/hosts")
	for _, n := range []int{4, 5} {
		s.on(n, "! grep -q one.story /etc/hosts")
	}
	s.isCluster([]int{1, 2, 3})
	s.agrees()
}
