package stories

import (
	"fmt"
	"testing"
	"time"
)

func TestEtcdSurvivesPowerCut(t *testing.T) {
	wanted(t)
	chance := drawn(t)
	sampled(t, func(c change, point int) (reached bool) {
		nodes := []int{1, 2, 3, 4}[:max(len(c.to.members), len(c.was))]
		if !soak() {
			nodes = nodes[chance.IntN(len(nodes)):][:1]
		}
		for _, n := range nodes {
			t.Run(fmt.Sprintf("%s, node-%d, %d steps noted", c.name, n, point), func(t *testing.T) {
				reached = c.begun(t).losesPower(n, point) || reached
			})
		}
		return reached
	})
}

// dark is how long a node stays without power.
const dark = 4 * time.Second

// losesPower cuts a node's power once so many steps were noted, gives it back, and wants the change to
// be done in spite of it; false means that it had been done before.
func (tr *trial) losesPower(n, steps int) (reached bool) {
	tr.Helper()
	if reached = tr.reaches(steps); reached {
		began := time.Now()
		tr.must(tr.node(n).PowerCut(tr.Context()))
		tr.Logf("node-%d lost power %s after %s", n, round(time.Since(began)), tr.tail)
		time.Sleep(dark) // it is not there for a while: that is what is tried
		tr.must(tr.node(n).PowerOn(tr.Context()))
	}
	began := time.Now()
	tr.agreesUntilConverged()
	tr.Logf("converged %s after node-%d was on again", round(time.Since(began)), n)
	tr.isDone()
	if tr.writer != nil {
		tr.writer.kept()
		tr.othersWent(n)
	}
	return reached
}

// agreesUntilConverged waits for the end of the change, and agrees when it is asked again: what a node
// without power looks like is news.
func (tr *trial) agreesUntilConverged() {
	tr.Helper()
	head, agreed := tr.git("rev-parse", "HEAD"), ""
	began := time.Now()
	tr.stands(4*time.Minute, "converged at "+head[:12], func(st status) bool {
		if tr.consent && st.State == "held" && st.Plan != nil && st.Plan.Digest != agreed && asks(st) {
			agreed = st.Plan.Digest
			tr.Logf("asked again after %s: %s", round(time.Since(began)), st.Plan.Summary)
			tr.succeeds("approve", agreed)
		}
		return st.State == "converged" && st.Revision == head && st.Seen.After(began)
	})
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
