package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/authpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// role gives the prefixes of a role. What it may do beyond reading and writing below a prefix is
// listed too, in words no prefix begins with, so that it is seen and taken away.
func (c *cluster) role(ctx context.Context, v *view, name string) (resource.Spec, error) {
	id := resource.ID{Kind: resource.KindEtcdRole, Name: name, At: c.place.At}
	return c.recall(ctx, v, id, func() (resource.Spec, error) {
		list, there, err := c.permissions(ctx, v, name)
		if err != nil || !there {
			return nil, err
		}
		var r resource.EtcdRole
		for _, p := range list {
			r.Prefixes = append(r.Prefixes, describe(p))
		}
		slices.Sort(r.Prefixes)
		return r, nil
	})
}

// permissions lists what a role may do. That root may do everything goes without saying.
func (c *cluster) permissions(ctx context.Context, v *view, name string) (list []*authpb.Permission, there bool, err error) {
	err = c.change(ctx, v, func(ctx context.Context, a clientv3.Auth) error {
		resp, err := a.RoleGet(ctx, name)
		if err == nil && name != root {
			list = resp.Perm
		}
		return err
	})
	if errors.Is(err, rpctypes.ErrRoleNotFound) {
		return nil, false, nil
	}
	return list, err == nil, err
}

func describe(p *authpb.Permission) string {
	if p.PermType == authpb.READWRITE && string(p.RangeEnd) == clientv3.GetPrefixRangeEnd(string(p.Key)) {
		return string(p.Key)
	}
	return fmt.Sprintf("%s of %q to %q", p.PermType, p.Key, p.RangeEnd)
}

// applyRole makes, changes or removes a role.
func (c *cluster) applyRole(ctx context.Context, v *view, ch diff.Change) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	name := ch.ID.Name
	if ch.Action == diff.Delete {
		if name == root {
			return errors.New("without it nobody could log in: it is not removed")
		}
		return c.change(ctx, v, func(ctx context.Context, a clientv3.Auth) error {
			_, err := a.RoleDelete(ctx, name)
			return err
		})
	}
	want, ok := ch.Spec.(resource.EtcdRole)
	if !ok || slices.Contains(want.Prefixes, "") || name == root && len(want.Prefixes) > 0 {
		return errors.New("a role wants prefixes that are not empty, and root wants none")
	}
	if ch.Action == diff.Create {
		err := c.change(ctx, v, func(ctx context.Context, a clientv3.Auth) error {
			_, err := a.RoleAdd(ctx, name)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := c.setPrefixes(ctx, v, name, want.Prefixes); err != nil {
		return err
	}
	return c.prove(ctx, func(v *view) (resource.Spec, resource.Spec, error) {
		have, err := c.role(ctx, v, name)
		return want, have, err
	})
}

// setPrefixes grants what is missing, then revokes what is too much.
func (c *cluster) setPrefixes(ctx context.Context, v *view, name string, want []string) error {
	have, _, err := c.permissions(ctx, v, name)
	if err != nil {
		return err
	}
	var held []string
	for _, p := range have {
		held = append(held, describe(p))
	}
	for _, prefix := range without(want, held) {
		err := c.change(ctx, v, func(ctx context.Context, a clientv3.Auth) error {
			_, err := a.RoleGrantPermission(ctx, name, prefix, clientv3.GetPrefixRangeEnd(prefix), clientv3.PermissionType(authpb.READWRITE))
			return err
		})
		if err != nil {
			return fmt.Errorf("grant %s: %w", prefix, err)
		}
	}
	return c.revokeOthers(ctx, v, name, have, want)
}

// revokeOthers takes away what is not among the prefixes. The same keys may have been granted anew in
// the meantime, in another way: then there is nothing to take away.
func (c *cluster) revokeOthers(ctx context.Context, v *view, name string, have []*authpb.Permission, want []string) error {
	for _, p := range have {
		whole := string(p.RangeEnd) == clientv3.GetPrefixRangeEnd(string(p.Key))
		if whole && slices.Contains(want, string(p.Key)) {
			continue
		}
		err := c.change(ctx, v, func(ctx context.Context, a clientv3.Auth) error {
			_, err := a.RoleRevokePermission(ctx, name, string(p.Key), string(p.RangeEnd))
			return err
		})
		if err != nil {
			return fmt.Errorf("revoke %s: %w", describe(p), err)
		}
	}
	return nil
}
