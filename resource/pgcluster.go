package resource

import (
	"maps"
	"slices"
	"strconv"
)

// The roles of an instance, whatever Patroni's version calls them.
const (
	PGLeader        = "leader"         // takes writes
	PGStandbyLeader = "standby_leader" // leads a standby cluster, and is itself in recovery
	PGReplica       = "replica"
)

// PGCluster is what is known of a PostgreSQL cluster: observed, never wanted. Absent means that every
// node of it was reached, and that nowhere anything runs or lies in a data directory. The id is
// "pgcluster:<cluster>@<cluster>".
type PGCluster struct {
	Leader  string         // instance that leads, whether of its own or of a standby cluster; "" when none does
	Members []PGMemberInfo // of the nodes that were reached, by instance
	// Configured are the names of the parameters that Patroni keeps for all members, as the leader says.
	Configured []string
	Silent     map[string]string // why nothing is known of an instance
}

// PGMemberInfo is one member of a picture.
type PGMemberInfo struct {
	Instance string
	Node     string
	PGMember
}

// Kind is KindPGCluster.
func (PGCluster) Kind() Kind { return KindPGCluster }

// Compare finds nothing: a cluster is changed by its parts.
func (PGCluster) Compare(Spec) []Field { return nil }

// Member finds a member by its instance.
func (c PGCluster) Member(instance string) (PGMemberInfo, bool) {
	i := slices.IndexFunc(c.Members, func(m PGMemberInfo) bool { return m.Instance == instance })
	if i < 0 {
		return PGMemberInfo{}, false
	}
	return c.Members[i], true
}

// Leading is the member that leads.
func (c PGCluster) Leading() (PGMemberInfo, bool) { return c.Member(c.Leader) }

// Lives tells whether the cluster has been made: somewhere there are data.
func (c PGCluster) Lives() bool {
	return slices.ContainsFunc(c.Members, func(m PGMemberInfo) bool { return m.System != "" })
}

// Paused tells whether somebody has told Patroni to keep its hands off.
func (c PGCluster) Paused() bool {
	return slices.ContainsFunc(c.Members, func(m PGMemberInfo) bool { return m.Paused })
}

// Lag is by how many bytes a member is behind the leader; ok is false where it cannot be told.
func (c PGCluster) Lag(instance string) (bytes int64, ok bool) {
	l, leads := c.Leading()
	m, known := c.Member(instance)
	if !leads || !known || m.Location == 0 || l.Location == 0 {
		return 0, false
	}
	return max(0, l.Location-m.Location), true
}

// PGMember is an instance: what Patroni says of it, or else what lies in its data directory. Absent
// means that nothing runs and nothing lies there. The id is "pgmember:<instance>@<node>". Wanted are
// its cluster, that no restart is pending, and the settings that it should have started with.
type PGMember struct {
	Cluster  string // Patroni's scope; "" where it does not run
	Role     string // PGLeader, PGStandbyLeader, PGReplica; "" where the server does not run
	State    string // as Patroni says: "running", "streaming", "creating replica", "stopped"
	Up       bool   // the server runs and, if it is a replica, follows somebody
	System   string // system identifier: of what runs, or else of the data directory
	Major    int    // version of what runs, or else of the data directory
	Server   int    // "server_version_num" of what runs: 170002
	Patroni  string // its version, "" where it does not run; wanted it is that of its package (see RunsVersion), and "" is any
	Timeline int
	Location int64             // position in the write-ahead log, in bytes
	Paused   bool              // Patroni keeps its hands off the cluster, and not because of us
	Sync     bool              // a replica that the leader waits for at every commit
	Pending  bool              // a parameter takes effect with a restart only
	Reasons  []string          // names of those parameters, where Patroni says them
	Tags     map[string]string // as Patroni has them in force
	// Settings are the parameters that take effect when a server starts, by name: those in force; nil where
	// it was not asked. Wanted are those that should be.
	Settings map[string]PGSetting `json:",omitempty"`
	// Altered are the names of what ALTER SYSTEM has put over all else, whatever it is about.
	Altered []string `json:",omitempty"`
	// Replaced says that the server's program on the disk is newer than the one that runs.
	Replaced bool `json:",omitempty"`
	// Halted says that we made the pooler hold its clients for a restart, and have not let them go on.
	Halted bool `json:",omitempty"`
	// Resting says that we paused Patroni to replace it, and have not let it go on.
	Resting bool `json:",omitempty"`
}

