package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// keysBelow is absent where nothing is kept below the prefix.
func (c *cluster) keysBelow(ctx context.Context, v *view, prefix string) (resource.Spec, error) {
	var n int64
	err := c.ask(ctx, v.best.conn, func(ctx context.Context) error {
		resp, err := v.best.conn.kv.Get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err == nil {
			n = resp.Count
		}
		return err
	})
	if err != nil || n == 0 {
		return nil, err
	}
	return resource.EtcdKeys{}, nil
}

// dropKeys takes away all that is below a prefix, unless somebody leads there at that very moment: who lives
// would write it anew.
func (c *cluster) dropKeys(ctx context.Context, v *view, ch diff.Change) error {
	prefix := ch.ID.Name
	if ch.Action != diff.Delete || len(prefix) < 3 || !strings.HasSuffix(prefix, "/") {
		return errors.New("keys are only taken away, and only below a prefix that ends in a slash")
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return c.ask(ctx, v.best.conn, func(ctx context.Context) error {
		nobody := clientv3.Compare(clientv3.CreateRevision(prefix+"leader"), "=", 0)
		resp, err := v.best.conn.kv.Txn(ctx).If(nobody).Then(clientv3.OpDelete(prefix, clientv3.WithPrefix())).Commit()
		if err == nil && !resp.Succeeded {
			return fmt.Errorf("somebody still leads: %sleader is held", prefix)
		}
		return err
	})
}
