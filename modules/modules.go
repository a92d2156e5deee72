package modules

import (
	"fmt"
	"go/token"
	"slices"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/resource"
)

// Module is knowledge of one Pigsty module.
type Module struct {
	Name, Doc string
	Vars      any                                        // zero value of the parameters it understands
	Places    func(*inventory.Inventory) resource.Places // how what it manages is reached; may be nil
	Survey    func(*inventory.Inventory) []resource.ID   // what must be known first; may be nil
	Compile   func(*Pass)
}

// The codes of the problems modules find. Like inventory's they keep their meaning.
const (
	CodeModule   = "MOD001" // a module failed: a bug of ours
	CodeTwice    = "MOD002" // two owners want the same resource
	CodeDangling = "MOD003" // a resource comes after one that nobody declares: a bug of ours
)

// Compiled is what an inventory asks for.
type Compiled struct {
	Want     *resource.Set
	Problems []inventory.Problem
	// Frozen names the owners with an error: they are neither changed nor pruned.
	Frozen map[string]bool
	// Refused says that the commit as a whole cannot be acted on.
	Refused bool
}

// Compile runs every module over the inventory, in the order given.
func Compile(inv *inventory.Inventory, known map[resource.ID]resource.State, ms []*Module) *Compiled {
	c := &Compiled{Want: &resource.Set{}, Frozen: map[string]bool{}}
	for _, m := range ms {
		c.run(m, &Pass{Inventory: inv, Known: known, Owner: m.Name, out: c})
	}
	c.checkEdges()
	if _, dormant := inv.Dormant(); dormant {
		c.rest()
	}
	for i := range c.Problems {
		c.Problems[i].Msg = inv.Discreet(c.Problems[i].Msg)
	}
	c.Problems = inventory.Sort(c.Problems)
	return c
}

// run keeps a panic inside the module it happened in.
func (c *Compiled) run(m *Module, p *Pass) {
	defer func() {
		if r := recover(); r != nil {
			p.Refusef(token.Position{Filename: p.Inventory.File(), Line: 1, Column: 1}, CodeModule, "module %s failed: %v", m.Name, r)
		}
	}()
	m.Compile(p)
}

// rest is for an inventory that nobody acts on: what v4 would want is told, and stops nothing.
func (c *Compiled) rest() {
	c.Refused = true
	for i := range c.Problems {
		c.Problems[i].Severity = inventory.Warning
	}
}

func (c *Compiled) checkEdges() {
	for r := range c.Want.All() {
		for _, a := range r.After {
			if _, ok := c.Want.Get(a); !ok {
				c.problem(r.Origin, CodeDangling, inventory.Error, fmt.Sprintf("%s comes after %s, which nobody declares", r.ID, a))
				c.Frozen[r.Owner] = true
			}
		}
	}
}

func (c *Compiled) problem(pos token.Position, code string, s inventory.Severity, msg string) {
	c.Problems = append(c.Problems, inventory.Problem{Pos: pos, Severity: s, Code: code, Msg: msg})
}

// Survey gathers what the modules must know first, each id once.
func Survey(inv *inventory.Inventory, ms []*Module) []resource.ID {
	var ids []resource.ID
	for _, m := range ms {
		if m.Survey != nil {
			ids = append(ids, m.Survey(inv)...)
		}
	}
	slices.SortFunc(ids, resource.ID.Compare)
	return slices.Compact(ids)
}

// Places gathers how everything is reached.
func Places(inv *inventory.Inventory, ms []*Module) resource.Places {
	var all resource.Places
	for _, m := range ms {
		if m.Places != nil {
			all = all.Merge(m.Places(inv))
		}
	}
	return all
}

// Merge is the union of compiled sets: of a resource in several, the newest wins; sets are given the
// newest first. The result is what pigsync may have made.
func Merge(newestFirst []*resource.Set) *resource.Set {
	union := &resource.Set{}
	for _, s := range newestFirst {
		for r := range s.All() {
			if _, known := union.Get(r.ID); !known {
				_ = union.Add(r) // cannot fail: it is not there yet
			}
		}
	}
	return union
}
