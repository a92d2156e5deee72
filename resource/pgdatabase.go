package resource

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// PGDatabase is a database of a PostgreSQL cluster. The id is "pgdatabase:<name>@<cluster>". What is not
// said is left as it is.
type PGDatabase struct {
	Owner      string
	Tablespace string // to change it moves all files, under a lock
	IsTemplate *bool
	AllowConn  *bool // nil is that it may be connected to
	Limit      *int  // of connections; -1 is none
	Comment    string
	Settings   map[string]string // of its sessions; a wanted DEFAULT is none
	// PGCreation is how it is made; it is never altered.
	PGCreation
	// Again wants it dropped and made again, once: a mark that stays with it tells that this was done.
	Again bool
	// Baseline says that it is to be marked when it is made: its baseline is still to be run. Only wanted.
	Baseline bool
	Invalid  bool // dropping it was cut short: it can only be dropped again; only observed
}

// PGCreation is what a database has from its creation on.
type PGCreation struct {
	Template string // only wanted: nobody knows afterwards
	Strategy string // likewise
	Encoding string
	Collate  string
	CType    string
	Provider string // libc, icu, builtin
	Locale   string // of ICU, or built in
	Rules    string // of ICU
}

// Kind is KindPGDatabase.
func (PGDatabase) Kind() Kind { return KindPGDatabase }

// Compare lists what cannot be altered, too: only a new database can have it. One that is to be made again
// loses all that is in it, and what else differs of it comes with the new one.
func (b PGDatabase) Compare(have Spec) []Field {
	h, there := have.(PGDatabase)
	var d fields
	switch {
	case !there:
		d.text("state", "absent", "present", 0)
	case b.Again && !h.Again:
		d.text("state", "present", "made again", DataLoss)
		return d
	default:
		d = append(d, b.Immovable(h)...)
		d.flag("made again", h.Again, b.Again, 0)
	}
	d.wish("owner", h.Owner, b.Owner, 0)
	if there {
		d.wish("tablespace", h.Tablespace, b.Tablespace, Restart)
	}
	d.truth("template", h.IsTemplate, b.IsTemplate)
	was := h.AllowConn == nil || *h.AllowConn
	d.flag("connections allowed", was, b.Open(), 0)
	d.number("connection limit", h.Limit, b.Limit, there)
	d.wish("comment", h.Comment, b.Comment, 0)
	d.settings(h.Settings, b.Settings)
	return d
}

// Open tells whether the database may be connected to: of one that was switched off because it was to go, it is part
// of having it back.
func (b PGDatabase) Open() bool { return b.AllowConn == nil || *b.AllowConn }

// Immovable lists what is wanted of an existing database and can only be had by a new one: to dump it, to
// drop it and to restore it.
func (b PGDatabase) Immovable(h PGDatabase) []Field {
	var d fields
	d.folded("encoding", h.Encoding, b.Encoding, foldEncoding)
	d.folded("collation", h.Collate, b.Collate, foldLocale)
	d.folded("character classes", h.CType, b.CType, foldLocale)
	d.folded("locale provider", h.Provider, b.Provider, strings.ToLower)
	d.folded("locale", h.Locale, b.Locale, strings.ToLower)
	d.folded("locale rules", h.Rules, b.Rules, strings.TrimSpace)
	return d
}

// Fixed names what is wanted of an existing database and only a new one can have.
func (b PGDatabase) Fixed(have Spec) string {
	h, there := have.(PGDatabase)
	if !there || b.Again && !h.Again {
		return ""
	}
	var list []string
	for _, f := range b.Immovable(h) {
		list = append(list, f.Path+" "+f.Have)
	}
	if len(list) == 0 {
		return ""
	}
	return "a database keeps its " + strings.Join(list, ", ") + ": take that back, or dump it, say state: recreate, and restore it into the new one"
}

// folded compares two spellings; a wanted "" is any.
func (d *fields) folded(path, have, want string, fold func(string) string) {
	if want != "" && fold(have) != fold(want) {
		d.text(path, cmp.Or(have, "none"), want, 0)
	}
}

// wish compares texts; a wanted "" is any.
func (d *fields) wish(path, have, want string, h Hazard) {
	if want != "" {
		d.text(path, have, want, h)
	}
}

