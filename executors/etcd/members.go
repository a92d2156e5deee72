package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

func (v *view) memberSpec(name string) resource.Spec {
	if m, ok := v.named(name); ok {
		return resource.EtcdMember{PeerURL: m.PeerURL, MemberID: m.ID}
	}
	return nil
}

func (v *view) voterSpec(name string) resource.Spec {
	if m, ok := v.named(name); ok && !m.Learner {
		return resource.EtcdVoter{}
	}
	return nil
}

// applyMember adds, replaces or removes a member, after a snapshot.
func (c *cluster) applyMember(ctx context.Context, v *view, ch diff.Change) error {
	have, _ := ch.Have.(resource.EtcdMember)
	want, _ := ch.Spec.(resource.EtcdMember)
	lost := ch.Action == diff.Update && want.Lost != "" && want.Lost == have.MemberID
	if ch.Action == diff.Update && !lost {
		return fmt.Errorf("the peer URL of a member is not changed, from %s to %s: remove it and add it anew", have.PeerURL, want.PeerURL)
	}
	if m, ok := v.named(ch.ID.Name); lost && ok && m.Healthy {
		return fmt.Errorf("%s was said to be lost, and answers: %w", ch.ID.Name, executors.ErrMoved)
	}
	if err := c.snapshot(ctx, v); err != nil {
		return fmt.Errorf("keep a snapshot first: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, memberTimeout)
	defer cancel()
	switch {
	case ch.Action == diff.Delete:
		return c.remove(ctx, have.MemberID, false)
	case lost:
		if err := c.remove(ctx, have.MemberID, true); err != nil {
			return err
		}
	}
	return c.add(ctx, want.PeerURL)
}

// add puts a learner on the list. The server refuses for some seconds after another change, and as
// long as there is another learner.
func (c *cluster) add(ctx context.Context, peerURL string) error {
	asked := false
	return c.until(ctx, "a place for "+peerURL, func(ctx context.Context, v *view) (bool, error) {
		if _, listed := v.info.Member(peerURL); listed {
			if !asked {
				return false, final(executors.ErrMoved)
			}
			return true, nil
		}
		if all, healthy := v.info.Voters(); healthy < all {
			return false, errors.New(v.illMembers())
		}
		asked = true
		err := c.ask(ctx, v.best.conn, func(ctx context.Context) error {
			_, err := v.best.conn.cluster.MemberAddAsLearner(ctx, []string{peerURL})
			return err
		})
		c.opts.Log.LogAttrs(ctx, slog.LevelDebug, "member add", slog.String("peer_url", peerURL), slog.Any("err", err))
		return false, retriable(err, rpctypes.ErrUnhealthy, rpctypes.ErrTooManyLearners, rpctypes.ErrMemberNotEnoughStarted)
	})
}

// remove takes a member off the list. A leader hands over first; a lost member that answers stays.
func (c *cluster) remove(ctx context.Context, id string, lost bool) error {
	number, err := strconv.ParseUint(id, 16, 64)
	if err != nil {
		return fmt.Errorf("a member id %q: want hexadecimal digits", id)
	}
	return c.until(ctx, "member "+id+" to be off the list", func(ctx context.Context, v *view) (bool, error) {
		m, listed := v.byID(id)
		switch {
		case !listed:
			return true, nil
		case lost && m.Healthy:
			return false, final(fmt.Errorf("%s was said to be lost, and answers: %w", m.Name, executors.ErrMoved))
		}
		heir, err := v.mayGo(m)
		if err != nil {
			return false, final(err)
		}
		if v.leader == number {
			return false, c.handOver(ctx, v, heir)
		}
		err = c.ask(ctx, v.best.conn, func(ctx context.Context) error {
			_, err := v.best.conn.cluster.MemberRemove(ctx, number)
			return err
		})
		return false, retriable(err, rpctypes.ErrUnhealthy, rpctypes.ErrMemberNotFound)
	})
}

// mayGo refuses a removal after which no quorum would be left, and names who may lead instead.
func (v *view) mayGo(gone resource.EtcdMemberInfo) (heir uint64, err error) {
	left, healthy := 0, 0
	for _, m := range v.info.Members {
		if m.ID == gone.ID || m.Learner {
			continue
		}
		left++
		if !m.Healthy {
			continue
		}
		healthy++
		if heir, err = strconv.ParseUint(m.ID, 16, 64); err != nil {
			return 0, err
		}
	}
	if gone.Learner {
		return heir, nil
	}
	if left == 0 {
		return 0, errors.New("it is the last voter: without it there is no cluster")
	}
	if quorum := left/2 + 1; healthy < quorum {
		return 0, fmt.Errorf("without it %d of %d voters would be healthy, and a quorum is %d: %s", healthy, left, quorum, v.illMembers())
	}
	return heir, nil
}

// handOver asks the leader, which is the best answer when it answers at all, to let another lead.
func (c *cluster) handOver(ctx context.Context, v *view, heir uint64) error {
	if v.best.status.Header.MemberId != v.leader {
		return errors.New("the leader does not answer")
	}
	err := c.ask(ctx, v.best.conn, func(ctx context.Context) error {
		_, err := v.best.conn.maintenance.MoveLeader(ctx, heir)
		return err
	})
	c.opts.Log.LogAttrs(ctx, slog.LevelInfo, "leader moved", slog.String("to", hex(heir)), slog.Any("err", err))
	return retriable(err, rpctypes.ErrNotLeader, rpctypes.ErrBadLeaderTransferee, rpctypes.ErrTimeoutDueToLeaderFail)
}

// applyVoter promotes a learner once it has started and caught up.
func (c *cluster) applyVoter(ctx context.Context, ch diff.Change) error {
	if ch.Action == diff.Delete {
		return errors.New("a voter is not made a learner again: it can only be removed")
	}
	ctx, cancel := context.WithTimeout(ctx, promoteTimeout)
	defer cancel()
	asked := false
	return c.until(ctx, ch.ID.Name+" to be promoted", func(ctx context.Context, v *view) (bool, error) {
		m, listed := v.named(ch.ID.Name)
		switch {
		case !listed, !m.Learner && !asked:
			return false, final(executors.ErrMoved)
		case !m.Learner:
			return true, nil
		case m.Name == "":
			return false, errors.New("it has not started")
		}
		id, err := strconv.ParseUint(m.ID, 16, 64)
		if err != nil {
			return false, final(err)
		}
		asked = true
		err = c.ask(ctx, v.best.conn, func(ctx context.Context) error {
			_, err := v.best.conn.cluster.MemberPromote(ctx, id)
			return err
		})
		return false, retriable(err, rpctypes.ErrMemberLearnerNotReady, rpctypes.ErrUnhealthy, rpctypes.ErrMemberNotEnoughStarted, rpctypes.ErrMemberNotLearner)
	})
}
