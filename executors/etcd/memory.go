package etcd

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pigsync/pigsync/resource"
)

// revision is that of everything that has to do with authentication: each change of a user, a role or
// a password makes another. It is asked for at most once in a look.
type revision struct {
	once   sync.Once
	number uint64 // 0 when the server is too old to tell
	err    error
}

// revisionNow asks for the revision, where it is not known yet.
func (c *cluster) revisionNow(ctx context.Context, v *view) (uint64, error) {
	v.since.once.Do(func() {
		v.since.err = c.ask(ctx, v.best.conn, func(ctx context.Context) error {
			resp, err := v.best.conn.auth.AuthStatus(ctx)
			if err == nil {
				v.since.number = resp.AuthRevision
			}
			return err
		})
		// Before 3.5 there is no such request: then nothing is remembered.
		if status.Code(v.since.err) == codes.Unimplemented {
			v.since.err = nil
		}
	})
	return v.since.number, v.since.err
}

// memory is what is known of users and roles at a revision. Testing a password costs the server a good
// part of a second of work, and every question a write to its log, so that a quiet round must ask
// neither again. It ends with the connection, and thereby with the server process.
type memory struct {
	mu     sync.Mutex // guards known, logins
	known  map[resource.ID]fact
	logins map[string]login
}

// login is a password that worked, and the token it was good for. The server ends a user's tokens with
// its password, and with the user.
type login struct {
	word  resource.Secret
	token string
}

type fact struct {
	revision uint64
	auth     bool            // authentication was on
	declared resource.Secret // the password that was tested
	spec     resource.Spec
}

// recall answers from memory when nothing has changed since, and asks otherwise.
func (c *cluster) recall(ctx context.Context, v *view, id resource.ID, ask func() (resource.Spec, error)) (resource.Spec, error) {
	number, err := c.revisionNow(ctx, v)
	if err != nil {
		return nil, fmt.Errorf("ask for the revision of users and roles: %w", err)
	}
	m := &v.best.conn.memory
	now := fact{revision: number, auth: v.info.Auth, declared: c.place.Logins[id.Name]}
	if f, ok := m.get(id); ok && number != 0 && f.revision == number && f.auth == now.auth && f.declared.Equal(now.declared) {
		return f.spec, nil
	}
	if now.spec, err = ask(); err != nil {
		return nil, err
	}
	m.put(id, now)
	return now.spec, nil
}

func (m *memory) get(id resource.ID) (fact, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.known[id]
	return f, ok
}

func (m *memory) put(id resource.ID, f fact) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[resource.ID]fact{}
	}
	m.known[id] = f
}

// worked tells whether word is the password with which name has logged in before, and is so still:
// the token is tried on a read that it need not be allowed to make.
func (n *conn) worked(ctx context.Context, name string, word resource.Secret) bool {
	n.memory.mu.Lock()
	l := n.memory.logins[name]
	n.memory.mu.Unlock()
	if l.token == "" || !l.word.Equal(word) {
		return false
	}
	_, err := n.kv.Get(as(ctx, l.token), healthKey, clientv3.WithCountOnly(), clientv3.WithSerializable())
	return err == nil || errors.Is(err, rpctypes.ErrPermissionDenied)
}

func (m *memory) loggedIn(name string, l login) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.logins == nil {
		m.logins = map[string]login{}
	}
	m.logins[name] = l
}
