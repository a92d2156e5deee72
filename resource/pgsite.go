package resource

// What lies in the data directory of an instance that does not run.
const (
	PGNothing = ""      // nothing
	PGTorn    = "torn"  // half of what was being made, or something that is no data at all
	PGWhole   = "whole" // data that a server can start upon
)

// PGSite is the place of an instance that does not run, and what stands in its way. It is wanted with nothing
// in its data directory only where nobody was ever seen alive upon it: what lies there is moved aside,
// not removed. The id is "pgsite:<instance>@<node>". Of an instance that runs it is the zero value.
type PGSite struct {
	Data    string
	Files   []string // some names of what is torn; only observed, as what follows
	Taken   []string // its ports that somebody else listens on: "5432 (nginx)"
	Locales []string // those of the node; none where they are not known
}

// Kind is KindPGSite.
func (PGSite) Kind() Kind { return KindPGSite }

// Compare sees what is to be moved aside.
func (p PGSite) Compare(have Spec) []Field {
	h, _ := have.(PGSite)
	var d fields
	if h.Data != p.Data && p.Data == PGNothing {
		d.text("data directory", h.Data, "moved aside", 0)
	}
	return d
}

// PGSiteOf is the id of the place of an instance.
func PGSiteOf(instance, node string) ID { return ID{Kind: KindPGSite, Name: instance, At: node} }
