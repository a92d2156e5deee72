package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// This file is what etcd does, in the fleet of fleet_test.go; its methods are called with f.mu held.

func hostOf(peerURL string) string {
	return netip.MustParseAddrPort(strings.TrimPrefix(peerURL, "https://")).Addr().String()
}

func (f *fleet) find(ok func(*peer) bool) *peer {
	if i := slices.IndexFunc(f.peers, ok); i >= 0 {
		return f.peers[i]
	}
	return nil
}

func (f *fleet) listed(at string) *peer {
	return f.find(func(p *peer) bool { return hostOf(p.url) == at })
}

func (f *fleet) named(name string) *peer {
	if p := f.find(func(p *peer) bool { return p.name == name }); p != nil {
		return p
	}
	return f.find(func(p *peer) bool { return p.name == "" && f.onlyOn(hostOf(p.url), name) })
}

// onlyOn tells whether the places have that member on a node, and no other: a member that has not started
// yet has no name on the cluster's own list.
func (f *fleet) onlyOn(at, name string) bool {
	mine, others := false, false
	for _, place := range f.places.Etcd {
		for _, e := range place.Endpoints {
			mine, others = mine || e.Node == at && e.Member == name, others || e.Node == at && e.Member != name
		}
	}
	return mine && !others
}

func (f *fleet) up(p *peer) bool {
	at := hostOf(p.url)
	return f.lives[at].running && f.lives[at].member == p.id && !f.down[at]
}

func (f *fleet) voters() (all, up int) {
	for _, p := range f.peers {
		if p.learner {
			continue
		}
		all++
		if f.up(p) {
			up++
		}
	}
	return all, up
}

func (f *fleet) quorum() bool {
	all, up := f.voters()
	return f.born && up > all/2
}

// well is the gate: every voter, and the member named.
func (f *fleet) well(name string) bool {
	if all, up := f.voters(); !f.quorum() || up < all {
		return false
	}
	p := f.named(name)
	return name == "cluster" || p != nil && f.up(p)
}

// elect keeps the leader as long as it is there.
func (f *fleet) elect() {
	if p := f.named(f.leader); f.leader != "" && p != nil && f.up(p) {
		return
	}
	f.leader = ""
	if p := f.find(func(p *peer) bool { return !p.learner && f.up(p) }); p != nil {
		f.leader = p.name
	}
}

func (f *fleet) picture() resource.State {
	running, unsure := false, false
	for at, l := range f.lives {
		running = running || l.running && !f.down[at]
		unsure = unsure || f.down[at]
	}
	switch {
	case f.quorum():
	case unsure:
		return resource.State{Err: errQuorum}
	case !running:
		return resource.State{}
	default:
		return resource.State{Spec: resource.EtcdCluster{ID: "c0"}}
	}
	c := resource.EtcdCluster{ID: "c0", Quorum: true, Leader: f.leader}
	for _, p := range f.peers {
		c.Members = append(c.Members, resource.EtcdMemberInfo{ID: p.id, Name: p.name, PeerURL: p.url, Learner: p.learner, Healthy: f.up(p)})
	}
	return resource.State{Spec: c}
}

func (f *fleet) stop(at string) {
	quorum := f.quorum()
	l := f.lives[at]
	l.running = false
	f.lives[at] = l
	f.elect()
	all, up := f.voters()
	f.worst = max(f.worst, all-up)
	if quorum && !f.quorum() && all > 1 && !f.unplugged {
		f.t.Errorf("the cluster lost its quorum: %d of %d voters are up without %s", up, all, at)
	}
}

// kill ends the process of a node behind everybody's back.
func (f *fleet) kill(at string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stop(at)
	f.rest(at)
}

// lose is what happens to a member whose disk is replaced.
func (f *fleet) lose(at string) {
	f.kill(at)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lives[at] = life{}
	f.Set(walOf(at), nil)
	f.boot(at)
}

// start counts how often etcd was started, and how often it gave up at once.
func (f *fleet) start(at string) error {
	if err := f.launch(at); err != nil {
		f.refused[at]++
		return err
	}
	f.starts[at]++
	return nil
}

// launch does what etcd does with what it finds on the node.
func (f *fleet) launch(at string) error {
	member := f.lives[at].member
	mine, state := f.listed(at), f.setting(at, "initial-cluster-state")
	old := f.Get(walOf(at)) != nil
	switch {
	case old && member != "" && (mine == nil || mine.id != member):
		return errors.New("the member has been removed from the cluster for good")
	case old:
	case state == "new" && f.born && mine != nil && mine.started:
		f.fill(at)
		return errors.New("the member has already been bootstrapped")
	case state == "new" && f.born && (mine == nil || mine.name == ""):
		f.lives[at] = life{member: "nobody"} // it makes itself an identity that the others do not know
		f.occupy(at)
		return errors.New("the member has been removed from the cluster for good")
	case state == "new":
		member = ""
	default:
		if err := f.enter(at, mine); err != nil {
			f.fill(at)
			return err
		}
		member = mine.id
	}
	f.lives[at] = life{running: true, member: member}
	f.occupy(at)
	f.bear(f.setting(at, "initial-cluster"))
	f.elect()
	return nil
}

