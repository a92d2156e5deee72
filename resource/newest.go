package resource

// Newest wants no newer version of a package to be offered than the one that is installed. The id's name is
// that of the package, as in Package. Where it is not installed there is nothing to be newer than.
type Newest struct {
	Installed string // observed only
	Offered   string // by the index that the node has; observed only
}

// Kind is KindNewest.
func (Newest) Kind() Kind { return KindNewest }

// Empty is true: where the package is not there, nothing is to be done.
func (Newest) Empty() bool { return true }

// Compare names both versions; the scripts of a package may start anew what runs.
func (Newest) Compare(have Spec) []Field {
	h, _ := have.(Newest)
	var d fields
	if h.Installed != h.Offered {
		d.text("version", h.Installed, h.Offered, Restart)
	}
	return d
}

// NewestOf is the id of the newest version of a package on a node.
func NewestOf(name, node string) ID { return ID{Kind: KindNewest, Name: name, At: node} }
