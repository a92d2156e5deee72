package resource

// PGBaseline is SQL that a database begins with. It is run once, after the database was made with all that
// is declared of it: absent is that it waits for that, and what was there before is present. The id is
// "pgbaseline:<database>@<cluster>".
type PGBaseline struct {
	SQL Content // only wanted
}

// Kind is KindPGBaseline.
func (PGBaseline) Kind() Kind { return KindPGBaseline }

// Compare wants it to have been run.
func (b PGBaseline) Compare(have Spec) []Field {
	var d fields
	if have == nil {
		d.text("baseline", "", "run "+b.SQL.String(), 0)
	}
	return d
}
