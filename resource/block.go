package resource

// Block is a part of a shared file, between two comments that bear our marker; it stands first in the
// file. All other lines are somebody else's. The id's name is made by LinesName.
type Block struct {
	Text string // whole lines
	// Alone puts all other lines of the file out of force: they stay in it as comments, and come back
	// when the block goes.
	Alone bool
	// Adopt takes lines out of the rest of the file that say what the block says: a key that another tool
	// has let in must be gone when its line is. Only wanted, never observed.
	Adopt bool `json:",omitempty"`
	// Mode, Owner and Group are those of the file; wanted, the zero value is whatever it has.
	Mode         uint32 `json:",omitempty"`
	Owner, Group string `json:",omitempty"`

	Live  bool // other lines are in force; only observed
	Muted bool // other lines are out of force; only observed
}

// Kind is KindBlock.
func (Block) Kind() Kind { return KindBlock }

// Compare looks at the block, and at whether the other lines count.
func (b Block) Compare(have Spec) []Field {
	h, there := have.(Block)
	var d fields
	d.text("block", h.Text, b.Text, 0)
	d.others(b.Alone, h.Live, h.Muted)
	d.mode("mode", h.Mode, b.Mode)
	d.owner(h.Owner, b.Owner, h.Group, b.Group)
	if !there && len(d) == 0 {
		d.text("state", "absent", "present", 0)
	}
	return d
}

// others compares whether the other lines of a file should count with whether they do.
func (d *fields) others(alone, live, muted bool) {
	switch {
	case alone && live:
		d.text("other lines", "in force", "out of force", 0)
	case !alone && muted:
		d.text("other lines", "out of force", "in force", 0)
	}
}
