package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// switchover lets another one lead: the one that is named, or the most advanced. It is asked of the one that leads.
func (l *Look) switchover(want resource.PGLeading) error {
	switch err := l.mayRestart(); {
	case err != nil:
		return err
	case l.leads() != nil || want.Not != "" && want.Not != l.seat.Instance:
		return executors.ErrMoved
	}
	candidate, err := l.candidate(want.To)
	if err != nil {
		return err
	}
	if err := l.halt(); err != nil {
		return errors.Join(err, l.resume())
	}
	err = l.call(l.ctx, http.MethodPost, "/switchover", map[string]any{"leader": l.seat.Instance, "candidate": candidate}, nil)
	if err == nil {
		err = l.until(func(s status) bool { return s.up() && roles[s.Role] == resource.PGReplica }, "it was told to follow "+candidate+" and does not")
	}
	return errors.Join(err, l.resume())
}

// candidate is the one that lacks least, among those that may lead and would not have to restart first; or the one
// that is named, and nobody in its place.
func (l *Look) candidate(named string) (string, error) {
	p, limit, err := l.askPeers()
	if err != nil {
		return "", err
	}
	config, err := l.askConfig()
	if err != nil {
		return "", err
	}
	synchronous, _ := config["synchronous_mode"].(bool)
	var able []peer
	var not []string
	for _, m := range p.Members {
		if m.leads() || named != "" && m.Name != named {
			continue
		}
		if why := m.unfit(limit, synchronous); why != "" {
			not = append(not, why)
			continue
		}
		able = append(able, m)
	}
	if len(able) == 0 {
		return "", fmt.Errorf("nobody could lead instead of %s: %s", l.seat.Instance, cmp.Or(strings.Join(not, "; "), "it is alone"))
	}
	slices.SortStableFunc(able, func(a, b peer) int {
		x, _ := a.behind()
		y, _ := b.behind()
		return cmp.Compare(x, y)
	})
	return able[0].Name, nil
}

// unfit is why a member cannot lead now.
func (p peer) unfit(limit int64, synchronous bool) string {
	lag, known := p.behind()
	switch {
	case p.tagged("nofailover"):
		return p.Name + " must not lead"
	case !slices.Contains(following, p.State):
		return p.Name + " is " + p.State
	case !known || lag > limit:
		return p.Name + " is too far behind"
	case p.Pending:
		return p.Name + " waits for a restart itself"
	case synchronous && p.Role != "sync_standby" && p.Role != "quorum_standby":
		return p.Name + " is not synchronous"
	}
	return ""
}
