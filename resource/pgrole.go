package resource

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The attributes of a role, as ALTER ROLE knows them.
const (
	PGLogin       = "login"
	PGSuperuser   = "superuser"
	PGCreateDB    = "createdb"
	PGCreateRole  = "createrole"
	PGInherit     = "inherit"
	PGReplication = "replication"
	PGBypassRLS   = "bypassrls"
)

// PGRole is a role of a PostgreSQL cluster. The id is "pgrole:<name>@<cluster>". What is not said is left
// as it is.
type PGRole struct {
	Name  string          // as in the id: the old way of storing a password depends on it
	Is    map[string]bool // attributes by name
	Limit *int            // of connections; -1 is none
	// Until is when the password expires: "infinity", or a date and time as PostgreSQL writes them;
	// without a zone it is UTC.
	Until string
	// Days is in how many days the password expires, counted from when it is first applied. It is
	// remembered with the role, so that the day does not move. It is stronger than Until.
	Days *int
	// Password is in clear or as the server stores it; "" leaves it alone. Observed it is always what is
	// stored.
	Password Secret
	MD5      bool // a new password is stored the old way, and one that is stored so is right; only wanted
	MemberOf []PGMembership
	Settings map[string]string // of its sessions; a wanted DEFAULT is none
	Comment  string            // "" leaves it alone
}

// PGMembership is a role that another is in. Options that are nil are left alone; those of inherit and set
// are of PostgreSQL 16 and later, and are left alone before.
type PGMembership struct {
	Role                string
	Admin, Inherit, Set *bool
	Not                 bool // it is not in it
}

// Kind is KindPGRole.
func (PGRole) Kind() Kind { return KindPGRole }

// Compare never shows a password, only that another one is in force. Memberships and settings that
// nobody asked for are left alone.
func (r PGRole) Compare(have Spec) []Field {
	h, there := have.(PGRole)
	var d fields
	if !there {
		d.text("state", "absent", "present", 0)
	}
	for _, is := range slices.Sorted(maps.Keys(r.Is)) {
		if now, known := h.Is[is]; known || there || r.Is[is] {
			d.flag(is, now, r.Is[is], 0)
		}
	}
	d.number("connection limit", h.Limit, r.Limit, there)
	r.compareExpiry(h, &d)
	if r.Password.Reveal() != "" {
		d.text("password", r.passwordState(h.Password), passwordRight, 0)
	}
	for _, m := range r.MemberOf {
		m.compare(h.MemberOf, &d)
	}
	d.settings(h.Settings, r.Settings)
	if r.Comment != "" {
		d.text("comment", h.Comment, r.Comment, 0)
	}
	return d
}

func (r PGRole) compareExpiry(h PGRole, d *fields) {
	switch {
	case r.Days != nil && h.Days == nil:
		d.text("expires", "", "in "+strconv.Itoa(*r.Days)+" days", 0)
	case r.Days != nil && *h.Days != *r.Days:
		d.text("expires", "in "+strconv.Itoa(*h.Days)+" days", "in "+strconv.Itoa(*r.Days)+" days", 0)
	case r.Days != nil && !expires(h.Until):
		d.text("expires", "never", "in "+strconv.Itoa(*r.Days)+" days", 0)
	case r.Days == nil && r.Until != "" && PGInstant(r.Until) != PGInstant(h.Until):
		d.text("expires", PGInstant(h.Until), PGInstant(r.Until), 0)
	}
}

func expires(until string) bool { return PGInstant(until) != infinity }

const infinity = "infinity"

// instants are the ways in which a date may be written.
var instants = []string{
	time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05-07", time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly,
}

// PGInstant is a date and time in one spelling, in UTC; "infinity" where there is none.
func PGInstant(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || strings.EqualFold(s, infinity) {
		return infinity
	}
	for _, layout := range instants {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Format(time.RFC3339)
		}
	}
	return s
}

func (m PGMembership) compare(have []PGMembership, d *fields) {
	i := slices.IndexFunc(have, func(h PGMembership) bool { return h.Role == m.Role })
	d.flag("in "+m.Role, i >= 0, !m.Not, 0)
	if i < 0 || m.Not {
		return
	}
	h, path := have[i], "in "+m.Role+" with "
	d.option(path+"admin", h.Admin, m.Admin)
	d.option(path+"inherit", h.Inherit, m.Inherit)
	d.option(path+"set", h.Set, m.Set)
}

// option compares where both sides know.
func (d *fields) option(path string, have, want *bool) {
	if have != nil && want != nil {
		d.flag(path, *have, *want, 0)
	}
}

// number compares a limit; where nothing is there yet, -1 is what it will be anyway.
func (d *fields) number(path string, have, want *int, there bool) {
	if want == nil || !there && *want == -1 {
		return
	}
	now := "-1"
	if have != nil {
		now = strconv.Itoa(*have)
	}
	d.text(path, now, strconv.Itoa(*want), 0)
}

// settings compares the settings of a role or a database that are wanted.
func (d *fields) settings(have, want map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		now, set := have[strings.ToLower(name)]
		wish := want[name]
		switch {
		case strings.EqualFold(wish, "DEFAULT"):
			d.text(name, now, "", 0)
		case !set || !(PGType{}).Same(name, now, wish):
			d.text(name, now, wish, 0)
		}
	}
}

// Loss is a way in for somebody's client.
func (PGRole) Loss() Hazard { return DataLoss }

// PGAbsent is the wish that a role, a database, a schema or an extension be gone; see PGAbsentOf. There
// is always something observed, so that the wish can be compared with it.
type PGAbsent struct {
	There bool
	// Heir gets what a role owns; "" refuses to drop one that owns something. Only wanted.
	Heir string
	// Force ends the sessions in a database, and takes away what depends on a schema or an extension.
	// Only wanted.
	Force bool
}

// Kind is KindPGAbsent.
func (PGAbsent) Kind() Kind { return KindPGAbsent }

// Compare sees what would be lost.
func (a PGAbsent) Compare(have Spec) []Field {
	h, _ := have.(PGAbsent)
	var d fields
	if h.There {
		d.text("state", "present", "absent", DataLoss)
	}
	return d
}

// PGOff is the wish that nobody may use a role or a database that is to go, while all of it can still be had back:
// no login, no connections; see PGOffOf. There is always something observed, as of PGAbsent.
type PGOff struct {
	Open bool // it may be used
}

// Kind is KindPGOff.
func (PGOff) Kind() Kind { return KindPGOff }

// Compare sees a way in that somebody's client would lose.
func (PGOff) Compare(have Spec) []Field {
	h, _ := have.(PGOff)
	var d fields
	if h.Open {
		d.text("state", "open", "closed", Lockout)
	}
	return d
}
