package etcd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// The deadlines of this package; a caller's own may end any wait earlier.
const (
	lookTimeout    = 2 * time.Second       // one look at a cluster, without what it finds there
	askTimeout     = 5 * time.Second       // one request for a user, a role, or a change of them
	memberTimeout  = 60 * time.Second      // adding or removing a member
	promoteTimeout = 120 * time.Second     // a learner that catches up
	healthTimeout  = 120 * time.Second     // a gate
	retryEvery     = time.Second           // between two attempts
	lookAgain      = 50 * time.Millisecond // after a change, to see whether it holds
	gateEvery      = 250 * time.Millisecond
)

// cluster is one place: its connections, and who we are there. A new place makes a new cluster, which
// takes over the connections that are still right.
type cluster struct {
	opts  *Options
	place resource.EtcdPlace
	links []*link // by endpoint

	mu     sync.Mutex // guards worked
	worked resource.Secret
}

func newCluster(o *Options, p resource.EtcdPlace, old *cluster) *cluster {
	c := &cluster{opts: o, place: p}
	for _, end := range p.Endpoints {
		c.links = append(c.links, old.take(o, end, p))
	}
	if old != nil {
		c.worked = old.lastWorked()
	}
	return c
}

// take finds the connection of the same endpoint, to the same authority and as the same user.
func (c *cluster) take(o *Options, end resource.Endpoint, p resource.EtcdPlace) *link {
	if c != nil && c.place.CA == p.CA && c.place.User == p.User {
		for _, l := range c.links {
			if l.end == end {
				return l
			}
		}
	}
	return newLink(o, end, p.CA)
}

// closeExcept closes the connections that next has not taken over.
func (c *cluster) closeExcept(next *cluster) {
	for _, l := range c.links {
		if next == nil || !slices.Contains(next.links, l) {
			l.close()
		}
	}
}

func (c *cluster) lastWorked() resource.Secret {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.worked
}

// observe looks once and answers every id from what was seen.
func (c *cluster) observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	v := c.look(ctx)
	out := make(map[resource.ID]resource.State, len(ids))
	var mu sync.Mutex // guards out
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			seen := executors.Seen([]resource.ID{id}, func() map[resource.ID]resource.State {
				spec, err := c.state(ctx, v, id)
				if err != nil {
					spec, err = nil, fmt.Errorf("observe %s: %w", id, err)
				}
				return map[resource.ID]resource.State{id: {Spec: spec, Err: err}}
			})
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(out, seen)
		})
	}
	wg.Wait()
	return out
}

var errNoQuorum = errors.New("the cluster has no quorum")

// state answers one id. A kind inside a cluster that is not there is not there either; in one without
// a quorum it is unknown.
func (c *cluster) state(ctx context.Context, v *view, id resource.ID) (resource.Spec, error) {
	switch id.Kind {
	case resource.KindEtcdCluster:
		return v.cluster()
	case resource.KindEtcdHealth:
		return v.health(id.Name)
	}
	switch {
	case v.err != nil:
		return nil, v.err
	case v.absent:
		return nil, nil
	case !v.info.Quorum:
		return nil, fmt.Errorf("%w: %s", errNoQuorum, v.ills())
	}
	return c.inside(ctx, v, id)
}

// inside answers an id of a cluster with a quorum.
func (c *cluster) inside(ctx context.Context, v *view, id resource.ID) (resource.Spec, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	switch id.Kind {
	case resource.KindEtcdMember:
		return v.memberSpec(id.Name), nil
	case resource.KindEtcdVoter:
		return v.voterSpec(id.Name), nil
	case resource.KindEtcdAuth:
		return resource.EtcdAuth{Enabled: v.info.Auth}, nil
	case resource.KindEtcdUser:
		return c.user(ctx, v, id.Name)
	case resource.KindEtcdRole:
		return c.role(ctx, v, id.Name)
	case resource.KindEtcdBlank:
		return c.blank(ctx, v, id.Name)
	case resource.KindEtcdKeys:
		return c.keysBelow(ctx, v, id.Name)
	}
	return nil, errors.New("not a kind of an etcd cluster")
}

// apply sends a change to its kind, once the world is what the plan was made from.
func (c *cluster) apply(ctx context.Context, ch diff.Change) error {
	if ch.ID.Kind == resource.KindEtcdHealth {
		return c.applyHealth(ctx, ch)
	}
	if err := sound(ch); err != nil {
		return err
	}
	v := c.look(ctx)
	now, err := c.state(ctx, v, ch.ID)
	if err != nil {
		return err
	}
	if v.absent {
		return errors.New("there is no cluster: nothing listens at any endpoint")
	}
	if settled, err := c.same(ch, now); settled || err != nil {
		return err
	}
	switch ch.ID.Kind {
	case resource.KindEtcdMember:
		return c.applyMember(ctx, v, ch)
	case resource.KindEtcdVoter:
		return c.applyVoter(ctx, ch)
	case resource.KindEtcdAuth:
		return c.applyAuth(ctx, v, ch)
	case resource.KindEtcdUser:
		return c.applyUser(ctx, v, ch)
	case resource.KindEtcdRole:
		return c.applyRole(ctx, v, ch)
	case resource.KindEtcdBlank:
		return c.applyBlank(ctx, v, ch)
	case resource.KindEtcdKeys:
		return c.dropKeys(ctx, v, ch)
	}
	return errors.New("it is only ever observed")
}

// sound refuses what no plan asks to be done.
func sound(ch diff.Change) error {
	switch {
	case ch.Action != diff.Create && ch.Action != diff.Update && ch.Action != diff.Delete:
		return fmt.Errorf("action %q cannot be applied", ch.Action)
	case ch.Spec == nil && ch.Action != diff.Delete:
		return diff.ErrNotKnown
	}
	return nil
}

// same compares what is there with what the plan was made from; settled tells that nothing is left to
// do. Two plans are made from less than what can be seen now: authentication that is off is the same
// as that of a cluster which was not there, and a password that could not be tested while it was off
// may since have turned out to be right.
func (c *cluster) same(ch diff.Change, now resource.Spec) (settled bool, err error) {
	if !moved(now, ch.Have) {
		return false, nil
	}
	switch now := now.(type) {
	case resource.EtcdAuth:
		if ch.Have == nil && !now.Enabled {
			return false, nil
		}
	case resource.EtcdUser:
		have, was := ch.Have.(resource.EtcdUser)
		have.Password = now.Password
		if was && !moved(now, have) && ch.Action == diff.Update {
			return len(ch.Spec.Compare(now)) == 0, nil
		}
	}
	return false, executors.ErrMoved
}
