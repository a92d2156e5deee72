package etcd

import (
	"context"
	"errors"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// blank tells whether a key is there and holds nothing.
func (c *cluster) blank(ctx context.Context, v *view, key string) (resource.Spec, error) {
	var b resource.EtcdBlank
	err := c.ask(ctx, v.best.conn, func(ctx context.Context) error {
		resp, err := v.best.conn.kv.Get(ctx, key)
		if err == nil {
			b.Blank = len(resp.Kvs) == 1 && len(resp.Kvs[0].Value) == 0
		}
		return err
	})
	return b, err
}

// applyBlank takes the key away, if it holds nothing at that very moment.
func (c *cluster) applyBlank(ctx context.Context, v *view, ch diff.Change) error {
	if ch.Action != diff.Update {
		return errors.New("a key is only taken away, and only while it holds nothing")
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	key := ch.ID.Name
	return c.ask(ctx, v.best.conn, func(ctx context.Context) error {
		there := clientv3.Compare(clientv3.CreateRevision(key), ">", 0)
		nothing := clientv3.Compare(clientv3.Value(key), "=", "")
		resp, err := v.best.conn.kv.Txn(ctx).If(there, nothing).Then(clientv3.OpDelete(key)).Commit()
		if err == nil && !resp.Succeeded {
			return executors.ErrMoved
		}
		return err
	})
}
