package etcd_test

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/resource"
)

// world is a small model of a fleet with an etcd cluster: what is on the nodes is a map, and starting
// etcd does what etcd does.
type world struct {
	specs   map[resource.ID]resource.Spec // of nodes, of the authority, and of users
	down    map[string]bool               // nodes that cannot be reached, and do not run
	sick    map[string]bool               // nodes where etcd cannot be started
	members []*peer                       // the cluster's list
	born    bool                          // the cluster has formed
	lives   map[string]life               // by node
	next    int
	places  resource.Places
}

// peer is a member as the cluster lists it.
type peer struct {
	id, name, url string
	learner       bool
	started       bool // it has told the others its client URL
}

// life is what etcd is on a node.
type life struct {
	running bool
	data    string // the data directory, "" when there is none
	member  string // whose data they are; "" as long as a bootstrap waits
}

func newWorld() *world {
	return &world{
		specs: map[resource.ID]resource.Spec{}, down: map[string]bool{}, sick: map[string]bool{},
		lives: map[string]life{},
	}
}

// like makes the world what was known when a case was compiled, on top of all that prior asked for.
func (w *world) like(c *modtest.Case) {
	for r := range c.Prior.All() {
		if r.Spec != nil {
			w.specs[r.ID] = observed(r.Spec)
		}
	}
	for id, s := range c.Known {
		switch {
		case id.Kind == resource.KindCA && s.Spec != nil:
			w.specs[id] = s.Spec
		case id.Kind == resource.KindFacts:
			w.down[id.At] = s.Err != nil
			w.specs[id] = s.Spec
		case id.Kind == resource.KindFile:
			if s.Spec == nil {
				delete(w.specs, id)
			} else if w.specs[id] == nil {
				w.specs[id] = s.Spec
			}
		}
	}
	seen, _ := c.Known[resource.EtcdClusterOf("etcd")].Spec.(resource.EtcdCluster)
	w.born = seen.Quorum
	for _, m := range seen.Members {
		w.members = append(w.members, &peer{id: m.ID, name: m.Name, url: m.PeerURL, learner: m.Learner, started: m.Name != ""})
		if m.Healthy {
			w.lives[hostOf(m.PeerURL)] = life{running: true, data: "/data/etcd", member: m.ID}
		}
	}
	w.next = len(seen.Members)
	for id, s := range c.Known {
		if data, ok := strings.CutSuffix(id.Name, "/member/wal"); ok && s.Spec != nil {
			l := w.lives[id.At]
			l.data = data
			if m := w.listed(id.At); m != nil {
				l.member = m.id
			}
			w.lives[id.At] = l
		}
	}
	for _, host := range slices.Sorted(maps.Keys(w.lives)) {
		id := resource.ID{Kind: resource.KindUnit, Name: "etcd", At: host}
		if u, ok := w.specs[id].(resource.Unit); ok {
			u.Active = w.lives[host].running
			w.specs[id] = u
		}
	}
}

// observed is a wanted spec as it is seen once it holds.
func observed(s resource.Spec) resource.Spec {
	switch s := s.(type) {
	case resource.Dir:
		s.Vacant = false
		return s
	case resource.CA:
		return modtest.Authority(s.Name)
	}
	return s
}

func hostOf(peerURL string) string {
	return netip.MustParseAddrPort(strings.TrimPrefix(peerURL, "https://")).Addr().String()
}

func (w *world) listed(host string) *peer {
	i := slices.IndexFunc(w.members, func(p *peer) bool { return hostOf(p.url) == host })
	if i < 0 {
		return nil
	}
	return w.members[i]
}

func (w *world) named(name string) *peer {
	i := slices.IndexFunc(w.members, func(p *peer) bool { return p.name == name })
	if i < 0 { // one that has not started yet is known by its host
		i = slices.IndexFunc(w.members, func(p *peer) bool { return p.name == "" && w.onlyOn(hostOf(p.url), name) })
	}
	if i < 0 {
		return nil
	}
	return w.members[i]
}

// onlyOn tells whether the inventories have that member on a host, and no other.
func (w *world) onlyOn(host, name string) bool {
	mine, others := false, false
	for _, place := range w.places.Etcd {
		for _, e := range place.Endpoints {
			mine, others = mine || e.Node == host && e.Member == name, others || e.Node == host && e.Member != name
		}
	}
	return mine && !others
}

