package resource

// Tuned is the profile by which tuned sets up the kernel of a node. The id is "tuned:node@<node>".
type Tuned struct {
	Profile string
	// Sum is the digest of the profile that was applied: one that was written anew is applied again.
	Sum string
	// Settings are the kernel parameters that the profile is to set, so that the node can tell when one
	// of them is not as it was left; only wanted.
	Settings map[string]string `json:",omitempty"`
	// Drifted are those of Settings that somebody has changed since; wanted, there are none.
	Drifted []string
}

// Kind is KindTuned.
func (Tuned) Kind() Kind { return KindTuned }

// Compare wants the profile in force, as it is written now.
func (t Tuned) Compare(have Spec) []Field {
	h, there := have.(Tuned)
	var d fields
	d.text("profile", h.Profile, t.Profile, 0)
	d.text("applied", short(h.Sum), short(t.Sum), 0)
	d.list("drifted", h.Drifted, t.Drifted, 0)
	if !there && len(d) == 0 {
		d.text("state", "not ours", "set", 0)
	}
	return d
}
