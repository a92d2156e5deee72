package resource

import (
	"cmp"
	"fmt"
	"go/token"
	"iter"
	"slices"
	"strings"
)

// Kind says what sort of thing a resource is.
type Kind string

// ID names one resource for its whole life: "file:/etc/etcd/etcd.conf@10.10.10.11".
type ID struct {
	Kind Kind
	Name string
	At   string // node address or cluster name
}

// String spells the id kind:name@place.
func (id ID) String() string { return string(id.Kind) + ":" + id.Name + "@" + id.At }

// ParseID reads what String wrote. A name may hold ':' and '@'; a kind holds neither, a place no '@'.
func ParseID(s string) (ID, error) {
	kind, rest, ok := strings.Cut(s, ":")
	i := strings.LastIndexByte(rest, '@')
	if !ok || kind == "" || strings.Contains(kind, "@") || i < 1 || i == len(rest)-1 {
		return ID{}, fmt.Errorf("bad id %q: want kind:name@place", s)
	}
	return ID{Kind(kind), rest[:i], rest[i+1:]}, nil
}

// Compare orders ids by place, kind, name.
func (id ID) Compare(o ID) int {
	return cmp.Or(cmp.Compare(id.At, o.At), cmp.Compare(id.Kind, o.Kind), cmp.Compare(id.Name, o.Name))
}

// MarshalText spells the id, so that it may be a key in JSON.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (id *ID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseID(string(b))
	return err
}

// Deferred is a Spec of which a part comes true at the next start of its node only. Pending lists what
// waits for that: it is told, and never acted on. Optional.
type Deferred interface{ Pending(have Spec) []Field }

// Fixed is a Spec of which a part stays as it was made. Fixed says why have cannot become what is wanted,
// and what can be done instead; "" when it can. Optional.
type Fixed interface{ Fixed(have Spec) string }

// Field is one difference inside a resource, and what removing it may cost.
type Field struct {
	Path   string `json:"path"`
	Have   string `json:"have"`
	Want   string `json:"want"`
	Hazard Hazard `json:"hazard,omitempty"`
}

// Spec is the state of a resource; desired and observed are the same types.
type Spec interface {
	Kind() Kind
	// Compare lists how have differs from what is wanted; it is empty when have already holds.
	// have is nil when there is nothing.
	Compare(have Spec) []Field
}

// Gate is a Spec that is waited for, not made: it is checked again whenever a change stands on
// either side of it, and it is never removed.
type Gate interface{ Gate() }

// Empty is a Spec that may want nothing: it holds where nothing is.
type Empty interface{ Empty() bool }

// Precious is a Spec whose loss matters; Loss says what it would cost.
type Precious interface{ Loss() Hazard }

// Farewell is a spec of what does something before it goes, which the plan is to show.
type Farewell interface{ Farewell() []Field }

// Partial is a Spec in which others have their part, so that there is always something to see. Ours tells
// whether anything of it is ours, and can be taken back.
type Partial interface{ Ours() bool }

// Remains tells whether there is anything in what was observed that can be taken back.
func Remains(have Spec) bool {
	p, partial := have.(Partial)
	return have != nil && (!partial || p.Ours())
}

// Resource is one thing that should be true.
type Resource struct {
	ID     ID
	Spec   Spec           // nil: wanted, but not yet known what
	After  []ID           // must hold first
	Owner  string         // "etcd/etcd": module and cluster, for status and suspension
	Origin token.Position // the inventory line that asked for it
	Retain bool           // left in place when nobody asks for it any more
	// Parting is what becomes of it when nobody asks for anything of its owner any more: a node that leaves.
	Parting Parting
	Tenants []Tenant // who must have left before an orphan is taken back
	Guard   string   // the safeguard parameter that forbids taking it away, "" for none
}

// Parting is what becomes of a resource whose whole owner has left the inventory.
type Parting uint8

// The partings.
const (
	LikeALine Parting = iota // the same as when its line goes
	Orphaned                 // reported, and taken back once somebody has approved that
	Left                     // left in place
)

// Tenant is a service of somebody else on a node.
type Tenant struct {
	Owner string // "etcd/etcd"
	Unit  ID
}

// State is what was found: a spec, nothing, or an error. Unknown is never absent.
type State struct {
	Spec Spec
	Err  error
}

// Set is an ordered set of resources, unique by ID. The zero value is empty and ready; a nil *Set
// reads as empty.
type Set struct {
	byID map[ID]int
	list []Resource
}

// Add fails when the id is already claimed, naming both places.
func (s *Set) Add(r Resource) error {
	if i, ok := s.byID[r.ID]; ok {
		return fmt.Errorf("%s is already declared at %s", r.ID, s.list[i].Origin)
	}
	if s.byID == nil {
		s.byID = map[ID]int{}
	}
	s.byID[r.ID] = len(s.list)
	s.list = append(s.list, r)
	return nil
}

// Get finds a resource by its id.
func (s *Set) Get(id ID) (Resource, bool) {
	if s == nil {
		return Resource{}, false
	}
	i, ok := s.byID[id]
	if !ok {
		return Resource{}, false
	}
	return s.list[i], true
}

// All yields the resources in the order in which they were added.
func (s *Set) All() iter.Seq[Resource] {
	if s == nil {
		return func(func(Resource) bool) {}
	}
	return slices.Values(s.list)
}

// Len counts the resources.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return len(s.list)
}
