package modules

import (
	"fmt"
	"go/token"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/resource"
)

// Pass is one compilation: what a module may look at, and where it puts what it wants.
type Pass struct {
	Inventory *inventory.Inventory
	Known     map[resource.ID]resource.State // what Survey asked for
	Owner     string                         // whom Want and Errorf speak for
	Guard     string                         // the safeguard parameter in force for what follows, "" for none
	Tenants   []resource.Tenant              // who must have left before what follows is taken back
	Asked     []resource.Kind                // what is kept or stays, and is yet taken back with the whole owner
	First     []resource.ID                  // what comes before all that follows
	out       *Compiled
}

// For is the same pass, speaking for another owner.
func (p *Pass) For(owner string) *Pass {
	q := *p
	q.Owner = owner
	return &q
}

// Want declares a resource and returns its id, for the edges of others. On a node whose facts are
// unknown it is wanted, but not known what.
func (p *Pass) Want(pos token.Position, id resource.ID, spec resource.Spec, after ...resource.ID) resource.ID {
	return p.declare(resource.Resource{ID: id, Spec: spec, After: after, Origin: pos})
}

// Keep is Want for what stays in place when nobody asks for it any more: packages, accounts, trust.
func (p *Pass) Keep(pos token.Position, id resource.ID, spec resource.Spec, after ...resource.ID) resource.ID {
	return p.declare(resource.Resource{ID: id, Spec: spec, After: after, Origin: pos, Retain: true, Parting: resource.Left})
}

// Tend is Want for what goes with its line. When nobody asks for anything of the owner any more it is an
// orphan: a machine that leaves the inventory is taken apart only once somebody has approved that.
func (p *Pass) Tend(pos token.Position, id resource.ID, spec resource.Spec, after ...resource.ID) resource.ID {
	return p.declare(resource.Resource{ID: id, Spec: spec, After: after, Origin: pos, Parting: resource.Orphaned})
}

// Grant is Tend for what belongs to an account and goes with it only: keys and rights may be the last way
// into a machine that leaves.
func (p *Pass) Grant(pos token.Position, id resource.ID, spec resource.Spec, after ...resource.ID) resource.ID {
	parting := resource.Left
	if slices.Contains(p.Asked, resource.KindUser) {
		parting = resource.Orphaned
	}
	return p.declare(resource.Resource{ID: id, Spec: spec, After: after, Origin: pos, Parting: parting})
}

func (p *Pass) declare(r resource.Resource) resource.ID {
	r.Owner, r.Guard = p.Owner, p.Guard
	for _, id := range p.First {
		if !slices.Contains(r.After, id) {
			r.After = append(slices.Clip(r.After), id)
		}
	}
	if r.Retain && slices.Contains(p.Asked, r.ID.Kind) {
		r.Parting = resource.Orphaned
	}
	if r.Parting == resource.Orphaned {
		r.Tenants = p.Tenants
	}
	if _, asked := p.Known[resource.FactsOf(r.ID.At)]; asked {
		if _, ok := p.Facts(r.ID.At); !ok {
			r.Spec = nil
		}
	}
	if err := p.out.Want.Add(r); err != nil {
		p.Errorf(r.Origin, CodeTwice, "%v", err)
		if other, ok := p.out.Want.Get(r.ID); ok {
			p.out.Frozen[other.Owner] = true
		}
	}
	return r.ID
}

// Declared tells whether somebody has declared id already.
func (p *Pass) Declared(id resource.ID) bool {
	_, ok := p.out.Want.Get(id)
	return ok
}

// Parents declares the directories above name on a node that are neither the system's own nor
// declared yet, and returns the nearest; none when there is nothing to wait for.
func (p *Pass) Parents(pos token.Position, node, name string) []resource.ID {
	dir := path.Dir(name)
	id := DirOf(dir, node)
	switch {
	case systemDir(dir):
		return nil
	case p.Declared(id):
		return []resource.ID{id}
	}
	above := p.Parents(pos, node, dir)
	return []resource.ID{p.Keep(pos, id, resource.Dir{}, above...)}
}

// systemDir tells whether every node has the directory from birth.
func systemDir(dir string) bool {
	switch dir {
	case "/", ".", "/etc", "/var", "/var/lib", "/var/log", "/usr", "/usr/local", "/opt", "/srv", "/home", "/root", "/run", "/tmp",
		"/etc/profile.d", "/etc/systemd/system", "/etc/modules-load.d", "/etc/sysctl.d", "/etc/security/limits.d", "/etc/sudoers.d":
		return true
	}
	return !strings.HasPrefix(dir, "/")
}

// Facts returns what is known of a node; ok is false when nothing is.
func (p *Pass) Facts(node string) (f resource.Facts, ok bool) {
	f, ok = p.Known[resource.FactsOf(node)].Spec.(resource.Facts)
	return f, ok
}

// Machine returns what a node is, or was when it was last seen: what others are told because of it stays the same
// while it is away.
func (p *Pass) Machine(node string) (f resource.Facts, ok bool) {
	if f, ok = p.Facts(node); ok {
		return f, ok
	}
	f, ok = p.Known[resource.LastFactsOf(node)].Spec.(resource.Facts)
	return f, ok
}

// Errorf reports an error at a place and freezes the owner.
func (p *Pass) Errorf(pos token.Position, code, format string, args ...any) {
	p.out.Frozen[p.Owner] = true
	p.out.problem(pos, code, inventory.Error, fmt.Sprintf(format, args...))
}

// Warnf reports what is allowed and probably not meant.
func (p *Pass) Warnf(pos token.Position, code, format string, args ...any) {
	p.out.problem(pos, code, inventory.Warning, fmt.Sprintf(format, args...))
}

// Refusef reports an error that makes it impossible to say who is who: the whole commit is refused.
func (p *Pass) Refusef(pos token.Position, code, format string, args ...any) {
	p.out.Refused = true
	p.Errorf(pos, code, format, args...)
}

// Bound passes the problems of a binding on. It reports whether the values can be used.
func (p *Pass) Bound(problems []inventory.Problem) bool {
	p.out.Problems = append(p.out.Problems, problems...)
	if inventory.HasErrors(problems) {
		p.out.Frozen[p.Owner] = true
		return false
	}
	return true
}

// Identified is Bound for what says who somebody is: with an error the whole commit is refused.
func (p *Pass) Identified(problems []inventory.Problem) bool {
	ok := p.Bound(problems)
	p.out.Refused = p.out.Refused || !ok
	return ok
}

// Wanted yields what has been declared so far, by this module and those before it.
func (p *Pass) Wanted() iter.Seq[resource.Resource] { return p.out.Want.All() }

// Freeze stops the owner as an error does, for one that is reported in the name of another.
func (p *Pass) Freeze() { p.out.Frozen[p.Owner] = true }