// fill leaves something in the data directory.
func (f *fleet) fill(at string) {
	dir := resource.ID{Kind: resource.KindDir, Name: dataDir, At: at}
	if d, ok := f.Get(dir).(resource.Dir); ok {
		d.Vacant = false
		f.Set(dir, d)
	}
}

// occupy makes the data of a member be there.
func (f *fleet) occupy(at string) {
	f.fill(at)
	f.Set(walOf(at), resource.Dir{Mode: 0o700, Owner: "etcd", Group: "etcd"})
}

func urls(initial string) (list []string) {
	for pair := range strings.SplitSeq(initial, ",") {
		_, url, _ := strings.Cut(pair, "=")
		list = append(list, url)
	}
	return list
}

// bear forms the cluster once a majority of those it is to have runs.
func (f *fleet) bear(initial string) {
	here, all := 0, urls(initial)
	for _, url := range all {
		if f.lives[hostOf(url)].running {
			here++
		}
	}
	if !f.born && here > len(all)/2 {
		f.born = true
		for pair := range strings.SplitSeq(initial, ",") {
			name, url, _ := strings.Cut(pair, "=")
			f.next++
			f.peers = append(f.peers, &peer{id: fmt.Sprintf("a%d", f.next), name: name, url: url})
		}
	}
	for at, l := range f.lives {
		if p := f.listed(at); p != nil && l.running && l.member == "" {
			f.lives[at] = life{running: true, member: p.id}
		}
		if p := f.listed(at); p != nil && f.up(p) {
			p.started = true
		}
	}
}

// enter lets a member with no data into a living cluster, when it was told exactly who is there.
func (f *fleet) enter(at string, mine *peer) error {
	var list []string
	for _, p := range f.peers {
		list = append(list, p.url)
	}
	told := urls(f.setting(at, "initial-cluster"))
	slices.Sort(list)
	slices.Sort(told)
	switch {
	case !slices.Equal(told, list):
		return fmt.Errorf("initial-cluster %v is not the list %v", told, list)
	case mine == nil:
		return errors.New("it was not invited")
	case mine.name != "":
		f.t.Errorf("%s started without its data, and has forgotten what it voted for", mine.name)
	case !f.quorum():
		return errQuorum
	}
	mine.name = f.setting(at, "name")
	return nil
}

func (f *fleet) actInside(ctx context.Context, c diff.Change) error {
	if !f.quorum() {
		return errQuorum
	}
	switch s := c.Spec.(type) {
	case resource.EtcdMember:
		return f.actMember(c, s)
	case resource.EtcdVoter:
		p := f.named(c.ID.Name)
		if p == nil || !f.up(p) {
			return errors.New("the learner is not in sync")
		}
		p.learner = false
		return nil
	}
	return f.World.Apply(ctx, c)
}

func (f *fleet) actMember(c diff.Change, s resource.EtcdMember) error {
	have, _ := c.Have.(resource.EtcdMember)
	if c.Action == diff.Delete {
		return f.remove(have.MemberID)
	}
	if c.Action == diff.Update {
		if s.Lost != have.MemberID {
			return errors.New("a peer URL is not changed")
		}
		if err := f.remove(have.MemberID); err != nil {
			return err
		}
	}
	if all, up := f.voters(); up < all || f.find(func(p *peer) bool { return p.learner }) != nil {
		return errors.New("a voter is ill, or another learns")
	}
	f.next++
	f.joins[s.PeerURL]++
	f.peers = append(f.peers, &peer{id: fmt.Sprintf("a%d", f.next), url: s.PeerURL, learner: true})
	return nil
}

func (f *fleet) remove(id string) error {
	p := f.find(func(p *peer) bool { return p.id == id })
	all, up := f.voters()
	if !p.learner {
		all--
		if f.up(p) {
			up--
		}
	}
	if up <= all/2 {
		return errors.New("no quorum would be left")
	}
	f.peers = slices.DeleteFunc(f.peers, func(o *peer) bool { return o == p })
	if at := hostOf(p.url); f.lives[at].member == id {
		f.stop(at) // the process ends by itself
		f.rest(at)
	}
	f.elect()
	return nil
}
