package resource

// PGSeated is that an instance runs in its cluster. It comes about by the instance's unit, and is never made;
// when nobody asks for it any more, the instance leaves: it is stopped in order. The id is "pgseated:<instance>@<node>".
type PGSeated struct {
	// Saved wants a backup to be taken before the instance stops, when it is the last of its cluster.
	Saved  bool
	System string // only observed: the cluster's system identifier
	Leads  bool   // only observed
}

// Kind is KindPGSeated.
func (PGSeated) Kind() Kind { return KindPGSeated }

// Compare finds nothing: who does not run is started by its unit.
func (PGSeated) Compare(Spec) []Field { return nil }

// Empty is true: see Compare.
func (PGSeated) Empty() bool { return true }

// Farewell shows the backup.
func (s PGSeated) Farewell() []Field {
	if !s.Saved {
		return nil
	}
	return []Field{{Path: "last backup", Have: "", Want: "taken before it stops"}}
}

// Loss is a member.
func (PGSeated) Loss() Hazard { return Restart | Topology }