// Runs tells whether the server runs, even if it is a replica that follows nobody.
func (m PGMember) Runs() bool { return m.Role != "" }

// PGSetback is what an error says of an instance that did not come back from a restart: nobody else is to be
// restarted for the same reason.
const PGSetback = "nobody else is restarted"

// Kind is KindPGMember.
func (PGMember) Kind() Kind { return KindPGMember }

// Compare wants the member in its cluster, and nothing pending. What moves by itself is no difference:
// who leads is Patroni's affair.
func (m PGMember) Compare(have Spec) []Field {
	h, there := have.(PGMember)
	var d fields
	if !there {
		d.text("state", "absent", "running", 0)
		return d
	}
	if m.Cluster != "" {
		d.text("cluster", h.Cluster, m.Cluster, Topology)
	}
	if before := len(d); m.compareSettings(h, &d) == before {
		d.flag("restart pending", h.Pending, m.Pending, Restart)
	}
	d.flag("program replaced", h.Replaced, m.Replaced, Restart)
	d.flag("pooler halted", h.Halted, m.Halted, 0)
	if m.Patroni != "" && !RunsVersion(m.Patroni, h.Patroni) {
		d.text("patroni", h.Patroni, m.Patroni, Reload)
	}
	d.flag("paused to replace Patroni", h.Resting, m.Resting, 0)
	return d
}

// compareSettings counts the differences so far. That a restart is pending says no more than they do.
func (m PGMember) compareSettings(h PGMember, d *fields) int {
	for _, name := range slices.Sorted(maps.Keys(m.Settings)) {
		if in, known := h.Settings[name]; known && !in.Same(name, in.Value, m.Settings[name].Value) {
			d.text(name, in.Value, m.Settings[name].Value, Restart)
		}
	}
	return len(*d)
}

// Loss is a copy of the data.
func (PGMember) Loss() Hazard { return Topology | DataLoss }

// PGHealth is the gate between two changes of a cluster. Of an instance ("pghealth:<instance>@<node>")
// it holds when the server runs and, if it is a replica, streams from a server of the same timeline; of
// a cluster ("pghealth:<cluster>@<cluster>") when it has a leader, and a leader of its own takes writes.
type PGHealth struct {
	Healthy bool
	// Patience is for how many seconds it is waited for; 0 means two minutes. A base backup under way
	// is waited for in any case. Only wanted.
	Patience int
}

// Kind is KindPGHealth.
func (PGHealth) Kind() Kind { return KindPGHealth }

// Gate makes it waited for.
func (PGHealth) Gate() {}

// Compare waits for health.
func (x PGHealth) Compare(have Spec) []Field {
	h, _ := have.(PGHealth)
	var d fields
	d.flag("healthy", h.Healthy, x.Healthy, 0)
	return d
}

// PGLoaded is whether a running server has read its files: settings, HBA and ident map, as they are on the
// disk. The id is "pgloaded:<instance>@<node>"; wanted, it is the zero value. It is reloaded where a
// file is newer than what the server has read.
type PGLoaded struct {
	Stale []string // files that were changed after the server read them
	Wrong []string // what the server would refuse of them: "pg_hba.conf:12: invalid CIDR mask"
}

// Kind is KindPGLoaded.
func (PGLoaded) Kind() Kind { return KindPGLoaded }

// Compare sees a reload, and what stands in its way.
func (l PGLoaded) Compare(have Spec) []Field {
	h, there := have.(PGLoaded)
	var d fields
	if !there {
		d.text("state", "absent", "running", 0)
		return d
	}
	d.list("stale", h.Stale, l.Stale, Reload)
	d.text("wrong", joined(h.Wrong), joined(l.Wrong), 0)
	return d
}

func joined(list []string) string {
	if len(list) > 3 {
		return sorted(list[:3]) + " and " + strconv.Itoa(len(list)-3) + " more"
	}
	return sorted(list)
}