func (w *world) setting(host, key string) string {
	f, _ := w.specs[resource.ID{Kind: resource.KindFile, Name: "/etc/etcd/etcd.conf", At: host}].(resource.File)
	for line := range strings.Lines(string(f.Content)) {
		if v, ok := strings.CutPrefix(line, key+": "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func (w *world) up(p *peer) bool {
	host := hostOf(p.url)
	l := w.lives[host]
	return l.running && l.member == p.id && !w.down[host]
}

// voters counts the voting members and those of them that run.
func (w *world) voters() (all, up int) {
	for _, p := range w.members {
		if !p.learner {
			all++
			if w.up(p) {
				up++
			}
		}
	}
	return all, up
}

func (w *world) quorum() bool {
	all, up := w.voters()
	return w.born && up > all/2
}

func (w *world) healthy(p *peer) bool { return w.quorum() && w.up(p) }

// well is the gate: every voter, and the member named.
func (w *world) well(name string) bool {
	all, up := w.voters()
	if !w.quorum() || up < all {
		return false
	}
	p := w.named(name)
	return name == "cluster" || p != nil && w.healthy(p)
}

func (w *world) observe(ids []resource.ID) map[resource.ID]resource.State {
	out := map[resource.ID]resource.State{}
	for _, id := range ids {
		out[id] = w.see(id)
	}
	return out
}

func (w *world) see(id resource.ID) resource.State {
	if w.down[id.At] {
		return resource.State{Err: modtest.ErrUnreachable}
	}
	if strings.HasPrefix(string(id.Kind), "etcd") {
		return w.seeCluster(id)
	}
	if data, ok := strings.CutSuffix(id.Name, "/member/wal"); ok {
		if l := w.lives[id.At]; l.data != data || l.data == "" {
			return resource.State{}
		}
		return resource.State{Spec: resource.Dir{}}
	}
	s := w.specs[id]
	if d, ok := s.(resource.Dir); ok && d.Data {
		d.Vacant = w.lives[id.At].data == ""
		d.Data = false
		s = d
	}
	return resource.State{Spec: s}
}

func (w *world) seeCluster(id resource.ID) resource.State {
	switch id.Kind {
	case resource.KindEtcdCluster:
		return w.picture()
	case resource.KindEtcdHealth:
		return resource.State{Spec: resource.EtcdHealth{Healthy: w.well(id.Name)}}
	}
	switch picture := w.picture(); {
	case picture.Err != nil || picture.Spec == nil:
		return picture
	case !w.quorum():
		return resource.State{Err: errors.New("no quorum")}
	}
	p := w.named(id.Name)
	switch {
	case id.Kind == resource.KindEtcdMember && p != nil:
		return resource.State{Spec: resource.EtcdMember{PeerURL: p.url, MemberID: p.id}}
	case id.Kind == resource.KindEtcdVoter && p != nil && !p.learner:
		return resource.State{Spec: resource.EtcdVoter{}}
	}
	return resource.State{Spec: w.specs[id]}
}

func (w *world) picture() resource.State {
	running, unreachable := false, false
	for host, l := range w.lives {
		running = running || l.running && !w.down[host]
	}
	for _, d := range w.down {
		unreachable = unreachable || d
	}
	switch {
	case w.quorum():
	case unreachable:
		return resource.State{Err: modtest.ErrUnreachable}
	case !running:
		return resource.State{}
	default:
		return resource.State{Spec: resource.EtcdCluster{ID: "c0"}}
	}
	c := resource.EtcdCluster{ID: "c0", Quorum: true}
	for _, p := range w.members {
		c.Members = append(c.Members, resource.EtcdMemberInfo{
			ID: p.id, Name: p.name, PeerURL: p.url, Learner: p.learner, Healthy: w.healthy(p),
		})
		if c.Leader == "" && w.healthy(p) && !p.learner {
			c.Leader = p.name
		}
	}
	return resource.State{Spec: c}
}

// errLater is why a gate is tried again while other steps go on.
var errLater = errors.New("not healthy yet")

func (w *world) apply(c diff.Change) error {
	switch {
	case w.down[c.ID.At]:
		return modtest.ErrUnreachable
	case c.Action == diff.Check:
		if !w.well(c.ID.Name) {
			return errLater
		}
		return nil
	case c.ID.Kind == resource.KindUnit:
		return w.applyUnit(c)
	case strings.HasPrefix(string(c.ID.Kind), "etcd"):
		return w.applyCluster(c)
	case c.Action == diff.Delete:
		delete(w.specs, c.ID)
		if d, ok := c.Spec.(resource.Dir); ok && d.Data {
			w.lives[c.ID.At] = life{}
		}
		return nil
	}
	if d, ok := c.Spec.(resource.Dir); ok && d.Vacant {
		if w.lives[c.ID.At].running {
			return fmt.Errorf("%s: the data of a running member were set aside", c.ID)
		}
		w.lives[c.ID.At] = life{}
	}
	w.specs[c.ID] = observed(c.Spec)
	return nil
}

func (w *world) applyUnit(c diff.Change) error {
	l := w.lives[c.ID.At]
	if c.Action == diff.Delete {
		l.running = false
		w.lives[c.ID.At] = l
		delete(w.specs, c.ID)
		return nil
	}
	u, _ := c.Spec.(resource.Unit)
	if !u.Active {
		l.running = false
		w.lives[c.ID.At] = l
		w.specs[c.ID] = u
		return nil
	}
	err := w.start(c.ID.At)
	u.Active = err == nil
	w.specs[c.ID] = u
	return err
}

// start does what etcd does when it starts with the configuration on the node.
func (w *world) start(host string) error {
	l := w.lives[host]
	l.running = false
	w.lives[host] = l
	if w.sick[host] {
		return errors.New("it does not start")
	}
	data, state := w.setting(host, "data-dir"), w.setting(host, "initial-cluster-state")
	mine := w.listed(host)
	switch {
	case l.data == data && l.member != "" && (mine == nil || mine.id != l.member):
		return errors.New("the member has been permanently removed from the cluster")
	case l.data == data:
		w.lives[host] = life{running: true, data: data, member: l.member}
	case state == "new" && w.born && (mine == nil || mine.started):
		return errors.New("member has already been bootstrapped")
	case state == "new" && w.born:
		mine.started = true
		w.lives[host] = life{running: true, data: data, member: mine.id}
	case state == "new":
		w.lives[host] = life{running: true, data: data}
		w.bear(w.setting(host, "initial-cluster"))
	default:
		return w.enter(host, data, mine)
	}
	return nil
}

// bear forms the cluster once a majority of those it is to have runs.
func (w *world) bear(initial string) {
	pairs := strings.Split(initial, ",")
	here := 0
	for _, p := range pairs {
		_, url, _ := strings.Cut(p, "=")
		if w.lives[hostOf(url)].running {
			here++
		}
	}
	if here <= len(pairs)/2 {
		return
	}
	w.born, w.members = true, nil
	for _, p := range pairs {
		name, url, _ := strings.Cut(p, "=")
		w.next++
		w.members = append(w.members, &peer{id: fmt.Sprintf("a%d", w.next), name: name, url: url})
	}
	for host, l := range w.lives {
		if m := w.listed(host); m != nil && l.member == "" && l.data != "" {
			l.member, m.started = m.id, true
			w.lives[host] = l
		}
	}
}

// enter starts a member with an empty data directory in a cluster that lives.
func (w *world) enter(host, data string, mine *peer) error {
	var urls []string
	for pair := range strings.SplitSeq(w.setting(host, "initial-cluster"), ",") {
		_, url, _ := strings.Cut(pair, "=")
		urls = append(urls, url)
	}
	var list []string
	for _, p := range w.members {
		list = append(list, p.url)
	}
	slices.Sort(urls)
	slices.Sort(list)
	switch {
	case !slices.Equal(urls, list):
		return fmt.Errorf("initial-cluster %v is not the list %v", urls, list)
	case mine == nil || mine.name != "":
		return errors.New("it was not invited")
	case !w.quorum():
		return errors.New("nobody answers")
	}
	mine.name, mine.started = w.setting(host, "name"), true
	w.lives[host] = life{running: true, data: data, member: mine.id}
	return nil
}

func (w *world) applyCluster(c diff.Change) error {
	if !w.quorum() {
		return errors.New("no quorum")
	}
	switch s := c.Spec.(type) {
	case resource.EtcdMember:
		return w.applyMember(c, s)
	case resource.EtcdVoter:
		p := w.named(c.ID.Name)
		if p == nil || !w.healthy(p) {
			return errors.New("it is not in sync")
		}
		p.learner = false
		return nil
	}
	if c.Action == diff.Delete {
		delete(w.specs, c.ID)
		return nil
	}
	w.specs[c.ID] = observed(c.Spec)
	return nil
}

func (w *world) applyMember(c diff.Change, s resource.EtcdMember) error {
	have, _ := c.Have.(resource.EtcdMember)
	if c.Action != diff.Create {
		if c.Action == diff.Update && s.Lost != have.MemberID {
			return errors.New("a peer URL is not changed")
		}
		if err := w.remove(have.MemberID, c.Action == diff.Update); err != nil || c.Action == diff.Delete {
			return err
		}
	}
	if all, up := w.voters(); up < all {
		return errors.New("a voter is ill")
	}
	if slices.ContainsFunc(w.members, func(p *peer) bool { return p.learner }) {
		return errors.New("too many learners")
	}
	w.next++
	w.members = append(w.members, &peer{id: fmt.Sprintf("a%d", w.next), url: s.PeerURL, learner: true})
	return nil
}

func (w *world) remove(id string, lost bool) error {
	i := slices.IndexFunc(w.members, func(p *peer) bool { return p.id == id })
	if i < 0 {
		return nil
	}
	p := w.members[i]
	left := slices.Delete(slices.Clone(w.members), i, i+1)
	all, up := (&world{members: left, lives: w.lives, down: w.down}).voters()
	switch {
	case lost && w.healthy(p):
		return errors.New("it answers")
	case !p.learner && up < all/2+1:
		return errors.New("no quorum would be left")
	}
	w.members = left
	if l := w.lives[hostOf(p.url)]; l.member == id {
		l.running = false // the process ends by itself
		w.lives[hostOf(p.url)] = l
	}
	return nil
}
