package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// seeSeated is absent where Patroni does not run, or is one of another cluster.
func (l *Look) seeSeated() (resource.Spec, error) {
	s, err := l.status()
	switch {
	case errors.Is(err, ErrStopped):
		return nil, nil
	case err != nil:
		return nil, err
	case s.Patroni.Scope != l.seat.Cluster:
		return nil, nil
	}
	return resource.PGSeated{System: s.System, Leads: roles[s.Role] != resource.PGReplica}, nil
}

// MayLeave refuses to let a member go whom the others need now. It tells whether there is none.
func (l *Look) MayLeave() (last bool, err error) {
	s, err := l.unpaused()
	if err != nil {
		return false, err
	}
	p, limit, err := l.askPeers()
	if err != nil {
		return false, err
	}
	others := slices.DeleteFunc(slices.Clone(p.Members), func(m peer) bool { return m.Name == l.seat.Instance || m.State == "stopped" })
	if len(others) == 0 {
		return true, nil // nobody is left who could miss it
	}
	var ill []string
	for _, m := range others {
		if why := m.ill(limit); why != "" {
			ill = append(ill, why)
		}
	}
	switch {
	case roles[s.Role] != resource.PGReplica:
		return false, fmt.Errorf("%s leads, and %s is still there: let another one lead first", l.seat.Instance, others[0].Name)
	case len(ill) > 0:
		return false, errors.New("not all of the others are well: " + strings.Join(ill, "; "))
	}
	return false, l.notTheOnlySynchronous(p)
}

// notTheOnlySynchronous refuses to take away the last one for whom every write waits.
func (l *Look) notTheOnlySynchronous(p peers) error {
	config, err := l.askConfig()
	if err != nil {
		return err
	}
	strict, _ := config["synchronous_mode_strict"].(bool)
	able := slices.ContainsFunc(p.Members, func(m peer) bool {
		return !m.leads() && m.Name != l.seat.Instance && !m.tagged("nosync") && slices.Contains(following, m.State)
	})
	if strict && !able {
		return errors.New("it is the only synchronous one: nothing could be written without it")
	}
	return nil
}
