package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

// scenario is a change of a fleet that lives, or is to live.
type scenario struct {
	name    string
	before  []int        // numbers of the members there are
	harm    func(*fleet) // what happened then
	after   []int
	vars    string
	approve bool
	want    string         // the cluster in the end
	starts  map[string]int // how often etcd was started, by node
	joins   map[string]int // how often a member was added, by peer URL
}

func joined(seqs ...int) map[string]int {
	m := map[string]int{}
	for _, n := range seqs {
		m["https://"+host(n)+":2380"] = 1
	}
	return m
}

func once(seqs ...int) map[string]int {
	m := map[string]int{}
	for _, n := range seqs {
		m[host(n)] = 1
	}
	return m
}

const (
	three = "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-3@10.10.10.3"
	five  = three + " etcd-4@10.10.10.4 etcd-5@10.10.10.5"
)

func scenarios() []scenario {
	return []scenario{
		{name: "bootstrap of one", after: upTo(1), want: "etcd-1@10.10.10.1", starts: once(1)},
		{name: "bootstrap of three", after: upTo(3), want: three, starts: once(1, 2, 3)},
		{name: "bootstrap of five", after: upTo(5), want: five, starts: once(1, 2, 3, 4, 5)},
		{name: "three become five", before: upTo(3), after: upTo(5), want: five, starts: once(4, 5), joins: joined(4, 5)},
		{name: "five become three", before: upTo(5), after: upTo(3), approve: true, want: three},
		{name: "data are lost", before: upTo(3), harm: func(f *fleet) { f.lose(host(2)) }, after: upTo(3), approve: true, want: three,
			starts: once(2), joins: joined(2)},
		{name: "a setting rolls", before: upTo(3), after: upTo(3), vars: ", etcd_election_timeout: 2000", want: three, starts: once(1, 2, 3)},
		{name: "a process died", before: upTo(3), harm: func(f *fleet) { f.kill(host(3)) }, after: upTo(3), want: three, starts: once(3)},
		{name: "a file drifted", before: upTo(3), harm: func(f *fleet) {
			f.Set(fileOf("/etc/profile.d/etcdctl.sh", 2), resource.NewFile([]byte("other"), 0o644, "root", "root"))
		}, after: upTo(3), want: three},
	}
}

func fileOf(path string, n int) resource.ID {
	return resource.ID{Kind: resource.KindFile, Name: path, At: host(n)}
}

func TestFleetConverges(t *testing.T) {
	for _, c := range scenarios() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := c.begin(t)
				s.converge(s.commit("after", members(c.vars, c.after...)), c.approve)
				c.check(t, s)
			})
		})
	}
}

// begin tells the story up to where the scenario begins.
func (c scenario) begin(t *testing.T) *story {
	t.Helper()
	f := newFleet(t, hosts(5)...)
	s := tell(t, f)
	if c.before != nil {
		s.converge(s.commit("before", members("", c.before...)), false)
	}
	if c.harm != nil {
		c.harm(f)
	}
	s.fleet = f.copy(t)
	s.fleet.intended, s.hands = f.intended, s.fleet
	return s
}

// check compares the end with what is wanted, and what was done on the way.
func (c scenario) check(t *testing.T, s *story) {
	t.Helper()
	compareCounts(t, "starts", s.fleet.starts, c.starts)
	compareCounts(t, "failed starts", s.fleet.refused, nil)
	c.ended(t, s)
}

// ended compares the end with what is wanted, and looks once more: nothing may be left to do, nobody was
// added twice, and everything is asked for in one go.
func (c scenario) ended(t *testing.T, s *story) {
	t.Helper()
	if got := s.fleet.String(); got != c.want {
		t.Errorf("the cluster is %s, want %s", got, c.want)
	}
	compareCounts(t, "joins", s.fleet.joins, c.joins)
	looks := s.fleet.looked()
	round, err := s.Plan(t.Context(), s.commits["after"], nil)
	if err != nil || len(round.Plan.Steps) != 0 {
		t.Fatalf("something is left to do: %v\n%s", err, show(round))
	}
	if n := s.fleet.looked() - looks; n != 1 {
		t.Errorf("a quiet round looks %d times, want once", n)
	}
}

func compareCounts(t *testing.T, what string, got, want map[string]int) {
	t.Helper()
	for _, m := range []map[string]int{got, want} {
		for k := range m {
			if got[k] != want[k] {
				t.Errorf("%s of %s: %d, want %d", what, k, got[k], want[k])
			}
		}
	}
}

func TestRollingKeepsTheOthersUpAndTheLeaderForLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scenario{before: upTo(5)}.begin(t)
		s.fleet.leader = "etcd-2"
		s.converge(s.commit("after", members(", etcd_election_timeout: 2000", upTo(5)...)), false)
		if s.fleet.worst != 1 || len(s.fleet.order) != 5 || s.fleet.order[4] != host(2) {
			t.Errorf("restarted %v, at worst %d down at once", s.fleet.order, s.fleet.worst)
		}
	})
}

// What cannot be asked waits, and nobody else does.
func TestUnknownNodeHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, hosts(4)...)
		f.Down(host(4), true)
		s := tell(t, f)
		text := members("", upTo(3)...) + "    other: { hosts: { " + host(4) + ": { nodename: four } } }\n"
		round := s.run(t.Context(), s.commit("a", text))
		if round.Outcome() != reconcile.Held || f.String() != three {
			t.Fatalf("%v, cluster %s\n%s", round.Outcome(), f, show(round))
		}
		for _, step := range round.Plan.Steps {
			if step.ID.At != host(4) || step.Action != diff.Wait {
				t.Errorf("%c %s is left to do", step.Action, step.ID)
			}
		}
		if st := reconcile.StatusOf("test", round); st.State != reconcile.Unknown {
			t.Errorf("the state is %s", st.State)
		}
		f.Down(host(4), false)
		s.converge(s.commits["a"], false)
	})
}

// As many steps are under way in one place as may be, whatever waits in another.
func TestEachPlaceHasItsOwnTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		s.hands = &slow{Executor: s.fleet, takes: time.Minute}
		var names []string
		for n := range 2*64 + 1 {
			names = append(names, fmt.Sprintf("f%03d", n))
		}
		many := "toy_kept: [" + strings.Join(names, ", ") + "]"
		began := time.Now()
		s.run(t.Context(), s.commit("many", toyText(map[string]string{nodeA: many, nodeB: many})))
		if took := time.Since(began); took != 3*time.Minute {
			t.Errorf("129 steps of a minute on each of two nodes took %s, want 3m", took)
		}
		s.wantThere(nodeA, names...)
		s.wantThere(nodeB, names...)
	})
}

// A member that is down in a living cluster is not replaced, and nothing else of the cluster moves.
func TestAMemberThatIsDownIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scenario{before: upTo(3)}.begin(t)
		s.fleet.Down(host(3), true)
		rev := s.commit("after", members(", etcd_election_timeout: 2000", upTo(3)...))
		if round := s.run(t.Context(), rev); round.Outcome() == reconcile.Converged || len(s.fleet.order) != 0 {
			t.Errorf("%v, restarted %v", round.Outcome(), s.fleet.order)
		}
		s.fleet.Down(host(3), false)
		s.converge(rev, false)
		if len(s.fleet.order) != 3 || s.fleet.worst > 1 {
			t.Errorf("restarted %v", s.fleet.order)
		}
	})
}
