package ca

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// admin is the place of every authority.
const admin = "admin"

// ErrIssuer reports that a certificate was asked from another authority than this one.
var ErrIssuer = errors.New("another authority is asked for")

// Authority is one certificate authority in a directory of the admin side, as Pigsty keeps it in
// files/pki/ca. It is safe for concurrent use.
type Authority struct {
	Now func() time.Time // nil means time.Now

	dir string
	mu  sync.Mutex // one Apply at a time
}

var _ executors.Executor = (*Authority)(nil)

// New is the authority kept in dir. Nothing is read or made yet.
func New(dir string) *Authority { return &Authority{dir: dir} }

// Observe reads the authority's files. It is absent when there is no certificate and either no key or
// one from which the certificate can still be made.
func (a *Authority) Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	out := make(map[resource.ID]resource.State, len(ids))
	for _, id := range ids {
		spec, err := a.observe(ctx, id)
		if err != nil {
			err = fmt.Errorf("observe %s: %w", id, err)
		}
		out[id] = resource.State{Spec: spec, Err: err}
	}
	return out
}

func (a *Authority) observe(ctx context.Context, id resource.ID) (resource.Spec, error) {
	if id.Kind != resource.KindCA || id.At != admin {
		return nil, errors.New("not an authority on the admin side")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := a.load()
	if err != nil || p.cert == nil {
		return nil, err
	}
	if got := p.cert.Subject.CommonName; got != id.Name {
		return nil, fmt.Errorf("%s is of %q, not of %q", a.certPath(), got, id.Name)
	}
	return resource.CA{Name: id.Name, PEM: p.pem(), Sum: p.sum()}, nil
}

// Apply makes the authority. It never changes or removes one.
func (a *Authority) Apply(ctx context.Context, c diff.Change) error {
	if err := a.apply(ctx, c); err != nil {
		return fmt.Errorf("apply %s: %w", c.ID, err)
	}
	return nil
}

func (a *Authority) apply(ctx context.Context, c diff.Change) error {
	want, ok := c.Spec.(resource.CA)
	switch {
	case !ok || c.Action != diff.Create:
		return errors.New("an authority is only ever made")
	case want.Name != c.ID.Name:
		return fmt.Errorf("the name asked for is %q", want.Name)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	have, err := a.observe(ctx, c.ID)
	if err != nil {
		return err
	}
	if have != nil || c.Have != nil {
		return executors.ErrMoved
	}
	if err := a.make(want); err != nil {
		return err
	}
	have, err = a.observe(ctx, c.ID)
	if err == nil && have == nil {
		err = errors.New("its certificate has gone again")
	}
	return err
}

// PEM is the authority's certificate, for those who are to trust it.
func (a *Authority) PEM() (string, error) {
	p, err := a.existing()
	if err != nil {
		return "", err
	}
	return p.pem(), nil
}

// existing is the pair that signs.
func (a *Authority) existing() (pair, error) {
	p, err := a.load()
	if err == nil && p.cert == nil {
		err = fmt.Errorf("there is no authority in %s yet", a.dir)
	}
	return p, err
}

func (a *Authority) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}
