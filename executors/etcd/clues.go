package etcd

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

var _ executors.Inquirer = (*Executor)(nil)

// Inquire tells of what is asked for inside a cluster of PostgreSQL who has come to lead it since a time, as Patroni
// has noted it.
func (e *Executor) Inquire(ctx context.Context, ids []resource.ID, since time.Time) map[resource.ID][]resource.Clue {
	noted, found := map[string][]resource.Clue{}, map[resource.ID][]resource.Clue{}
	for _, id := range ids {
		e.keys.mu.Lock()
		prefix := e.keys.prefixes[id.At]
		e.keys.mu.Unlock()
		if _, known := noted[id.At]; prefix != "" && !known {
			noted[id.At] = leaders(id.At, e.read(ctx, prefix+"history"), since)
		}
		if len(noted[id.At]) > 0 {
			found[id] = noted[id.At]
		}
	}
	return found
}

// read asks for a key where it can be read. What cannot be is no clue.
func (e *Executor) read(ctx context.Context, key string) []byte {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	for _, c := range e.all() {
		for _, l := range c.links {
			n, _, err := l.opened(ctx)
			if err != nil {
				continue
			}
			var got *clientv3.GetResponse
			if err := c.ask(ctx, n, func(ctx context.Context) (err error) { got, err = n.kv.Get(ctx, key); return err }); err == nil && len(got.Kvs) == 1 {
				return got.Kvs[0].Value
			}
		}
	}
	return nil
}

// leaders reads Patroni's history, [[timeline, position, reason, time, new leader], …], of which older releases write
// the first three only.
func leaders(at string, text []byte, since time.Time) (clues []resource.Clue) {
	var history [][]any
	if json.Unmarshal(text, &history) != nil {
		return nil
	}
	for _, h := range history {
		if len(h) < 5 {
			continue
		}
		timeline, _ := h[0].(float64)
		reason, _ := h[2].(string)
		stamp, _ := h[3].(string)
		leader, _ := h[4].(string)
		when, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil || when.Before(since) || leader == "" {
			continue
		}
		clues = append(clues, resource.Clue{When: when, Kind: "patroni", At: at, Who: executors.OneLine(leader), What: fmt.Sprintf("came to lead, timeline %d: %s", int(timeline)+1, executors.OneLine(reason))})
	}
	return clues
}
