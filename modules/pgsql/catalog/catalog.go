package catalog

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The releases this catalog knows.
const (
	First = 13
	Last  = 18
)

//go:embed settings.txt
var settingsText string

//go:embed contrib.txt
var contribText string

//go:embed extensions.txt
var extensionsText string

// Span is the releases that have something.
type Span struct{ From, To int }

// Has tells whether the release does.
func (s Span) Has(major int) bool { return s.From <= major && major <= s.To }

// Extension is what is known of one.
type Extension struct {
	Name    string
	Package string // empty for contrib, which comes with PostgreSQL
	Library string // to be loaded at the start, before it can be created; empty when it needs none
	Span    Span
}

type catalog struct {
	settings   map[string]Span
	extensions map[string]Extension
	packages   map[string]string // of a library
	names      struct{ settings, extensions []string }
}

// read parses the tables, once: they are part of the program, and tested.
var read = sync.OnceValue(func() *catalog {
	c := &catalog{settings: spans(settingsText), extensions: map[string]Extension{}, packages: map[string]string{}}
	for name, span := range spans(contribText) {
		c.extensions[name] = Extension{Name: name, Span: span}
	}
	withLibrary := c.extensions["pg_stat_statements"]
	withLibrary.Library = "pg_stat_statements"
	c.extensions["pg_stat_statements"] = withLibrary
	for line := range strings.Lines(extensionsText) {
		if !strings.HasPrefix(line, "#") {
			c.addPackage(line)
		}
	}
	for name := range c.settings {
		c.names.settings = append(c.names.settings, name)
	}
	for name := range c.extensions {
		c.names.extensions = append(c.names.extensions, name)
	}
	slices.Sort(c.names.settings)
	slices.Sort(c.names.extensions)
	return c
})

func (c *catalog) addPackage(line string) {
	pkg, rest, listed := strings.Cut(strings.TrimSpace(line), ":")
	words := strings.Fields(rest)
	if !listed {
		words = []string{pkg}
	}
	library := ""
	for _, w := range words {
		if lib, needed := strings.CutPrefix(w, "+"); needed {
			library = lib
		}
		if lib := strings.TrimLeft(w, "+~"); lib != w {
			c.packages[lib] = pkg
		}
	}
	for _, w := range words {
		if w[0] != '+' && w[0] != '~' {
			c.extensions[w] = Extension{Name: w, Package: pkg, Library: library, Span: Span{First, Last}}
		}
	}
}

// spans reads lines of a name and, when not every release has it, the first and the last that do.
func spans(text string) map[string]Span {
	all := map[string]Span{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		span := Span{First, Last}
		if len(words) == 3 {
			span.From, _ = strconv.Atoi(words[1]) // tested
			span.To, _ = strconv.Atoi(words[2])
		}
		all[words[0]] = span
	}
	return all
}

// FindExtension returns what is known of an extension.
func FindExtension(name string) (Extension, bool) {
	e, ok := read().extensions[name]
	return e, ok
}

// Extensions are the names of all extensions, sorted.
func Extensions() []string { return read().names.extensions }

// Setting returns the releases that have a setting, without regard to case, as PostgreSQL does.
func Setting(name string) (Span, bool) {
	c := read()
	if s, ok := c.settings[name]; ok {
		return s, true
	}
	i := slices.IndexFunc(c.names.settings, func(n string) bool { return strings.EqualFold(n, name) })
	if i < 0 {
		return Span{}, false
	}
	return c.settings[c.names.settings[i]], true
}

// Settings are the names of all settings, sorted.
func Settings() []string { return read().names.settings }

// PackageOf returns the package that a library to load comes with; false for PostgreSQL's own, and
// for those that nobody knows.
func PackageOf(library string) (string, bool) {
	pkg, ok := read().packages[library]
	return pkg, ok
}

// predefined are the roles that PostgreSQL itself has, and the first release that does.
var predefined = map[string]int{
	"pg_monitor": 10, "pg_read_all_settings": 10, "pg_read_all_stats": 10, "pg_stat_scan_tables": 10, "pg_signal_backend": 9,
	"pg_read_server_files": 11, "pg_write_server_files": 11, "pg_execute_server_program": 11,
	"pg_read_all_data": 14, "pg_write_all_data": 14, "pg_database_owner": 14, "pg_checkpoint": 15,
	"pg_use_reserved_connections": 16, "pg_create_subscription": 16, "pg_maintain": 17, "pg_signal_autovacuum_worker": 18,
}

// Predefined returns the first release with a role of PostgreSQL's own.
func Predefined(role string) (major int, ok bool) {
	major, ok = predefined[role]
	return major, ok
}
