package resource

import (
	"slices"
	"strings"
)

// EtcdCluster is what is known of a living etcd cluster: observed, never wanted. Absent means that
// every node was reached and nowhere anything listened; a cluster that answers without a quorum is
// there, with Quorum false. The id is "etcdcluster:<cluster>@<cluster>".
type EtcdCluster struct {
	ID      string // cluster id, in hex
	Quorum  bool   // a linearizable read works
	Leader  string // name of the leading member, "" when there is none
	Auth    bool
	Members []EtcdMemberInfo // as the cluster lists them; nil without a quorum
}

// EtcdMemberInfo is one member as the cluster lists it.
type EtcdMemberInfo struct {
	ID      string // in hex
	Name    string // "" until it has started once
	PeerURL string
	Learner bool
	Healthy bool // its own client port answers, and it has a leader
	Version string
}

// Kind is KindEtcdCluster.
func (EtcdCluster) Kind() Kind { return KindEtcdCluster }

// Compare finds nothing: a cluster is changed member by member.
func (EtcdCluster) Compare(Spec) []Field { return nil }

// Member finds a member by its peer URL, which it has from the moment it is added.
func (c EtcdCluster) Member(peerURL string) (EtcdMemberInfo, bool) {
	i := slices.IndexFunc(c.Members, func(m EtcdMemberInfo) bool { return m.PeerURL == peerURL })
	if i < 0 {
		return EtcdMemberInfo{}, false
	}
	return c.Members[i], true
}

// Voters counts the voting members, and how many of them are healthy.
func (c EtcdCluster) Voters() (all, healthy int) {
	for _, m := range c.Members {
		if m.Learner {
			continue
		}
		all++
		if m.Healthy {
			healthy++
		}
	}
	return all, healthy
}

// EtcdClusterOf is the id of a cluster's picture.
func EtcdClusterOf(cluster string) ID {
	return ID{Kind: KindEtcdCluster, Name: cluster, At: cluster}
}

// EtcdMember is a member on the cluster's list. A new one is added as a learner.
type EtcdMember struct {
	PeerURL string
	// MemberID is the id in hex; observed only.
	MemberID string
	// Lost is the id of the member whose data are gone: it must be taken off the list and its
	// place be given anew. "" means that any id will do.
	Lost string
}

// Kind is KindEtcdMember.
func (EtcdMember) Kind() Kind { return KindEtcdMember }

// Compare sees a replacement where the listed member is the lost one.
func (m EtcdMember) Compare(have Spec) []Field {
	h, _ := have.(EtcdMember)
	var d fields
	d.text("peer url", h.PeerURL, m.PeerURL, topology(h.PeerURL != ""))
	if m.Lost != "" && h.MemberID == m.Lost {
		d.text("member", h.MemberID+" (its data are lost)", "a new one", Topology)
	}
	return d
}

func topology(yes bool) Hazard {
	if yes {
		return Topology
	}
	return 0
}

// Loss is a member.
func (EtcdMember) Loss() Hazard { return Topology }

// EtcdVoter is a member that votes. It is absent while the member is a learner.
type EtcdVoter struct{}

// Kind is KindEtcdVoter.
func (EtcdVoter) Kind() Kind { return KindEtcdVoter }

// Compare promotes a learner.
func (EtcdVoter) Compare(have Spec) []Field {
	var d fields
	if have == nil {
		d.text("role", "learner", "voter", 0)
	}
	return d
}

// EtcdHealth is the gate between two changes of a cluster: the member named by the id answers a
// linearizable read, and so does every voter, and the servers have been connected long enough for the
// next change.
type EtcdHealth struct{ Healthy bool }

// Kind is KindEtcdHealth.
func (EtcdHealth) Kind() Kind { return KindEtcdHealth }

// Gate makes it waited for.
func (EtcdHealth) Gate() {}

// Compare waits for health.
func (x EtcdHealth) Compare(have Spec) []Field {
	h, _ := have.(EtcdHealth)
	var d fields
	d.flag("healthy", h.Healthy, x.Healthy, 0)
	return d
}

// EtcdAuth is authentication, on or off. The id is "etcdauth:auth@<cluster>".
type EtcdAuth struct{ Enabled bool }

// Kind is KindEtcdAuth.
func (EtcdAuth) Kind() Kind { return KindEtcdAuth }

// Compare turns it on.
func (a EtcdAuth) Compare(have Spec) []Field {
	h, _ := have.(EtcdAuth)
	var d fields
	d.flag("enabled", h.Enabled, a.Enabled, 0)
	return d
}

// EtcdUser is a user of etcd. Observed, Password is the declared one when a login with it works.
type EtcdUser struct {
	Password Secret
	Roles    []string
}

// Kind is KindEtcdUser.
func (EtcdUser) Kind() Kind { return KindEtcdUser }

// Compare never shows a password, only that another one is in force.
func (u EtcdUser) Compare(have Spec) []Field {
	h, there := have.(EtcdUser)
	var d fields
	if !there {
		d.text("state", "absent", "present", 0)
	} else if !h.Password.Equal(u.Password) {
		d.text("password", "<another secret>", mask, 0)
	}
	d.list("roles", h.Roles, u.Roles, 0)
	return d
}

// Loss is a way in for somebody's client.
func (EtcdUser) Loss() Hazard { return DataLoss }

// EtcdRole is a role of etcd: read and write below each prefix.
type EtcdRole struct{ Prefixes []string }

// Kind is KindEtcdRole.
func (EtcdRole) Kind() Kind { return KindEtcdRole }

// Compare wants exactly these prefixes.
func (r EtcdRole) Compare(have Spec) []Field {
	h, there := have.(EtcdRole)
	var d fields
	if !there {
		d.text("state", "absent", "present", 0)
	}
	d.text("prefixes", strings.Join(slices.Sorted(slices.Values(h.Prefixes)), " "), sorted(r.Prefixes), 0)
	return d
}

// Loss is a way in for somebody's client.
func (EtcdRole) Loss() Hazard { return DataLoss }

// EtcdBlank is a key that somebody has set to nothing, as a lock whose owner never came back. It is wanted
// not to be: a key that holds something is no difference, and never taken away. The id is
// "etcdblank:<key>@<cluster>".
type EtcdBlank struct{ Blank bool }

// Kind is KindEtcdBlank.
func (EtcdBlank) Kind() Kind { return KindEtcdBlank }

// Compare sees the lock.
func (b EtcdBlank) Compare(have Spec) []Field {
	h, _ := have.(EtcdBlank)
	var d fields
	d.flag("blank", h.Blank, b.Blank, 0)
	return d
}

// EtcdKeys is that somebody keeps something below a prefix, as Patroni does of its cluster. It comes about by them,
// and is never made; when nobody asks for it any more, all of it goes. The id is "etcdkeys:<prefix>@<cluster>"; the
// prefix ends in a slash, or that of pg-1 would take what is pg-10's.
type EtcdKeys struct{}

// Kind is KindEtcdKeys.
func (EtcdKeys) Kind() Kind { return KindEtcdKeys }

// Compare finds nothing: what is kept there is no concern of ours.
func (EtcdKeys) Compare(Spec) []Field { return nil }

// Empty is true: see Compare.
func (EtcdKeys) Empty() bool { return true }

// Loss is who belongs to a cluster, and how it was configured.
func (EtcdKeys) Loss() Hazard { return Topology }
