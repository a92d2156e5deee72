package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"syscall"

	"github.com/pigsync/pigsync/executors/postgres"
	"github.com/pigsync/pigsync/resource"
)

// view is one look at the node: what several ids need is read once.
type view struct {
	*tree
	l        *Local
	accounts func() (*accounts, error)
	packages func() (map[string]packageState, error)
	newest   func() (map[string]string, error) // of packages of which that is asked
	units    func() (map[string]UnitState, error)
	bundle   func() (map[string]bool, error)
	ask      func(argv ...string) (string, error) // runs a command that only looks
	postgres func(seat postgres.Seat) *postgres.Look
	places   []resource.PGPlace
	looks    map[string]*postgres.Look // by instance
}

// work is one change under way.
type work struct {
	*view
	id   resource.ID
	sign Signer
	log  *slog.Logger
}

// places are those of the clusters that have an instance here.
func (l *Local) look(ctx context.Context, ids []resource.ID, places ...resource.PGPlace) *view {
	v := &view{tree: newTree(l.Root), l: l, places: places, looks: map[string]*postgres.Look{}}
	v.accounts = sync.OnceValues(func() (*accounts, error) { return patiently(v.readAccounts) })
	v.packages = sync.OnceValues(func() (map[string]packageState, error) {
		return patiently(func() (map[string]packageState, error) { return v.readPackages(ctx, packageNames(ids)) })
	})
	v.newest = sync.OnceValues(func() (map[string]string, error) { return v.readNewest(ctx, ids) })
	v.units = sync.OnceValues(func() (map[string]UnitState, error) { return l.readUnits(ctx, unitNames(ids)) })
	v.bundle = sync.OnceValues(v.readBundle)
	v.ask = func(argv ...string) (string, error) { return l.ask(ctx, argv) }
	v.postgres = v.seats(ctx, ids)
	return v
}

// maxLooks bounds how often a file that is replaced under the look is looked at again.
const maxLooks = 64

// see looks at one id; nil, nil is absent.
func (v *view) see(ctx context.Context, id resource.ID) (resource.Spec, error) {
	return patiently(func() (resource.Spec, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return v.seeKind(id)
	})
}

// patiently looks again as long as what it looks at is replaced meanwhile.
func patiently[T any](look func() (T, error)) (found T, err error) {
	for range maxLooks {
		if found, err = look(); !errors.Is(err, errReplaced) {
			break
		}
	}
	return found, err
}

func (v *view) seeKind(id resource.ID) (resource.Spec, error) {
	if isPG(id.Kind) {
		return v.seePG(id)
	}
	k, ok := kinds[id.Kind]
	if !ok {
		return nil, fmt.Errorf("a node has no %s", id.Kind)
	}
	return k.see(v, id.Name)
}

// make brings want about where have is, nil for nothing.
func (w *work) make(ctx context.Context, want, have resource.Spec) error {
	if k := kinds[want.Kind()]; k.make != nil {
		return k.make(w, ctx, want, have)
	}
	return errNotMade
}

// remove takes away what is there. was is what was wanted once; it may be nil.
func (w *work) remove(ctx context.Context, was, have resource.Spec) error {
	if k := kinds[w.id.Kind]; k.remove != nil {
		return k.remove(w, ctx, was, have)
	}
	return errNotMade
}

var errNotMade = errors.New("it can only be observed")

// plain drops the name of the call from an error about a path, and the path where it is a
// temporary one of ours; what remains are the place and the cause.
func plain(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	var sys *os.SyscallError
	switch {
	case errors.As(err, &path) && path.Error() == err.Error():
		return path.Err
	case errors.As(err, &link) && link.Error() == err.Error():
		return link.Err
	case errors.As(err, &sys) && sys.Error() == err.Error():
		return sys.Err
	}
	return err
}

// absent tells whether err says that there is nothing. A parent that is a file is no such case.
func absent(err error) bool { return errors.Is(err, syscall.ENOENT) }
