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

	"github.com/pigsync/pigsync/resource"
)

// view is one look at the node: what several ids need is read once.
type view struct {
	*tree
	l        *Local
	accounts func() (*accounts, error)
	packages func() (map[string]dpkgPackage, error)
	units    func() (map[string]UnitState, error)
	bundle   func() (map[string]bool, error)
}

// work is one change under way.
type work struct {
	*view
	id   resource.ID
	sign Signer
	log  *slog.Logger
}

func (l *Local) look(ctx context.Context, ids []resource.ID) *view {
	v := &view{tree: newTree(l.Root), l: l}
	v.accounts = sync.OnceValues(func() (*accounts, error) { return patiently(v.readAccounts) })
	v.packages = sync.OnceValues(func() (map[string]dpkgPackage, error) {
		return patiently(func() (map[string]dpkgPackage, error) { return v.readPackages(packageNames(ids)) })
	})
	v.units = sync.OnceValues(func() (map[string]UnitState, error) { return l.readUnits(ctx, unitNames(ids)) })
	v.bundle = sync.OnceValues(v.readBundle)
	return v
}

// maxLooks bounds how often a file that is replaced under the look is looked at again.
const maxLooks = 16

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
	switch id.Kind {
	case resource.KindFacts:
		return v.seeFacts()
	case resource.KindFile:
		return v.seeFile(id.Name)
	case resource.KindDir:
		return v.seeDir(id.Name)
	case resource.KindLink:
		return v.seeLink(id.Name)
	case resource.KindLines:
		return v.seeLines(id.Name)
	case resource.KindHostname:
		return v.seeHostname()
	}
	return v.seeMore(id)
}

func (v *view) seeMore(id resource.ID) (resource.Spec, error) {
	switch id.Kind {
	case resource.KindRepo:
		return v.seeRepo(id.Name)
	case resource.KindPackage:
		return v.seePackage(id.Name)
	case resource.KindTrust:
		return v.seeTrust(id.Name)
	case resource.KindGroup:
		return v.seeGroup(id.Name)
	case resource.KindUser:
		return v.seeUser(id.Name)
	case resource.KindCert:
		return v.seeCert(id.Name)
	case resource.KindUnit:
		return v.seeUnit(id.Name)
	}
	return v.seeKernel(id)
}

func (v *view) seeKernel(id resource.ID) (resource.Spec, error) {
	switch id.Kind {
	case resource.KindSysctl:
		return v.seeSysctl(id.Name)
	case resource.KindKernelModule:
		return v.seeModule(id.Name)
	case resource.KindTimezone:
		return v.seeTimezone()
	case resource.KindGuarded:
		return v.seeGuarded(id.Name)
	}
	return nil, fmt.Errorf("a node has no %s", id.Kind)
}

// make brings want about where have is, nil for nothing.
func (w *work) make(ctx context.Context, want, have resource.Spec) error {
	switch want := want.(type) {
	case resource.File:
		return w.makeFile(ctx, want, have)
	case resource.Dir:
		return w.makeDir(want, have)
	case resource.Link:
		return w.makeLink(want)
	case resource.Lines:
		return w.setLines(want)
	case resource.Hostname:
		return w.makeHostname(want, have)
	case resource.Repo:
		return w.makeRepo(ctx, want, have)
	case resource.Package:
		return w.install(ctx, want)
	case resource.Trust:
		return w.makeTrust(ctx, want)
	case resource.Group:
		return w.makeGroup(ctx, want, have)
	case resource.User:
		return w.makeUser(ctx, want, have)
	case resource.Cert:
		return w.makeCert(ctx, want, have)
	case resource.Unit:
		return w.makeUnit(ctx, want)
	case resource.Sysctl:
		return w.makeSysctl(want, have)
	case resource.KernelModule:
		return w.loadModule(ctx)
	case resource.Timezone:
		return w.makeTimezone(want)
	case resource.Guarded:
		return w.tryGuarded(ctx, want, false)
	}
	return errNotMade
}

// remove takes away what is there. spec is what was wanted once; it may be nil.
func (w *work) remove(ctx context.Context, spec, have resource.Spec) error {
	switch w.id.Kind {
	case resource.KindFile:
		return w.removeFile(w.id.Name)
	case resource.KindDir:
		was, _ := spec.(resource.Dir)
		return w.removeDir(was.Data)
	case resource.KindLink:
		return w.removeLink()
	case resource.KindLines:
		return w.setLines(resource.Lines{})
	case resource.KindRepo:
		return w.removeRepo()
	case resource.KindPackage:
		return w.uninstall(ctx, have)
	case resource.KindTrust:
		return w.removeTrust(ctx)
	case resource.KindGroup:
		return w.removeGroup(ctx)
	case resource.KindUser:
		return w.removeUser(ctx)
	case resource.KindCert:
		return w.removeCert()
	case resource.KindUnit:
		return w.removeUnit(ctx)
	case resource.KindSysctl:
		return w.removeSysctl()
	case resource.KindGuarded:
		return w.tryGuarded(ctx, resource.Guarded{}, true)
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
