package resource

// Guarded is a file whose change may lock us out of the node: of the SSH daemon, the firewall, sudo, the
// network. A change undoes itself after a while unless it is confirmed over a new connection. The
// id's name is the file's absolute path, or that and a marker, made by LinesName: then it is a Block of
// the file, and mode and owner are those the file has.
type Guarded struct {
	Sum          string // SHA-256 of the content, in hex
	Mode         uint32
	Owner, Group string
	Content      Content
	Validate     []string // must accept the file first, as File.Validate; only wanted
	Activate     []string // makes what runs read the file; none where it is read each time; only wanted
	Deactivate   []string // instead of Activate, when there is no file any more; only wanted
	Alone, Adopt bool     // as those of Block; only wanted
	Live, Muted  bool     // as those of Block; only observed
	Grace        int      // seconds to confirm in; 0 means 60; only wanted
	Confirmed    bool     // the content was confirmed, or was there before us and is what we want
}

// NewGuarded wants content at a path, and that it has been confirmed.
func NewGuarded(content []byte, mode uint32, owner, group string) Guarded {
	f := NewFile(content, mode, owner, group)
	return Guarded{Sum: f.Sum, Mode: mode, Owner: owner, Group: group, Content: content, Confirmed: true}
}

// Kind is KindGuarded.
func (Guarded) Kind() Kind { return KindGuarded }

// Compare sees in every change a reload of what reads the file. It is no Lockout: what undoes itself
// needs nobody's approval.
func (g Guarded) Compare(have Spec) []Field {
	var was Spec
	h, there := have.(Guarded)
	if there {
		was = h.file()
	}
	d := fields(g.file().Compare(was))
	d.others(g.Alone, h.Live, h.Muted)
	for i := range d {
		d[i].Hazard |= Reload
	}
	d.flag("confirmed", h.Confirmed, g.Confirmed, 0)
	return d
}

func (g Guarded) file() File {
	return File{Sum: g.Sum, Mode: g.Mode, Owner: g.Owner, Group: g.Group, Content: g.Content}
}
