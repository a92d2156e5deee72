package stories

import (
	"fmt"
	"testing"
	"time"
)

func TestEtcdSurvivesPowerCut(t *testing.T) {
	wanted(t)
	if soak() {
		walks(t, change.nodes)
		return
	}
	chance := drawn(t)
	sampled(t, func(c change, point int) {
		nodes := c.nodes()
		n := nodes[chance.IntN(len(nodes))]
		t.Run(fmt.Sprintf("%s, node-%d, %d steps noted", c.name, n, point), func(t *testing.T) {
			c.begun(t).losesPower(n, point)
		})
	})
}

// nodes are those that the change is about.
func (c change) nodes() []int { return []int{1, 2, 3, 4}[:max(len(c.to.members), len(c.was))] }

// dark is how long a node stays without power.
const dark = 4 * time.Second

// losesPower cuts a node's power once so many steps were noted, gives it back, and wants the change to
// be done in spite of it.
func (tr *trial) losesPower(n, steps int) {
	tr.Helper()
	if tr.reaches(steps) {
		tr.cut(n, dark)
	}
	began := time.Now()
	tr.agreesUntilConverged()
	tr.Logf("converged %s after node-%d was on again", round(time.Since(began)), n)
	tr.survivedDark(n)
}

// cut takes a node's power for a while.
func (tr *trial) cut(n int, dark time.Duration) {
	tr.Helper()
	began := time.Now()
	tr.must(tr.node(n).PowerCut(tr.Context()))
	tr.Logf("node-%d lost power %s after %s", n, round(time.Since(began)), tr.tail)
	time.Sleep(dark) // it is not there for a while: that is what is tried
	tr.must(tr.node(n).PowerOn(tr.Context()))
}

// survivedDark wants the change to be done although a node lost power, and no other node to have noticed.
func (tr *trial) survivedDark(n int) {
	tr.Helper()
	tr.isDone()
	if tr.writer != nil {
		tr.writer.kept()
		tr.othersWent(n)
	}
}

// agreesUntilConverged waits for the end of the change, and agrees when it is asked again: what a node
// without power looks like is news.
func (tr *trial) agreesUntilConverged() {
	tr.Helper()
	head, began := tr.git("rev-parse", "HEAD"), time.Now()
	tr.stands(4*time.Minute, "converged at "+head[:12], func(st status) bool {
		tr.agree(st)
		return st.State == "converged" && st.Revision == head && st.Seen.After(began)
	})
}

// agree approves the plan that waits for it, once, where the change is one that somebody must agree to.
func (tr *trial) agree(st status) {
	tr.Helper()
	if !tr.consent || st.State != "held" || st.Plan == nil || st.Plan.Digest == tr.agreed || !asks(st) {
		return
	}
	tr.agreed = st.Plan.Digest
	tr.Logf("agreed to: %s", st.Plan.Summary)
	tr.succeeds("approve", tr.agreed)
}

// asks tells whether approval is what a plan waits for.
func asks(st status) bool {
	for _, o := range st.Objections {
		if o.Code == "PS101" {
			return true
		}
	}
	return false
}

// othersWent wants etcd on the nodes that kept their power to have been started no more than asked.
func (tr *trial) othersWent(cut int) {
	tr.Helper()
	for n := 1; n <= 5; n++ {
		if n != cut {
			tr.startedOnce(n)
		}
	}
}
