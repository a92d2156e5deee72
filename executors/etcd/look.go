package etcd

import (
	"context"
	"errors"
	"fmt"
	"sync"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/pigsync/pigsync/resource"
)

// healthKey is what a linearizable read asks for. Nothing need be there.
const healthKey = "health"

// answer is what one endpoint said during one look.
type answer struct {
	end     resource.Endpoint
	conn    *conn // nil unless reach is open
	reach   reach
	err     error // why it is not open
	status  *clientv3.StatusResponse
	deaf    error // why there is no status
	read    error // why a linearizable read does not work; nil when it does
	auth    bool  // the read was refused to somebody without a name
	members []*pb.Member
	list    error // why there is no list
}

// look asks every endpoint at once and puts the answers together.
func (c *cluster) look(ctx context.Context) *view {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Patience)
	defer cancel()
	answers := make([]*answer, len(c.links))
	var wg sync.WaitGroup
	for i, l := range c.links {
		wg.Go(func() { answers[i] = c.askGuarded(ctx, l) })
	}
	wg.Wait()
	v := newView(c.place, answers)
	if v.err == nil && v.info.Quorum {
		c.alarms(ctx, v)
	}
	return v
}

// askGuarded asks one endpoint. A client that panics over what it was answered has told nothing.
func (c *cluster) askGuarded(ctx context.Context, l *link) (a *answer) {
	defer func() {
		if p := recover(); p != nil {
			a = &answer{end: l.end, err: fmt.Errorf("the client failed: %v", p)}
		}
	}()
	return c.askEndpoint(ctx, l)
}

// askEndpoint asks one endpoint. A connection that was kept may have broken unnoticed, as when the
// server was restarted; then a new one is tried.
func (c *cluster) askEndpoint(ctx context.Context, l *link) *answer {
	if c.place.CA == "" {
		a := &answer{end: l.end}
		a.reach, a.err = l.probe(ctx)
		return a
	}
	a := c.askOver(ctx, l)
	if a.broken() && ctx.Err() == nil {
		return c.askOver(ctx, l)
	}
	return a
}

func (c *cluster) askOver(ctx context.Context, l *link) *answer {
	a := &answer{end: l.end}
	if a.conn, a.reach, a.err = l.opened(ctx); a.conn == nil {
		return a
	}
	var wg sync.WaitGroup
	wg.Go(func() { a.askStatus(as(ctx, a.conn.session.current())) })
	wg.Go(func() { a.askRead(ctx) })
	wg.Wait()
	if a.read == nil {
		c.askList(ctx, a)
	}
	if a.broken() {
		l.forget(a.conn)
	}
	return a
}

// broken tells that the connection has led to no answer at all.
func (a *answer) broken() bool {
	return a.conn != nil && a.deaf != nil && a.read != nil && lostAnswer(a.deaf) && !a.leaderless()
}

// leaderless tells that the member says so.
func (a *answer) leaderless() bool {
	return errors.Is(a.read, rpctypes.ErrNoLeader) || a.status != nil && a.status.Leader == 0
}

// askStatus does not log in: without a quorum that would take until the look is over.
func (a *answer) askStatus(ctx context.Context) {
	a.status, a.deaf = a.conn.maintenance.Status(ctx, a.end.Addr)
}

// askRead makes a linearizable read without a name. The server looks for a quorum before it looks at
// who asks, so that its refusal says both that it could read and that authentication is on. A member
// without a leader says so at once.
func (a *answer) askRead(ctx context.Context) {
	_, a.read = a.conn.kv.Get(clientv3.WithRequireLeader(ctx), healthKey, clientv3.WithCountOnly())
	if a.auth = errors.Is(a.read, rpctypes.ErrUserEmpty); a.auth {
		a.read = nil
	}
}

// askList comes after the read: before 3.5 a list is whatever the member has heard of, but what was
// there before a linearizable read is on it. Where authentication is on it is asked for by name even
// if the server tells anybody, so that we never work as somebody who is refused; and so is a status
// that the server does not tell anybody.
func (c *cluster) askList(ctx context.Context, a *answer) {
	if a.auth && a.conn.session.current() == "" {
		if _, a.list = c.login(ctx, a.conn, ""); a.list != nil {
			return
		}
	}
	a.list = c.ask(ctx, a.conn, func(ctx context.Context) error {
		resp, err := a.conn.cluster.MemberList(ctx)
		if err == nil {
			a.members = resp.Members
		}
		return err
	})
	if wantsLogin(a.deaf) {
		a.deaf = c.ask(ctx, a.conn, func(ctx context.Context) error {
			a.askStatus(ctx)
			return a.deaf
		})
	}
}

// alarms asks which members are corrupt, when any has something to complain of.
func (c *cluster) alarms(ctx context.Context, v *view) {
	complaints := false
	for _, a := range v.answers {
		complaints = complaints || a.status != nil && len(a.status.Errors) > 0
	}
	if !complaints {
		return
	}
	v.err = c.ask(ctx, v.best.conn, func(ctx context.Context) error {
		resp, err := v.best.conn.maintenance.AlarmList(ctx)
		if err != nil {
			return fmt.Errorf("list alarms: %w", err)
		}
		for _, alarm := range resp.Alarms {
			if alarm.Alarm == pb.AlarmType_CORRUPT {
				v.spoil(alarm.MemberID)
			}
		}
		return nil
	})
}

// ill tells why a member that answers here cannot be counted on; "" when it can. A learner answers no
// linearizable reads.
func (a *answer) ill() string {
	switch {
	case a.conn == nil && a.err != nil:
		return a.err.Error()
	case a.conn == nil:
		return "nothing is known of it"
	case a.leaderless():
		return "it has no leader"
	case a.status == nil:
		return "no status: " + a.deaf.Error()
	case a.status.IsLearner, a.read == nil:
		return ""
	}
	return "no linearizable read: " + a.read.Error()
}