// truth compares what is wanted at all; nothing there is false.
func (d *fields) truth(path string, have, want *bool) {
	if want != nil {
		d.flag(path, have != nil && *have, *want, 0)
	}
}

func foldEncoding(s string) string {
	s = strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToUpper(s))
	if s == "UNICODE" {
		return "UTF8"
	}
	return s
}

// foldLocale knows that en_US.UTF-8 is en_US.utf8, and that C is POSIX.
func foldLocale(s string) string {
	name, charset, _ := strings.Cut(s, ".")
	if name == "POSIX" {
		name = "C"
	}
	return name + "." + foldEncoding(charset)
}

// Loss is the data.
func (PGDatabase) Loss() Hazard { return DataLoss }

// PGSchema is a schema. The id is "pgschema:<database>/<schema>@<cluster>".
type PGSchema struct {
	Owner   string // "" leaves it alone
	Comment string // likewise
}

// Kind is KindPGSchema.
func (PGSchema) Kind() Kind { return KindPGSchema }

// Compare looks at its presence and its owner.
func (s PGSchema) Compare(have Spec) []Field {
	h, there := have.(PGSchema)
	var d fields
	if !there {
		d.text("state", "absent", "present", 0)
	}
	d.wish("owner", h.Owner, s.Owner, 0)
	d.wish("comment", h.Comment, s.Comment, 0)
	return d
}

// Loss is what lies in it.
func (PGSchema) Loss() Hazard { return DataLoss }

// PGExtension is an extension of a database. The id is "pgextension:<database>/<extension>@<cluster>".
type PGExtension struct {
	Schema  string // "" is any
	Version string // "" is any that is installed
	Newer   string // the version that the node's files would make today; only observed
}

// Kind is KindPGExtension.
func (PGExtension) Kind() Kind { return KindPGExtension }

// Compare wants presence, and a schema and a version where they are named: present is not latest.
func (x PGExtension) Compare(have Spec) []Field {
	h, there := have.(PGExtension)
	var d fields
	if !there {
		d.text("state", "absent", "present", 0)
	}
	d.wish("schema", h.Schema, x.Schema, 0)
	d.wish("version", h.Version, x.Version, 0)
	return d
}

// Loss is its types, and the columns that have them.
func (PGExtension) Loss() Hazard { return DataLoss }

// PGPrivileges are rights in a database: on the database itself, on its schemas, and those that objects
// made later by a role will have. The id is "pgprivileges:<database>@<cluster>"; with a slash and a word
// after the database several wishes can stand beside each other.
type PGPrivileges struct {
	Granted []PGGrant // observed, all there are
	Revoked []PGGrant // must not be there; only wanted
}

// PGGrant is one right. Where it is revoked, Option says that only the right to grant it goes.
type PGGrant struct {
	// On is what the right is on: "database", "schema <name>", or "default <role>[ in <schema>] <type>",
	// with the types tables, sequences, functions, types, schemas.
	On      string
	Grantee string // a role, or "public"
	Right   string // SELECT, USAGE, CREATE, …; ALL is each of them
	Option  bool   // may be granted on
}

// PGOnDatabase is the database itself, as PGGrant.On.
const PGOnDatabase = "database"

// PGOnSchema is a schema, as PGGrant.On.
func PGOnSchema(schema string) string { return "schema " + strconv.Quote(schema) }

// PGOnDefault is what a role will make of a type, anywhere or in one schema, as PGGrant.On.
func PGOnDefault(role, schema, objects string) string {
	on := "default " + strconv.Quote(role)
	if schema != "" {
		on += " in " + strconv.Quote(schema)
	}
	return on + " " + objects
}

// PGObject is what PGGrant.On says, taken apart.
type PGObject struct {
	Class        string // "database", "schema", "default"
	Role, Schema string
	Objects      string // tables, sequences, functions, types, schemas
}

// ParsePGObject reads what PGOnSchema and PGOnDefault wrote.
func ParsePGObject(on string) (o PGObject, ok bool) {
	class, rest, _ := strings.Cut(on, " ")
	o.Class = class
	switch class {
	case PGOnDatabase:
		return o, rest == ""
	case "schema":
		o.Schema, rest, ok = quotedWord(rest)
		return o, ok && rest == ""
	case "default":
		if o.Role, rest, ok = quotedWord(rest); !ok {
			return o, false
		}
		if in, found := strings.CutPrefix(rest, " in "); found {
			if o.Schema, rest, ok = quotedWord(in); !ok {
				return o, false
			}
		}
		o.Objects, ok = strings.CutPrefix(rest, " ")
		return o, ok && PGRights(o) != nil
	}
	return o, false
}

