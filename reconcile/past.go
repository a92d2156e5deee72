package reconcile

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
	"github.com/pigsync/pigsync/sources"
)

// earlier is the inventory of an earlier revision.
type earlier struct {
	*inventory.Inventory
	converged bool // all it asked for was true once
}

// load reads the inventories of earlier revisions. One that cannot be acted on has made nothing, and
// one that cannot be read any more only means that less is pruned.
func (r *Reconciler) load(priors []sources.Revision) []earlier {
	var past []earlier
	for _, rev := range priors {
		inv, problems, err := r.read(rev)
		if err != nil {
			r.logger().Warn("an earlier revision cannot be read: what only it made is not pruned",
				slog.String("revision", rev.ID), slog.Any("err", err))
			continue
		}
		if !inventory.HasErrors(problems) {
			past = append(past, earlier{inv, r.converged(rev.ID)})
		}
	}
	return past
}

func (r *Reconciler) places(inv *inventory.Inventory, past []earlier) resource.Places {
	all := modules.Places(inv, r.Modules)
	for _, p := range past {
		all = all.Merge(modules.Places(p.Inventory, r.Modules))
	}
	return all
}

func (r *Reconciler) survey(inv *inventory.Inventory, past []earlier) []resource.ID {
	ids := modules.Survey(inv, r.Modules)
	for _, p := range past {
		ids = append(ids, modules.Survey(p.Inventory, r.Modules)...)
	}
	return ids
}

// compilePast is what the earlier revisions asked for and may have made, as it would be compiled today.
func (r *Reconciler) compilePast(past []earlier, known map[resource.ID]resource.State) *resource.Set {
	touched, made := r.touched(), r.made()
	var sets []*resource.Set
	for _, p := range past {
		c := modules.Compile(p.Inventory, known, r.Modules)
		if c.Refused {
			continue // so it has made nothing
		}
		sets = append(sets, only(c.Want, func(res resource.Resource) bool {
			return !c.Frozen[res.Owner] && (p.converged || touched(res.ID)) && (!lent(res) || made(res.ID))
		}))
	}
	return modules.Merge(sets)
}

// touched tells of a resource whether something was done to it, or begun. What a revision asked for
// that never converged, and nothing was done about, may have been there before, and belong to
// somebody else.
func (r *Reconciler) touched() func(resource.ID) bool {
	if r.Journal == nil {
		return func(resource.ID) bool { return false }
	}
	begun := map[resource.ID]bool{}
	for _, i := range r.Journal.Unfinished() {
		begun[i.Step.ID] = true
	}
	return func(id resource.ID) bool { return begun[id] || len(r.Journal.Past(id, time.Time{})) > 0 }
}

// lent tells whether a resource is kept and yet goes with its whole owner, because the inventory asked so.
func lent(r resource.Resource) bool { return r.Retain && r.Parting == resource.Orphaned }

// made tells whether we remember having made a resource. A package or an account that was there before
// does not go with a node.
func (r *Reconciler) made() func(resource.ID) bool {
	return func(id resource.ID) bool {
		return r.Journal != nil && slices.ContainsFunc(r.Journal.Past(id, time.Time{}), func(e policies.Event) bool {
			return e.Action == diff.Create && e.Err == ""
		})
	}
}

// withoutFrozen leaves out what would be taken for orphans of an owner that is still there, but wants
// nothing because its lines are wrong.
func withoutFrozen(s *resource.Set, frozen map[string]bool) *resource.Set {
	return only(s, func(r resource.Resource) bool { return r.Parting != resource.Orphaned || !frozen[r.Owner] })
}

// tenantsOf are the units that tell whether somebody else still lives on a node that has left.
func tenantsOf(s *resource.Set) (ids []resource.ID) {
	for r := range s.All() {
		for _, t := range r.Tenants {
			ids = append(ids, t.Unit)
		}
	}
	return ids
}

func only(s *resource.Set, keep func(resource.Resource) bool) *resource.Set {
	kept := &resource.Set{}
	for r := range s.All() {
		if keep(r) {
			_ = kept.Add(r) // cannot fail: s has it once
		}
	}
	return kept
}

// freezeKin freezes also the owners that are gone from a module with a problem: what was half
// understood may have been called otherwise, and a half-read inventory removes nothing.
func freezeKin(c *modules.Compiled, prior *resource.Set) {
	broken, there := map[string]bool{}, map[string]bool{}
	for owner := range c.Frozen {
		broken[moduleOf(owner)] = true
	}
	for r := range c.Want.All() {
		there[r.Owner] = true
	}
	for r := range prior.All() {
		if broken[moduleOf(r.Owner)] && !there[r.Owner] {
			c.Frozen[r.Owner] = true
		}
	}
}

func moduleOf(owner string) string {
	module, _, _ := strings.Cut(owner, "/")
	return module
}

func idsOf(s *resource.Set) (ids []resource.ID) {
	for r := range s.All() {
		ids = append(ids, r.ID)
	}
	return ids
}
