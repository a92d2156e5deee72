package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

const (
	// restartPatience is how many seconds a server has to come back before Patroni counts it as failed.
	restartPatience = 60
	// cutPatience is how old a transaction may be that a restart cuts off.
	cutPatience = 60
	// noticePatience is how long Patroni may take to hear of what was written into etcd.
	noticePatience = 5 * time.Second
)

// applyMember lets clients go on that we have halted, and restarts the server where something waits for it.
func (l *Look) applyMember(c diff.Change, want resource.PGMember, have resource.Spec) error {
	was, _ := have.(resource.PGMember)
	if c.Action != diff.Update {
		return errors.New("an instance comes and goes by its unit and its data directory")
	}
	if was.Halted {
		if err := l.resume(); err != nil {
			return err
		}
	}
	if err := l.patroniAgain(want, was); err != nil {
		return err
	}
	was.Halted, was.Resting, was.Patroni = false, false, want.Patroni
	if len(want.Compare(was)) == 0 {
		return nil
	}
	return l.restart(want, was)
}

// restart asks Patroni to restart the server, which keeps the lock of a leader meanwhile: nobody else leads.
// Whoever comes through the pooler waits. A server that does not come back gets what it had before.
func (l *Look) restart(want, was resource.PGMember) error {
	if err := l.mayRestart(); err != nil {
		return err
	}
	if err := l.wouldStart(want.Settings); err != nil {
		return setback(l.takenBack(want, was, err))
	}
	body := map[string]any{"timeout": restartPatience}
	if !was.Replaced || want.Replaced {
		body["restart_pending"] = true
		if err := l.informed(want, was); err != nil {
			return err
		}
	}
	if err := l.replayed(want); err != nil {
		return err
	}
	if err := l.unhurried(); err != nil {
		return err
	}
	before, err := l.status()
	if err != nil {
		return err
	}
	if err := l.halt(); err != nil {
		return errors.Join(err, l.resume())
	}
	err = l.call(l.ctx, "POST", "/restart", body, nil)
	if err == nil {
		err = l.until(func(s status) bool { return s.runs() }, "it was restarted and does not run")
	}
	if err != nil {
		err = setback(l.takenBack(want, was, err))
	}
	if err = errors.Join(err, l.resume()); err != nil {
		return err
	}
	return setback(l.until(func(s status) bool { return (s.up() || s.runs() && !before.up()) && !s.Pending }, "it was restarted and is not back"))
}

// informed waits until Patroni knows of all that waits for the restart: what it learns while the server is down it
// does not count, and would never restart for. Then it is told to read again.
func (l *Look) informed(want, was resource.PGMember) error {
	const vain = "Patroni knows of nothing that waits for a restart"
	if l.untilWithin(noticePatience, func(s status) bool { return s.Pending && s.names(want, was) }, vain) == nil {
		return nil
	}
	if s, err := l.askStatus(); err != nil || s.Pending {
		return err
	}
	if err := l.call(l.ctx, "POST", "/reload", nil, nil); err != nil {
		return err
	}
	return l.until(func(s status) bool { return s.Pending }, vain)
}

// names tells whether what waits for a restart is all that differs, as far as Patroni says what waits.
func (s status) names(want, was resource.PGMember) bool {
	if len(s.Reasons) == 0 {
		return true
	}
	for _, f := range (resource.PGMember{Settings: want.Settings}).Compare(resource.PGMember{Settings: was.Settings}) {
		if _, named := s.Reasons[f.Path]; !named {
			return false
		}
	}
	return true
}

// setback says of a restart that went wrong that it is not to be made again, here or elsewhere.
func setback(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", resource.PGSetback, err)
}

// mayRestart looks at the whole cluster right before: nobody else may be away, or behind.
func (l *Look) mayRestart() error {
	s, err := l.unpaused()
	switch {
	case err != nil:
		return err
	case s.Patroni.Scope != l.seat.Cluster:
		return fmt.Errorf("Patroni here is one of the cluster %q", s.Patroni.Scope)
	case !s.runs():
		return fmt.Errorf("the server is %s", s.State)
	case s.Unlocked:
		return fmt.Errorf("%w: the cluster has no leader now", executors.ErrMoved)
	case s.Failsafe:
		return fmt.Errorf("%w: %s", executors.ErrMoved, withoutEtcd)
	}
	return l.othersWell()
}

