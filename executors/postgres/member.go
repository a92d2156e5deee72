package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// disk is what lies in the data directory, whether a server runs or not.
type disk struct {
	system string
	major  int
}

// readDisk reads the first of the data directories that holds something.
func (l *Look) readDisk() (d disk, err error) {
	for _, dir := range append([]string{l.seat.Data}, l.seat.Elsewhere...) {
		if d, err = l.readData(dir); err != nil || d.major != 0 {
			break
		}
	}
	return d, err
}

// readData reads the version file, and the system identifier, with which the control file begins.
func (l *Look) readData(dir string) (d disk, err error) {
	version, err := l.node.Read(dir + "/PG_VERSION")
	if err != nil || version == nil {
		return d, err
	}
	text := strings.TrimSpace(string(version))
	if d.major, err = strconv.Atoi(text); err != nil && text != "" { // a power cut leaves files of which nothing was written yet
		return d, fmt.Errorf("%s/PG_VERSION holds no version", dir)
	}
	control, err := l.node.Read(dir + "/global/pg_control")
	if err != nil || len(control) < 8 {
		return d, err
	}
	if system := binary.NativeEndian.Uint64(control); system != 0 {
		d.system = strconv.FormatUint(system, 10)
	}
	return d, nil
}

// member is what Patroni says, or else what lies on the disk.
func (l *Look) member() (resource.Spec, error) {
	s, err := l.status()
	if err != nil && !errors.Is(err, ErrStopped) {
		return nil, err
	}
	d, diskErr := l.onDisk()
	switch {
	case err == nil:
		return l.withServer(s.member(d), s)
	case diskErr != nil:
		return nil, diskErr
	case d == disk{}:
		return nil, nil
	}
	return resource.PGMember{System: d.system, Major: d.major}, nil
}

func (s status) member(d disk) resource.PGMember {
	m := resource.PGMember{
		Cluster: s.Patroni.Scope, State: s.State, System: s.System, Server: s.Server, Major: s.Server / 10000,
		Patroni: s.Patroni.Version, Timeline: s.Timeline, Paused: s.Pause, Sync: s.Sync || s.Quorum, Pending: s.Pending,
		Reasons:  slices.Sorted(maps.Keys(s.Reasons)),
		Location: max(s.Log.Location, s.Log.Received, s.Log.Replayed),
	}
	if m.System == "" {
		m.System = d.system
	}
	if m.Major == 0 {
		m.Major = d.major
	}
	if s.runs() {
		m.Role = roles[s.Role]
	}
	m.Up = s.up()
	for k, v := range s.Tags {
		if m.Tags == nil {
			m.Tags = map[string]string{}
		}
		m.Tags[k] = fmt.Sprint(v)
	}
	return m
}

// following are the states of a server that is one, by what Patroni's versions call them.
var following = []string{"running", "streaming", "in archive recovery"}

func (s status) runs() bool { return slices.Contains(following, s.State) && s.Server > 0 }

// up tells whether the server does its work: a leader runs; a replica streams, unless it is not meant to.
func (s status) up() bool {
	lonely, _ := s.Tags["nostream"].(bool)
	switch {
	case !s.runs():
		return false
	case roles[s.Role] == resource.PGLeader, roles[s.Role] == resource.PGStandbyLeader:
		return !s.Unlocked
	}
	return s.State == "streaming" || s.Replication == "streaming" || s.State == "running" && s.Replication == "" && !s.tells() || lonely
}

// tells is whether this Patroni says of a replica that runs whether it streams. Those before 3.0.4 do not.
func (s status) tells() bool {
	v := make([]int, 3)
	n, err := fmt.Sscanf(s.Patroni.Version, "%d.%d.%d", &v[0], &v[1], &v[2])
	return n == 3 && err == nil && slices.Compare(v, []int{3, 0, 4}) >= 0
}

// withoutEtcd is what becomes of a leader whose etcd has no quorum: it serves its clients, and nobody holds the lock.
const withoutEtcd = "Patroni's etcd does not answer, and the server goes on in failsafe mode"

// leads is nil where this member leads its cluster, and else the reason why it has no answer.
func (l *Look) leads() error {
	s, err := l.status()
	switch {
	case errors.Is(err, ErrStopped):
		return l.idle(err)
	case err != nil:
		return err
	case s.Patroni.Scope != l.seat.Cluster:
		return fmt.Errorf("Patroni here is one of the cluster %q", s.Patroni.Scope)
	case !s.runs():
		return fmt.Errorf("%w: it is %s", ErrElsewhere, s.State)
	case roles[s.Role] == resource.PGReplica:
		return ErrElsewhere
	case roles[s.Role] == "":
		return fmt.Errorf("Patroni says that it is %q, which nobody knows", s.Role)
	case s.Unlocked:
		return fmt.Errorf("%w: the cluster has no leader now", ErrElsewhere)
	case s.Failsafe:
		return fmt.Errorf("%w: %s", ErrElsewhere, withoutEtcd)
	}
	return nil
}

// bare tells whether no server runs, and nothing lies where one should.
func (l *Look) bare() bool {
	_, err := l.status()
	return errors.Is(err, ErrStopped) && errors.Is(l.idle(err), ErrNothing)
}

// idle tells an empty place from one where Patroni has stopped.
func (l *Look) idle(stopped error) error {
	d, err := l.onDisk()
	switch {
	case err != nil:
		return err
	case d == disk{}:
		return ErrNothing
	}
	return stopped
}

// picture is this member's part of the picture of its cluster.
func (l *Look) picture() (resource.Spec, error) {
	spec, err := l.member()
	if err != nil {
		return nil, err
	}
	m, there := spec.(resource.PGMember)
	if !there {
		return nil, ErrNothing
	}
	c := resource.PGCluster{Members: []resource.PGMemberInfo{{Instance: l.seat.Instance, Node: l.seat.Node, PGMember: m}}}
	if l.leads() == nil {
		c.Leader = l.seat.Instance
		if config, err := l.config(); err == nil {
			parameters, _ := reach(config, "postgresql/parameters")
			named, _ := parameters.(map[string]any)
			c.Configured = slices.Sorted(maps.Keys(named))
		}
	}
	return c, nil
}

// health is the gate of this instance.
func (l *Look) health() (resource.Spec, error) {
	s, err := l.status()
	if err != nil && !errors.Is(err, ErrStopped) {
		return nil, err
	}
	return resource.PGHealth{Healthy: err == nil && s.up() && s.Patroni.Scope == l.seat.Cluster}, nil
}

// clusterHealth is the gate of the cluster, asked of its leader: it takes writes, unless it leads a standby
// cluster.
func (l *Look) clusterHealth() (resource.Spec, error) {
	s, err := l.status()
	if err != nil {
		return nil, err
	}
	if roles[s.Role] == resource.PGStandbyLeader {
		return resource.PGHealth{Healthy: s.up()}, nil
	}
	g, err := l.globals()
	if err != nil {
		return nil, err
	}
	return resource.PGHealth{Healthy: s.up() && !g.Recovery}, nil
}
