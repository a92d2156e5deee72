package resource

// PGSeated is that an instance runs in its cluster. It comes about by the instance's unit, and is never made;
// when nobody asks for it any more, the instance leaves: it is stopped in order, and its data stay. The id is
// "pgseated:<instance>@<node>".
type PGSeated struct {
	System string // only observed: the cluster's system identifier
	Leads  bool   // only observed
}

// Kind is KindPGSeated.
func (PGSeated) Kind() Kind { return KindPGSeated }

// Compare finds nothing: who does not run is started by its unit.
func (PGSeated) Compare(Spec) []Field { return nil }

// Empty is true: see Compare.
func (PGSeated) Empty() bool { return true }

// Loss is a member.
func (PGSeated) Loss() Hazard { return Restart | Topology }