// unpaused is what Patroni says of its own member, while nobody but us has told it to keep its hands off. Of a pause that
// has ended it may not have heard yet.
func (l *Look) unpaused() (status, error) {
	s, err := l.status()
	if err != nil || !s.Pause {
		return s, err
	}
	config, err := l.config()
	if err != nil {
		return s, err
	}
	if _, ours := config[ours]; ours {
		return s, nil
	}
	if on, _ := config["pause"].(bool); on {
		return s, errPaused
	}
	if err := l.untilWithin(noticePatience, func(s status) bool { return !s.Pause }, errPaused.Error()); err != nil {
		return s, err
	}
	return l.askStatus()
}

var errPaused = errors.New("the cluster is paused")

// peers is what Patroni says of all members, and of the limits it holds them to.
type peers struct {
	Members   []peer
	Pause     bool
	Scheduled any `json:"scheduled_switchover"`
}

type peer struct {
	Name, Role, State string
	Timeline          int
	Lag               any  // bytes, or a word
	Pending           bool `json:"pending_restart"`
	Tags              map[string]any
}

func (p peer) leads() bool { return roles[p.Role] != resource.PGReplica && roles[p.Role] != "" }

func (p peer) tagged(name string) bool {
	on, _ := p.Tags[name].(bool)
	return on
}

// behind is by how many bytes a member lags; ok is false where nobody knows.
func (p peer) behind() (n int64, ok bool) {
	n, err := strconv.ParseInt(fmt.Sprint(p.Lag), 10, 64)
	return n, err == nil
}

// ill is why a member should not be left alone now; "" for one that is well.
func (p peer) ill(limit int64) string {
	lag, known := p.behind()
	switch {
	case !slices.Contains(following, p.State):
		return p.Name + " is " + p.State
	case p.leads() || p.tagged("nofailover"):
		return ""
	case !known:
		return "nobody knows how far " + p.Name + " is behind"
	case lag > limit:
		return fmt.Sprintf("%s is %d bytes behind, and %d are the limit", p.Name, lag, limit)
	}
	return ""
}

// sortOut says of replicas that run and should stream that they do not: one that does is called streaming.
func (p peers) sortOut() {
	for i, m := range p.Members {
		if m.State == "running" && !m.leads() && !m.tagged("nostream") {
			p.Members[i].State = "running, and follows nobody"
		}
	}
}

func (l *Look) askPeers() (p peers, limit int64, err error) {
	if err := l.call(l.ctx, "GET", "/cluster", nil, &p); err != nil {
		return p, 0, err
	}
	if s, err := l.status(); err == nil && s.tells() {
		p.sortOut()
	}
	config, err := l.askConfig()
	if err != nil {
		return p, 0, err
	}
	limit, err = strconv.ParseInt(fmt.Sprint(config["maximum_lag_on_failover"]), 10, 64)
	if err != nil {
		limit = 1 << 20 // Patroni's own
	}
	return p, limit, nil
}

// othersWell waits a moment for the others, who may have been restarted just now.
func (l *Look) othersWell() error {
	return l.await("not all of the cluster are well", func(context.Context) (bool, error) {
		p, limit, err := l.askPeers()
		switch {
		case err != nil:
			return false, err
		case p.Scheduled != nil:
			return false, errors.New("somebody has scheduled a switchover")
		}
		return l.allWell(p, limit)
	})
}

func (l *Look) allWell(p peers, limit int64) (bool, error) {
	var ill []string
	led := false
	for _, m := range p.Members {
		led = led || m.leads()
		if why := m.ill(limit); why != "" && m.Name != l.seat.Instance {
			ill = append(ill, why)
		}
	}
	if !led {
		ill = append(ill, "nobody leads")
	}
	if len(ill) > 0 {
		return false, errors.New(strings.Join(ill, "; "))
	}
	return true, nil
}

