package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/memory"
	"github.com/pigsync/pigsync/resource"
)

// fleet is a memory.World in which etcd behaves: units start processes, a majority of them makes a
// cluster, members are added, catch up, vote and are removed. What is on a node is in the World, what
// runs there and what the cluster knows is here.
type fleet struct {
	*memory.World
	t testing.TB
	// before and after are asked around every change that is made: an error from before keeps it from
	// being made, one from after loses its answer.
	before, after func(diff.Change) error
	// intended tells whether a change was written down before.
	intended func(diff.Change) bool

	mu      sync.Mutex // guards what follows
	changed chan struct{}
	down    map[string]bool
	dead    bool // the process that holds these hands has crashed
	lives   map[string]life
	peers   []*peer
	born    bool
	leader  string
	next    int
	looks   int
	starts  map[string]int // of etcd, by node
	refused map[string]int // starts that failed
	joins   map[string]int // by peer URL
	order   []string       // the nodes whose etcd was restarted while it ran
	worst   int            // how many voters were down at once
	calls   []diff.Change  // every Apply but those of gates
	places  resource.Places
	enabled map[string]bool  // the nodes that start etcd when they boot
	stamps  map[string]stamp // by node
	tries   map[string]bool  // the nodes where systemd starts etcd again and again
	// unplugged tells that a node has lost power, so that a quorum may be lost without anybody's fault.
	unplugged bool
}

// life is the etcd of a node.
type life struct {
	running bool
	member  string // whose data are there, "" as long as a bootstrap waits
}

// peer is a member as the cluster lists it.
type peer struct {
	id, name, url string
	learner       bool
	started       bool // once, so that it may not be started anew
}

var (
	errDown   = errors.New("the node does not answer")
	errDead   = errors.New("the process has crashed")
	errQuorum = errors.New("nobody answers with a quorum")
	errSick   = errors.New("it is not healthy")
)

const (
	catchUp   = 2 * time.Second // how long a learner takes
	restarts  = time.Second     // how long a restart takes
	dataDir   = "/data/etcd"
	authority = "pigsty-ca"
)

func newFleet(t testing.TB, nodes ...string) *fleet {
	f := &fleet{
		World: memory.New(1), t: t, changed: make(chan struct{}), down: map[string]bool{},
		lives: map[string]life{}, starts: map[string]int{}, refused: map[string]int{}, joins: map[string]int{}, enabled: map[string]bool{}, stamps: map[string]stamp{}, tries: map[string]bool{},
	}
	for _, n := range nodes {
		f.node(n)
	}
	return f
}

func (f *fleet) node(at string) {
	f.Set(resource.FactsOf(at), resource.Facts{
		Hostname: at, Arch: "amd64", Distro: "debian", Release: "13", Codename: "trixie", CPU: 2, MemMB: 4096, BootID: "b", Packages: "deb",
	})
}

// copy is the same fleet in another world, with nothing counted yet.
func (f *fleet) copy(t testing.TB) *fleet {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := newFleet(t)
	for _, id := range f.IDs() {
		g.Set(id, f.Get(id))
	}
	maps.Copy(g.lives, f.lives)
	maps.Copy(g.down, f.down)
	maps.Copy(g.enabled, f.enabled)
	maps.Copy(g.stamps, f.stamps)
	maps.Copy(g.tries, f.tries)
	for at, down := range f.down {
		g.World.Down(at, down)
	}
	for _, p := range f.peers {
		q := *p
		g.peers = append(g.peers, &q)
	}
	g.born, g.leader, g.next, g.places = f.born, f.leader, f.next, f.places
	return g
}

// Down takes a node away, with what runs there, or brings it back.
func (f *fleet) Down(at string, down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down[at] = down
	f.World.Down(at, down)
	f.elect()
}

// reach is told where the members of the inventory are, as the hands for etcd are.
func (f *fleet) reach(p resource.Places) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.places = p
}

// crash is the end of the process: no call of it is answered any more. revive is the next process.
func (f *fleet) crash() {
	f.dead = true
	f.stir()
}

func (f *fleet) revive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead, f.before, f.after = false, nil, nil
}

// with does something to the fleet while nobody else does.
func (f *fleet) with(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func (f *fleet) looked() (n int) {
	f.with(func() { n = f.looks })
	return n
}

// stir lets everybody who waits look again.
func (f *fleet) stir() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// Observe counts the looks.
func (f *fleet) Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	out := make(map[resource.ID]resource.State, len(ids))
	for _, id := range ids {
		out[id] = f.see(ctx, id)
	}
	return out
}

func (f *fleet) see(ctx context.Context, id resource.ID) resource.State {
	switch {
	case f.dead:
		return resource.State{Err: errDead}
	case !strings.HasPrefix(string(id.Kind), "etcd"):
		return f.World.Observe(ctx, []resource.ID{id})[id]
	case id.Kind == resource.KindEtcdHealth:
		return resource.State{Spec: resource.EtcdHealth{Healthy: f.well(id.Name)}}
	}
	picture := f.picture()
	switch {
	case id.Kind == resource.KindEtcdCluster, picture.Err != nil, picture.Spec == nil:
		return picture
	case !f.quorum():
		return resource.State{Err: errQuorum}
	}
	p := f.named(id.Name)
	switch {
	case id.Kind == resource.KindEtcdMember && p != nil:
		return resource.State{Spec: resource.EtcdMember{PeerURL: p.url, MemberID: p.id}}
	case id.Kind == resource.KindEtcdVoter && p != nil && !p.learner:
		return resource.State{Spec: resource.EtcdVoter{}}
	}
	return f.World.Observe(ctx, []resource.ID{id})[id]
}

