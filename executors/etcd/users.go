package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// root is the user, and the role, without which there is no authentication.
const root = "root"

// user gives the roles of a user, and its declared password when a login with it works. While
// authentication is off no password can be tested: it counts as another, and is set again.
func (c *cluster) user(ctx context.Context, v *view, name string) (resource.Spec, error) {
	id := resource.ID{Kind: resource.KindEtcdUser, Name: name, At: c.place.At}
	return c.recall(ctx, v, id, func() (resource.Spec, error) {
		var u resource.EtcdUser
		err := c.ask(ctx, v.best.conn, func(ctx context.Context) error {
			resp, err := v.best.conn.auth.UserGet(ctx, name)
			if err == nil {
				u.Roles = slices.Sorted(slices.Values(resp.Roles))
			}
			return err
		})
		if errors.Is(err, rpctypes.ErrUserNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		u.Password, err = c.tested(ctx, v, name)
		return u, err
	})
}

// tested is the declared password when it works, else none.
func (c *cluster) tested(ctx context.Context, v *view, name string) (none resource.Secret, err error) {
	word, declared := c.place.Logins[name]
	if !declared || !v.info.Auth {
		return none, nil
	}
	n := v.best.conn
	if n.worked(ctx, name, word) {
		return word, nil
	}
	token, ok, err := authenticate(ctx, n, name, word)
	if err != nil || !ok {
		return none, err
	}
	n.memory.loggedIn(name, login{word, token})
	return word, nil
}

// applyUser makes, changes or removes a user.
func (c *cluster) applyUser(ctx context.Context, v *view, ch diff.Change) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	name := ch.ID.Name
	if ch.Action == diff.Delete {
		if name == root || name == c.place.User {
			return errors.New("it is who we are: it is not removed")
		}
		return c.change(ctx, v, func(ctx context.Context, a clientv3.Auth) error {
			_, err := a.UserDelete(ctx, name)
			return err
		})
	}
	want, ok := ch.Spec.(resource.EtcdUser)
	if !ok || want.Password == (resource.Secret{}) {
		return errors.New("no password is wanted for it")
	}
	have, _ := ch.Have.(resource.EtcdUser)
	if err := c.setPassword(ctx, v, name, want, ch.Have); err != nil {
		return err
	}
	if err := c.setRoles(ctx, v, name, have.Roles, want.Roles); err != nil {
		return err
	}
	return c.proveUser(ctx, name, want)
}

// setPassword makes the user, or gives it its password unless it has it already.
func (c *cluster) setPassword(ctx context.Context, v *view, name string, want resource.EtcdUser, have resource.Spec) error {
	old, there := have.(resource.EtcdUser)
	if there && old.Password.Equal(want.Password) {
		return nil
	}
	err := c.change(ctx, v, func(ctx context.Context, a clientv3.Auth) (err error) {
		if there {
			_, err = a.UserChangePassword(ctx, name, want.Password.Reveal())
		} else {
			_, err = a.UserAdd(ctx, name, want.Password.Reveal())
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("set its password: %w", err)
	}
	if name == c.place.User {
		c.remember(want.Password) // the tokens of the old one have ended
	}
	return nil
}

// setRoles grants what is missing, then revokes what is too much.
func (c *cluster) setRoles(ctx context.Context, v *view, name string, have, want []string) error {
	for _, r := range without(want, have) {
		err := c.change(ctx, v, func(ctx context.Context, a clientv3.Auth) error {
			_, err := a.UserGrantRole(ctx, name, r)
			return err
		})
		if err != nil {
			return fmt.Errorf("grant it role %s: %w", r, err)
		}
	}
	for _, r := range without(have, want) {
		err := c.change(ctx, v, func(ctx context.Context, a clientv3.Auth) error {
			_, err := a.UserRevokeRole(ctx, name, r)
			return err
		})
		if err != nil {
			return fmt.Errorf("revoke its role %s: %w", r, err)
		}
	}
	return nil
}

// without lists what is in a and not in b.
func without(a, b []string) (out []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}

// proveUser looks whether the user is now what was wanted. The password is tested too, except while
// authentication is off.
func (c *cluster) proveUser(ctx context.Context, name string, want resource.EtcdUser) error {
	return c.prove(ctx, func(v *view) (resource.Spec, resource.Spec, error) {
		have, err := c.user(ctx, v, name)
		if u, ok := have.(resource.EtcdUser); ok && !v.info.Auth {
			u.Password = want.Password
			have = u
		}
		return want, have, err
	})
}

// prove looks again, and compares what was wanted with what is there.
func (c *cluster) prove(ctx context.Context, see func(*view) (want, have resource.Spec, err error)) error {
	v := c.look(ctx)
	if v.err != nil {
		return v.err
	}
	if !v.info.Quorum {
		return errNoQuorum
	}
	want, have, err := see(v)
	if err != nil {
		return err
	}
	if d := want.Compare(have); len(d) > 0 {
		return fmt.Errorf("it was changed, and still differs in its %s", d[0].Path)
	}
	return nil
}

// change makes one request that changes users or roles. That somebody else was faster is a move of the
// world, too.
func (c *cluster) change(ctx context.Context, v *view, f func(context.Context, clientv3.Auth) error) error {
	err := c.ask(ctx, v.best.conn, func(ctx context.Context) error { return f(ctx, v.best.conn.auth) })
	if overtaken(err) {
		return fmt.Errorf("%w: %w", executors.ErrMoved, err)
	}
	return err
}

// overtaken knows the answers of a server where what was to be made is there already, or what was to
// be taken away is not.
func overtaken(err error) bool {
	return errors.Is(err, rpctypes.ErrRoleAlreadyExist) || errors.Is(err, rpctypes.ErrUserAlreadyExist) ||
		errors.Is(err, rpctypes.ErrRoleNotGranted) || errors.Is(err, rpctypes.ErrPermissionNotGranted)
}

// applyAuth switches authentication on. The server wants the user root with the role root first.
func (c *cluster) applyAuth(ctx context.Context, v *view, ch diff.Change) error {
	if want, ok := ch.Spec.(resource.EtcdAuth); !ok || !want.Enabled || ch.Action == diff.Delete {
		return errors.New("authentication is never switched off")
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	err := c.change(ctx, v, func(ctx context.Context, a clientv3.Auth) error {
		_, err := a.AuthEnable(ctx)
		return err
	})
	if err != nil {
		return err
	}
	return c.prove(ctx, func(v *view) (resource.Spec, resource.Spec, error) {
		return ch.Spec, resource.EtcdAuth{Enabled: v.info.Auth}, nil
	})
}