func quotedWord(s string) (word, rest string, ok bool) {
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", s, false
	}
	word, err = strconv.Unquote(quoted)
	return word, s[len(quoted):], err == nil && word != ""
}

// pgRights are the rights that ALL stands for, by what they are on. MAINTAIN is of PostgreSQL 17, and is
// not among them: to ask for ALL there gives it, too.
var pgRights = map[string][]string{
	"database":  {"CREATE", "CONNECT", "TEMPORARY"},
	"schema":    {"CREATE", "USAGE"},
	"schemas":   {"CREATE", "USAGE"},
	"tables":    {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"},
	"sequences": {"USAGE", "SELECT", "UPDATE"},
	"functions": {"EXECUTE"},
	"types":     {"USAGE"},
}

// PGRights are the rights that can be had on an object; nil where there are none such.
func PGRights(o PGObject) []string {
	if o.Class == "default" {
		if o.Objects == PGOnDatabase || o.Objects == "schema" {
			return nil
		}
		return pgRights[o.Objects]
	}
	return pgRights[o.Class]
}

// Kind is KindPGPrivileges.
func (PGPrivileges) Kind() Kind { return KindPGPrivileges }

// Compare looks for what is wanted, and for what must not be; the rest is left alone.
func (p PGPrivileges) Compare(have Spec) []Field {
	h, _ := have.(PGPrivileges)
	held, known := map[PGGrant]bool{}, map[string]bool{}
	for _, g := range h.Granted {
		held[g.plain()] = held[g.plain()] || g.Option
		known[g.On] = true
	}
	holding := func(g PGGrant) (option, holds bool) {
		if !known[g.On] && have != nil {
			return false, g.byNature()
		}
		option, holds = held[g.plain()]
		return option, holds
	}
	var d fields
	for _, g := range p.Expand() {
		option, holds := holding(g)
		if !holds || g.Option && !option {
			d.text(g.path(), "", "granted"+g.with(), 0)
		}
	}
	for _, g := range (PGPrivileges{Granted: p.Revoked}).Expand() {
		if option, holds := holding(g); holds && (!g.Option || option) {
			d.text(g.path(), "granted", "revoked"+g.with(), 0)
		}
	}
	return d
}

// byNature tells whether a right is there where nobody has said anything of what a role will make: its
// owner has all, and everybody may call a function and use a type.
func (g PGGrant) byNature() bool {
	o, _ := ParsePGObject(g.On)
	if o.Class != "default" || o.Schema != "" {
		return false
	}
	open := o.Objects == "functions" || o.Objects == "types"
	return g.Grantee == o.Role || open && g.Grantee == PGPublic
}

// PGPublic is everybody, as PGGrant.Grantee.
const PGPublic = "public"

// Expand lists what is granted right by right, sorted: ALL is each of them.
func (p PGPrivileges) Expand() []PGGrant {
	all := map[PGGrant]bool{}
	for _, g := range p.Granted {
		rights := []string{strings.ToUpper(g.Right)}
		if o, _ := ParsePGObject(g.On); rights[0] == "ALL" || rights[0] == "ALL PRIVILEGES" {
			rights = PGRights(o)
		} else if rights[0] == "TEMP" {
			rights = []string{"TEMPORARY"}
		}
		for _, right := range rights {
			g.Right = right
			all[g] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), PGGrant.order)
}

func (g PGGrant) order(o PGGrant) int {
	return cmp.Or(cmp.Compare(g.On, o.On), cmp.Compare(g.Grantee, o.Grantee), cmp.Compare(g.Right, o.Right))
}

func (g PGGrant) plain() PGGrant {
	g.Option, g.Right = false, strings.ToUpper(g.Right)
	return g
}

func (g PGGrant) path() string { return g.Right + " on " + g.On + " to " + g.Grantee }

func (g PGGrant) with() string {
	if g.Option {
		return ", and to grant it"
	}
	return ""
}
