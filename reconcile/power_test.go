package reconcile_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

const (
	confPath    = "/etc/etcd/etcd.conf"
	servicePath = "/etc/systemd/system/etcd.service"
)

// cutPower ends all that runs on a node; f.mu is held.
func (f *fleet) cutPower(at string) {
	f.unplugged = true
	f.down[at] = true
	f.World.Down(at, true)
	f.lives[at] = life{member: f.lives[at].member}
	f.tries[at] = false
	f.rest(at)
	f.elect()
	f.stir()
}

// rest is the unit of a node on which etcd does not run.
func (f *fleet) rest(at string) {
	if u, ok := f.Get(unitOf(at)).(resource.Unit); ok {
		u.Active, u.Inputs, u.Noted = false, "", false
		f.Set(unitOf(at), u)
	}
}

// powerOn boots a node.
func (f *fleet) powerOn(at string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.unplugged || !f.down[at] {
		return
	}
	f.down[at] = false
	f.World.Down(at, false)
	if f.enabled[at] {
		f.boot(at)
	}
	f.elect()
	f.stir()
}

// boot starts etcd as systemd does with what it finds: Debian's package enables its service.
func (f *fleet) boot(at string) {
	service, conf := f.text(servicePath, at), f.text(confPath, at)
	switch {
	case service == "":
		f.t.Errorf("the package's own etcd was started on %s", at)
		return
	case conf == "" && strings.Contains(service, "ConditionPathExists="+confPath+"\n"):
		return
	case conf == "":
		f.t.Errorf("etcd is started again and again on %s, without a configuration", at)
		return
	}
	f.tries[at] = true
	f.retry()
}

// retry starts what failed once more, as the service says, and soon.
func (f *fleet) retry() {
	for at := range f.tries {
		if !f.tries[at] || f.down[at] || f.launch(at) != nil {
			continue
		}
		f.tries[at] = false
		u := resource.Unit{Active: true, Enabled: true}
		if f.stamps[at].read == f.reads(at) {
			u.Inputs = f.stamps[at].inputs
		}
		f.Set(unitOf(at), u)
	}
}

func (f *fleet) text(path, at string) string {
	file, _ := f.Get(resource.ID{Kind: resource.KindFile, Name: path, At: at}).(resource.File)
	return string(file.Content)
}

// stamp is what etcd was started with on a node, as the node has noted it.
type stamp struct{ inputs, read string }

// reads is what etcd reads when it starts, but for what it reads on its first start only.
func (f *fleet) reads(at string) string {
	var b strings.Builder
	b.WriteString(f.text(servicePath, at) + f.text("/etc/etcd/ca.crt", at))
	for line := range strings.Lines(f.text(confPath, at)) {
		if !strings.HasPrefix(line, "initial-") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// outage is when a node loses power: around the k-th change.
type outage struct {
	k     int
	after bool
	node  string
	dark  time.Duration
}

// strikes lets a node lose power once, and gives it back after a while.
func (o outage) strikes(f *fleet) {
	struck := false
	strike := func(c diff.Change) error {
		if len(f.calls) == o.k && !struck {
			struck = true
			f.cutPower(o.node)
			time.AfterFunc(o.dark, func() { f.powerOn(o.node) })
		}
		if struck && f.down[c.ID.At] {
			return errDown
		}
		return nil
	}
	if o.after {
		f.after = strike
	} else {
		f.before = strike
	}
}

// Whichever node loses power at any change, for a blink or for long: once it is back all converges, nothing
// waits for an approval that it did not wait for anyhow, nothing starts that was not configured, and on
// other nodes nothing is started twice.
func TestPowerCutAnywhere(t *testing.T) {
	for _, c := range scenarios() {
		t.Run(c.name, func(t *testing.T) {
			var base *fleet
			n := 0
			synctest.Test(t, func(t *testing.T) {
				s := c.begin(t)
				base = s.fleet.copy(t)
				s.converge(s.commit("after", members(c.vars, c.after...)), c.approve)
				n = len(s.fleet.calls)
			})
			for i, at := range hosts(max(len(c.before), len(c.after))) {
				for k := 1 + i%stride(n); k <= n && !t.Failed(); k += stride(n) {
					for _, o := range outages(at, k, n) {
						synctest.Test(t, func(t *testing.T) { c.darkens(t, base.copy(t), o) })
					}
				}
			}
		})
	}
}

// outages are those of a node around a change: one of them, where points of a story are left out, too.
func outages(at string, k, n int) (all []outage) {
	for _, dark := range []time.Duration{time.Second, time.Hour} {
		all = append(all, outage{k, false, at, dark}, outage{k, true, at, dark})
	}
	if stride(n) > 1 {
		return all[k%len(all) : k%len(all)+1]
	}
	return all
}

func (c scenario) darkens(t *testing.T, f *fleet, o outage) {
	defer func() {
		if t.Failed() {
			t.Logf("power cut: %+v", o)
			for i, call := range f.calls {
				t.Logf("%d %s %s", i+1, call.Action, call.ID)
			}
		}
	}()
	s := tell(t, f)
	if c.before != nil {
		s.hasConverged(s.commit("before", members("", c.before...)))
	}
	rev := s.commit("after", members(c.vars, c.after...))
	o.strikes(f)
	for range 3 { // some of it may have to be approved
		round := s.run(t.Context(), rev)
		if outcome := round.Outcome(); outcome == reconcile.Held && c.approve {
			s.approve(round)
		}
	}
	time.Sleep(o.dark)
	synctest.Wait()
	s.converge(rev, c.approve)
	for at, n := range f.starts {
		if at != o.node && n > c.starts[at] { // a start that failed for want of a quorum is tried again by systemd
			t.Errorf("etcd was started %d times on %s, want %d", n, at, c.starts[at])
		}
	}
	c.ended(t, s)
}