// Apply makes a change as the real hands do: one at a time for each world, gates beside.
func (f *fleet) Apply(ctx context.Context, c diff.Change) error {
	if f.intended != nil && !f.intended(c) {
		f.t.Errorf("%c %s was begun, and is not in the journal", c.Action, c.ID)
	}
	if c.Action == diff.Check {
		return f.wait(ctx, c.ID)
	}
	if c.ID.Kind == resource.KindEtcdVoter {
		time.Sleep(catchUp)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, c)
	if err := f.may(c); err != nil {
		return err
	}
	err := f.act(ctx, c)
	f.retry()
	f.stir()
	if err == nil && f.after != nil {
		err = f.after(c)
	}
	return err
}

func (f *fleet) may(c diff.Change) error {
	switch {
	case c.Action == diff.Wait, c.Spec == nil && c.Action != diff.Delete:
		f.t.Errorf("%s was applied, and is not known", c.ID)
	case f.dead:
		return errDead
	case f.down[c.ID.At]:
		return errDown
	case f.before != nil:
		return f.before(c)
	}
	return nil
}

func (f *fleet) wait(ctx context.Context, id resource.ID) error {
	for {
		f.mu.Lock()
		well, dead, changed := f.well(id.Name), f.dead, f.changed
		f.mu.Unlock()
		switch {
		case dead:
			return errDead
		case well:
			return nil
		}
		select {
		case <-ctx.Done():
			return errSick
		case <-changed:
		}
	}
}

func (f *fleet) act(ctx context.Context, c diff.Change) error {
	switch {
	case strings.HasPrefix(string(c.ID.Kind), "etcd"):
		if have := f.see(ctx, c.ID); have.Err != nil || !reflect.DeepEqual(have.Spec, c.Have) {
			return executors.ErrMoved
		}
		return f.actInside(ctx, c)
	case c.ID.Kind == resource.KindUnit:
		return f.actUnit(ctx, c)
	}
	err := f.World.Apply(ctx, c)
	if c.ID.Kind == resource.KindPackage && err == nil {
		f.enabled[c.ID.At] = c.Action != diff.Delete // as Debian's package does
	}
	if d, ok := c.Spec.(resource.Dir); ok && err == nil && (d.Vacant || c.Action == diff.Delete && d.Data) {
		f.setAside(c.ID)
	}
	return err
}

func (f *fleet) setAside(dir resource.ID) {
	if f.lives[dir.At].running {
		f.t.Errorf("%s: the data of a running member were set aside", dir)
	}
	f.Set(walOf(dir.At), nil)
	f.lives[dir.At] = life{}
}

func walOf(at string) resource.ID {
	return resource.ID{Kind: resource.KindDir, Name: dataDir + "/member/wal", At: at}
}

func unitOf(at string) resource.ID {
	return resource.ID{Kind: resource.KindUnit, Name: "etcd", At: at}
}

func (f *fleet) actUnit(ctx context.Context, c diff.Change) error {
	at, was := c.ID.At, f.lives[c.ID.At].running
	if err := f.World.Apply(ctx, c); err != nil {
		return err
	}
	u, _ := c.Spec.(resource.Unit)
	if c.Action == diff.Delete {
		u = resource.Unit{}
	}
	f.enabled[at], f.tries[at] = u.Enabled, false
	if c.Action == diff.Update && !restarted(c) {
		return nil
	}
	f.stop(at)
	if !u.Active {
		return nil
	}
	if was {
		f.order = append(f.order, at)
		f.pause(restarts)
	}
	if err := f.start(at); err != nil {
		f.rest(at)
		f.tries[at] = true
		return fmt.Errorf("start etcd on %s: %w", at, err)
	}
	f.stamps[at] = stamp{inputs: u.Inputs, read: f.reads(at)}
	return nil
}

func restarted(c diff.Change) bool {
	return slices.ContainsFunc(c.Fields, func(f resource.Field) bool { return f.Path == "inputs" || f.Path == "active" })
}

// pause lets others act for a while.
func (f *fleet) pause(d time.Duration) {
	f.stir()
	f.mu.Unlock()
	time.Sleep(d)
	f.mu.Lock()
}

// setting is a line of the node's etcd.conf.
func (f *fleet) setting(at, key string) string {
	for line := range strings.Lines(f.text(confPath, at)) {
		if v, ok := strings.CutPrefix(line, key+": "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// String is the state of the cluster.
func (f *fleet) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, p := range f.peers {
		text := p.name + "@" + hostOf(p.url)
		if p.learner {
			text += "(learner)"
		}
		if !f.up(p) {
			text += "(down)"
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}