// replayed waits until a standby has heard that its leader has less of something: until then it would start
// with as much as the leader had.
func (l *Look) replayed(want resource.PGMember) error {
	s, err := l.status()
	if err != nil || roles[s.Role] == resource.PGLeader {
		return err
	}
	return l.await("it has not heard yet that its leader has less", func(ctx context.Context) (bool, error) {
		said, err := l.program(ctx, "pg_controldata", "-D", l.seat.Data)
		if err != nil {
			return false, err
		}
		for _, name := range resource.PGStandbyNeeds {
			if w, ok := want.Settings[name]; ok && !atMost(said, name, w.Value) {
				return false, nil
			}
		}
		return true, nil
	})
}

// atMost tells whether a line "max_connections setting:   100" says no more than a value.
func atMost(said, name, value string) bool {
	limit, err := strconv.Atoi(value)
	for line := range strings.Lines(said) {
		key, text, _ := strings.Cut(line, ":")
		if n, bad := strconv.Atoi(strings.TrimSpace(text)); bad == nil && err == nil && strings.HasPrefix(controlName(key), name) {
			return n <= limit
		}
	}
	return true
}

// controlName is a parameter as pg_controldata calls it.
func controlName(key string) string {
	if strings.HasPrefix(key, "max_prepared_xacts") {
		return "max_prepared_transactions"
	}
	if strings.HasPrefix(key, "max_locks_per_xact") {
		return "max_locks_per_transaction"
	}
	return key
}

const askHurry = `SELECT json_build_object('old', coalesce((SELECT json_agg(format('%s of %s in %s has gone on for %s', CASE WHEN state = 'active' THEN 'a statement' ELSE 'a transaction' END,
   usename, datname, date_trunc('second', now() - xact_start)) ORDER BY xact_start)
   FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start < now() - $1::text::interval), '[]'),
 'backups', (SELECT count(*) FROM pg_stat_progress_basebackup))`

// unhurried refuses to cut off what would be hard to do again.
func (l *Look) unhurried() error {
	var now struct {
		Old     []string
		Backups int
	}
	err := l.within(maintenance, func(ctx context.Context, s *session) error {
		return s.ask(ctx, &now, askHurry, fmt.Sprintf("%d seconds", cutPatience))
	})
	switch {
	case err != nil:
		return err
	case now.Backups > 0:
		return errors.New("a base backup is taken from it")
	case len(now.Old) > 0:
		return fmt.Errorf("it is not restarted, since that would cut it off: %s", strings.Join(now.Old, "; "))
	}
	return nil
}

// takenBack gives the cluster the values back that this member had before, where they did not let it start,
// and says so.
func (l *Look) takenBack(want, was resource.PGMember, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), 2*time.Minute)
	defer cancel()
	config, err := l.askConfig()
	if err != nil {
		return errors.Join(cause, err)
	}
	back := map[string]any{}
	for name, w := range want.Settings {
		in, known := was.Settings[name]
		now, _ := reach(config, "postgresql/parameters/"+name)
		if known && now != nil && !in.Same(name, in.Value, w.Value) && in.Same(name, fmt.Sprint(now), w.Value) {
			back[name] = in.Value
		}
	}
	if len(back) == 0 {
		return cause
	}
	body := map[string]any{"postgresql": map[string]any{"parameters": back}}
	if err := l.call(ctx, "PATCH", "/config", body, nil); err != nil {
		return errors.Join(cause, fmt.Errorf("what was before could not be put back: %w", err))
	}
	l.ctx = ctx
	err = l.until(func(s status) bool { return s.up() }, "what was before was put back, and it does not run yet")
	return errors.Join(fmt.Errorf("%w; %s put back to what was before", cause, names(back)), err)
}

func names(values map[string]any) string {
	var all []string
	for name := range values {
		all = append(all, name)
	}
	slices.Sort(all)
	if len(all) == 1 {
		return all[0] + " was"
	}
	return strings.Join(all, ", ") + " were"
}
