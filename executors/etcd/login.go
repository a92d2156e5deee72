package etcd

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/metadata"

	"github.com/pigsync/pigsync/resource"
)

// ErrAuth reports that no password we have is accepted.
var ErrAuth = errors.New("authentication failed")

// session is who we are on one connection. Tokens are not shared between members: one that lags
// behind would not know another's yet.
type session struct {
	mu    sync.Mutex // one login at a time; guards token
	token string     // "" as long as nobody asked who we are
}

// ask calls f as who we are, and once more after a login when the server wants one. A request that
// was refused for want of a login has done nothing, so that asking twice is safe.
func (c *cluster) ask(ctx context.Context, n *conn, f func(ctx context.Context) error) error {
	token := n.session.current()
	err := f(as(ctx, token))
	if !wantsLogin(err) {
		return err
	}
	fresh, lerr := c.login(ctx, n, token)
	if lerr != nil {
		return lerr
	}
	return f(as(ctx, fresh))
}

func as(ctx context.Context, token string) context.Context {
	if token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, rpctypes.TokenFieldNameGRPC, token)
}

// wantsLogin knows the ways in which a server says that it does not know who asks.
func wantsLogin(err error) bool {
	return errors.Is(err, rpctypes.ErrUserEmpty) || errors.Is(err, rpctypes.ErrInvalidAuthToken) || errors.Is(err, rpctypes.ErrAuthOldRevision)
}

func (s *session) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// login gets a token, unless somebody else did so since old was seen to be stale.
func (c *cluster) login(ctx context.Context, n *conn, old string) (string, error) {
	n.session.mu.Lock()
	defer n.session.mu.Unlock()
	if n.session.token != old {
		return n.session.token, nil
	}
	for _, word := range c.candidates() {
		token, ok, err := authenticate(ctx, n, c.place.User, word)
		if err != nil {
			return "", fmt.Errorf("log in as %s: %w", c.place.User, err)
		}
		if ok {
			n.session.token = token
			c.remember(word)
			return token, nil
		}
	}
	return "", fmt.Errorf("%w for user %s", ErrAuth, c.place.User)
}

// candidates are the passwords to try, the one that worked last first.
func (c *cluster) candidates() []resource.Secret {
	worked := c.lastWorked()
	list := []resource.Secret{worked}
	for _, s := range c.place.Passwords {
		if !s.Equal(worked) {
			list = append(list, s)
		}
	}
	if worked == (resource.Secret{}) {
		return list[1:]
	}
	return list
}

func (c *cluster) remember(word resource.Secret) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.worked = word
}

// authenticate tries one password. Where authentication is off nobody needs a token.
func authenticate(ctx context.Context, n *conn, user string, word resource.Secret) (token string, ok bool, err error) {
	const attempts = 3 // another's change of a user may come between the server's own two steps
	for range attempts {
		resp, err := n.auth.Authenticate(ctx, user, word.Reveal())
		switch {
		case err == nil:
			return resp.Token, true, nil
		case errors.Is(err, rpctypes.ErrAuthNotEnabled):
			return "", true, nil
		case errors.Is(err, rpctypes.ErrAuthFailed), errors.Is(err, rpctypes.ErrUserNotFound), errors.Is(err, rpctypes.ErrUserEmpty):
			return "", false, nil
		case !errors.Is(err, rpctypes.ErrAuthOldRevision):
			return "", false, err
		}
	}
	return "", false, rpctypes.ErrAuthOldRevision
}
