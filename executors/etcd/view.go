package etcd

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/pigsync/pigsync/resource"
)

// view is what one look has shown.
type view struct {
	place   resource.EtcdPlace
	answers []*answer
	absent  bool
	err     error // why nothing is known; then the rest means nothing
	info    resource.EtcdCluster
	best    *answer           // who is asked further: the leader, else one with a quorum
	why     map[string]string // member id → why it is not healthy
	leader  uint64
	since   revision
}

// newView judges the answers.
func newView(p resource.EtcdPlace, answers []*answer) *view {
	v := &view{place: p, answers: answers, why: map[string]string{}}
	if v.err = v.split(); v.err != nil {
		return v
	}
	if v.best = v.quorate(); v.best != nil {
		v.describe()
		return v
	}
	v.without()
	return v
}

// split is an error when two endpoints belong to different clusters.
func (v *view) split() error {
	var first *answer
	for _, a := range v.answers {
		switch {
		case a.status == nil:
		case first == nil:
			first = a
		case a.status.Header.ClusterId != first.status.Header.ClusterId:
			return fmt.Errorf("%s belongs to cluster %x and %s to another, %x", first.end.Addr, first.status.Header.ClusterId, a.end.Addr, a.status.Header.ClusterId)
		}
	}
	return nil
}

// quorate is an answer with a quorum behind it, that of the leader if it is among them.
func (v *view) quorate() (best *answer) {
	for _, a := range v.answers {
		if a.conn == nil || a.read != nil || a.list != nil || a.status == nil {
			continue
		}
		if best == nil || a.status.Leader == a.status.Header.MemberId {
			best = a
		}
	}
	return best
}

// without judges a cluster of which nobody has answered with a quorum.
func (v *view) without() {
	var refused, there, unsure int
	for _, a := range v.answers {
		if v.err = a.trouble(v.place.CA); v.err != nil {
			return
		}
		switch {
		case a.reach == nothing:
			refused++
		case a.reach == silent, a.leaderless():
			there++
		case a.reach == open:
			unsure++ // it has a leader, or says nothing of one: it may only be slow
		}
	}
	switch {
	case len(v.answers) == 0:
		v.err = errors.New("no endpoint is known")
	case refused == len(v.answers):
		v.absent = true
	case there > 0 && unsure == 0:
		v.info.ID = v.clusterID()
	default:
		v.err = fmt.Errorf("nobody answers with a quorum: %s", v.ills())
	}
}

// trouble is what makes everything unknown as long as nobody has a quorum.
func (a *answer) trouble(authority string) error {
	switch {
	case a.conn != nil && a.read == nil && a.list != nil:
		return fmt.Errorf("%s: list members: %w", where(a.end), a.list)
	case errors.Is(a.deaf, ErrAuth):
		return fmt.Errorf("%s: %w", where(a.end), a.deaf)
	case errors.Is(a.err, errUntrusted):
		return fmt.Errorf("%s: %w", where(a.end), a.err)
	case a.reach == silent && authority == "":
		return fmt.Errorf("%s: something listens, and there is no authority yet to know it by", where(a.end))
	}
	return nil
}

func (v *view) clusterID() string {
	for _, a := range v.answers {
		if a.status != nil {
			return strconv.FormatUint(a.status.Header.ClusterId, 16)
		}
	}
	return ""
}

// describe fills in the cluster's picture from the best answer and from what each member says of
// itself.
func (v *view) describe() {
	s := v.best.status
	v.leader = s.Leader
	v.info = resource.EtcdCluster{ID: v.clusterID(), Quorum: true, Auth: v.best.auth}
	for _, m := range v.best.members {
		info := v.member(m)
		v.info.Members = append(v.info.Members, info)
		if m.ID == s.Leader {
			v.info.Leader = m.Name
		}
	}
	slices.SortFunc(v.info.Members, func(a, b resource.EtcdMemberInfo) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}

func (v *view) member(m *pb.Member) resource.EtcdMemberInfo {
	info := resource.EtcdMemberInfo{ID: hex(m.ID), Name: m.Name, Learner: m.IsLearner}
	if len(m.PeerURLs) > 0 {
		info.PeerURL = m.PeerURLs[0]
	}
	reason := v.ill(m, info)
	if info.Healthy = reason == ""; !info.Healthy {
		v.why[info.ID] = reason
	}
	for _, a := range v.answers {
		if a.status != nil && a.status.Header.MemberId == m.ID {
			info.Version = a.status.Version
		}
	}
	return info
}

// ill tells why a member is not healthy. An endpoint that answers says itself which member it is; for
// one that does not, the place's name or the node of the peer URL tells.
func (v *view) ill(m *pb.Member, info resource.EtcdMemberInfo) string {
	reason := "no endpoint is known for it"
	for _, a := range v.answers {
		switch {
		case a.status != nil && a.status.Header.MemberId == m.ID:
			return a.ill()
		case a.status == nil && (a.end.Member == m.Name || m.Name == "" && sameHost(a.end.Addr, info.PeerURL)):
			reason = a.ill()
		}
	}
	if m.Name == "" {
		return "it has not started"
	}
	return reason
}

// spoil marks a member as corrupt.
func (v *view) spoil(id uint64) {
	for i := range v.info.Members {
		if m := &v.info.Members[i]; m.ID == hex(id) {
			m.Healthy = false
			v.why[m.ID] = "its data are corrupt"
		}
	}
}

// cluster is the picture itself.
func (v *view) cluster() (resource.Spec, error) {
	if v.err != nil || v.absent {
		return nil, v.err
	}
	return v.info, nil
}

// named finds a member on the list: by its name, or, while it has none, by the node of its peer URL.
func (v *view) named(name string) (resource.EtcdMemberInfo, bool) {
	for _, m := range v.info.Members {
		if m.Name == name {
			return m, true
		}
	}
	for _, m := range v.info.Members {
		if m.Name == "" && v.onlyHost(name, m.PeerURL) {
			return m, true
		}
	}
	return resource.EtcdMemberInfo{}, false
}

func (v *view) byID(id string) (resource.EtcdMemberInfo, bool) {
	i := slices.IndexFunc(v.info.Members, func(m resource.EtcdMemberInfo) bool { return m.ID == id })
	if i < 0 {
		return resource.EtcdMemberInfo{}, false
	}
	return v.info.Members[i], true
}

// onlyHost tells whether the endpoint of that member is on the peer URL's host, and no other is.
func (v *view) onlyHost(name, peerURL string) bool {
	mine, others := false, false
	for _, e := range v.place.Endpoints {
		if !sameHost(e.Addr, peerURL) {
			continue
		}
		mine, others = mine || e.Member == name, others || e.Member != name
	}
	return mine && !others
}

func sameHost(addr, peerURL string) bool {
	u, err := url.Parse(peerURL)
	host, _, aerr := net.SplitHostPort(addr)
	return err == nil && aerr == nil && host == u.Hostname()
}

// ills lists what is wrong, endpoint by endpoint.
func (v *view) ills() string {
	var list []string
	for _, a := range v.answers {
		if reason := a.ill(); reason != "" {
			list = append(list, where(a.end)+": "+reason)
		}
	}
	return strings.Join(list, "; ")
}

func where(e resource.Endpoint) string { return e.Member + " (" + e.Addr + ")" }

func hex(id uint64) string { return strconv.FormatUint(id, 16) }
