package etcd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

const (
	// wholeCluster is the name of the gate that asks for no member in particular.
	wholeCluster = "cluster"
	// healthyFor is for how long health must last when it was there at first.
	healthyFor = time.Second
	// healthyAgainFor is for how long it must last when it was not: only after five seconds of
	// connection do the servers count each other as active.
	healthyAgainFor = 5 * time.Second
)

// health is the gate's answer. Where there is no cluster, nobody is healthy.
func (v *view) health(name string) (resource.Spec, error) {
	if v.err != nil {
		return nil, v.err
	}
	return resource.EtcdHealth{Healthy: len(v.sick(name)) == 0}, nil
}

// sick lists the members that stand in the way of name's gate, with the reasons: every voter must be
// healthy, and the member named must be on the list; a learner need only have started.
func (v *view) sick(name string) map[string]string {
	out := map[string]string{}
	if !v.info.Quorum {
		for _, a := range v.answers {
			out[where(a.end)] = cmp.Or(a.ill(), "it answers without a quorum")
		}
		return out
	}
	for _, m := range v.info.Members {
		if !m.Learner && !m.Healthy {
			out[v.whereIs(m)] = v.why[m.ID]
		}
	}
	if name == wholeCluster {
		return out
	}
	if m, listed := v.named(name); !listed {
		out[name] = "it is not on the list"
	} else if !m.Healthy {
		out[v.whereIs(m)] = v.why[m.ID]
	}
	return out
}

// whereIs names a member with the address where it is asked.
func (v *view) whereIs(m resource.EtcdMemberInfo) string {
	for _, e := range v.place.Endpoints {
		if e.Member == m.Name || m.Name == "" && sameHost(e.Addr, m.PeerURL) {
			return where(e)
		}
	}
	return cmp.Or(m.Name, "a member that has not started") + " (" + m.PeerURL + ")"
}

// illMembers lists the members that are not healthy.
func (v *view) illMembers() string {
	var list []string
	for _, m := range v.info.Members {
		if !m.Healthy {
			list = append(list, v.whereIs(m)+": "+v.why[m.ID])
		}
	}
	return strings.Join(list, "; ")
}

// patience remembers since when each obstacle has been in the way.
type patience struct {
	since map[string]time.Time
	why   map[string]string
}

func (p *patience) see(now time.Time, sick map[string]string) {
	for who := range p.since {
		if _, still := sick[who]; !still {
			delete(p.since, who)
		}
	}
	for who := range sick {
		if _, known := p.since[who]; !known {
			p.since[who] = now
		}
	}
	p.why = sick
}

// text says who was in the way, why, and since when.
func (p *patience) text() string {
	var list []string
	for who, since := range p.since {
		list = append(list, fmt.Sprintf("%s: %s since %s", who, p.why[who], since.Format(time.TimeOnly)))
	}
	slices.Sort(list)
	return strings.Join(list, "; ")
}

// applyHealth waits until the gate is open, and has been for a while.
func (c *cluster) applyHealth(ctx context.Context, ch diff.Change) error {
	if want, ok := ch.Spec.(resource.EtcdHealth); !ok || !want.Healthy || ch.Action == diff.Delete {
		return errors.New("a gate only waits for health")
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	p := &patience{since: map[string]time.Time{}}
	need, since := healthyFor, time.Time{}
	for {
		sick := c.sick(ctx, ch.ID.Name)
		now := c.opts.Now()
		if ctx.Err() == nil || len(p.since) == 0 {
			p.see(now, sick) // else the end of ctx has made everybody look sick
		}
		switch {
		case ctx.Err() != nil:
			return p.end(ctx)
		case len(sick) > 0:
			need, since = healthyAgainFor, time.Time{}
		case since.IsZero():
			since = now
		case now.Sub(since) >= need:
			return nil
		}
		if !pause(ctx, gateEvery) {
			return p.end(ctx)
		}
	}
}

// sick looks once more.
func (c *cluster) sick(ctx context.Context, name string) map[string]string {
	v := c.look(ctx)
	if v.err != nil {
		return map[string]string{"the cluster": v.err.Error()}
	}
	return v.sick(name)
}

// end is the error of a wait that was in vain.
func (p *patience) end(ctx context.Context) error {
	if len(p.since) == 0 {
		return fmt.Errorf("it was not healthy for long enough: %w", context.Cause(ctx))
	}
	return fmt.Errorf("%w: %s", context.Cause(ctx), p.text())
}
