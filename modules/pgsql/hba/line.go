package hba

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Dialect is who reads the rules.
type Dialect uint8

// The dialects.
const (
	PostgreSQL Dialect = iota
	PgBouncer          // a smaller language: no groups, no names of hosts
)

// Line is one rule.
type Line struct {
	Type      string // local, host, hostssl, hostnossl, hostgssenc, hostnogssenc
	Databases []Token
	Users     []Token
	Addr      Addr
	Method    string
	Options   map[string]string

	patterns map[string]*regexp.Regexp // of words with a slash, where Go understands them
}

// Addr is whom a rule is for; the zero value is nobody's, as in local rules.
type Addr struct {
	Word   string // all, samehost, samenet, or the name of a host, or ".domain"
	Prefix netip.Prefix
}

var types = []string{"local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"}

// methods by dialect; what is not listed for PgBouncer it refuses.
var methods = map[Dialect][]string{
	PostgreSQL: {"trust", "reject", "scram-sha-256", "md5", "password", "gss", "sspi", "ident", "peer", "pam", "ldap", "radius", "cert", "bsd", "oauth"},
	PgBouncer:  {"trust", "reject", "scram-sha-256", "md5", "password", "peer", "cert", "pam", "ldap"},
}

// Parse reads a line. A line without a rule, blank or a comment, is nil. The error is an *Error.
func Parse(text string, d Dialect) (*Line, error) {
	if i := strings.IndexByte(strings.TrimRight(text, "\r\n"), '\n'); i >= 0 {
		return nil, fail(i, "want one rule in a line")
	}
	fields, err := split(text)
	if err != nil || len(fields) == 0 {
		return nil, err
	}
	p := &parser{dialect: d, fields: fields, end: len(text)}
	l := &Line{}
	for _, step := range []func(*Line) error{p.kind, p.databases, p.users, p.address, p.method, p.options} {
		if err := step(l); err != nil {
			return nil, err
		}
	}
	return l, nil
}

type parser struct {
	dialect Dialect
	fields  []field
	end     int // of the line
}

// take removes the next field.
func (p *parser) take(what string) (field, error) {
	if len(p.fields) == 0 {
		return field{}, fail(p.end, "the line ends before the %s", what)
	}
	f := p.fields[0]
	p.fields = p.fields[1:]
	return f, nil
}

// single is take for a column that is no list.
func (p *parser) single(what string) (field, error) {
	f, err := p.take(what)
	if err == nil && !f.one() {
		err = fail(f.at, "want one %s, got a list", what)
	}
	return f, err
}

func (p *parser) kind(l *Line) error {
	f, err := p.single("type")
	if err != nil {
		return err
	}
	l.Type = f.text()
	switch {
	case strings.HasPrefix(l.Type, "include") || strings.HasPrefix(l.Type, "@"):
		return fail(f.at, "%q reads another file, which is not known here: write its rules instead", l.Type)
	case !slices.Contains(types, l.Type):
		return fail(f.at, "want one of %s, got %q", strings.Join(types, ", "), l.Type)
	case p.dialect == PgBouncer && strings.Contains(l.Type, "gss"):
		return fail(f.at, "PgBouncer knows no %s", l.Type)
	}
	return nil
}

// names takes a column of databases or roles.
func (p *parser) names(l *Line, what string) ([]Token, error) {
	f, err := p.take(what)
	if err != nil {
		return nil, err
	}
	for _, w := range f.words {
		switch {
		case w.Text == "" || !w.Quoted && w.Text == "+":
			return nil, fail(f.at, "the %s is empty", what)
		case !w.Quoted && w.Text[0] == '@':
			return nil, fail(f.at, "%q reads another file, which is not known here: write the names instead", w.Text)
		case w.Text[0] == '/':
			if err := l.pattern(f.at, w.Text); err != nil {
				return nil, err
			}
		}
	}
	return f.words, nil
}

// pattern keeps a regular expression. PostgreSQL's language has more than Go's: what Go does not
// understand is taken for one that may match anything.
func (l *Line) pattern(at int, text string) error {
	if len(text) == 1 {
		return fail(at, "the regular expression is empty")
	}
	if re, err := regexp.Compile(text[1:]); err == nil {
		if l.patterns == nil {
			l.patterns = map[string]*regexp.Regexp{}
		}
		l.patterns[text] = re
	}
	return nil
}

func (p *parser) databases(l *Line) (err error) {
	l.Databases, err = p.names(l, "database")
	return err
}

func (p *parser) users(l *Line) (err error) {
	at := p.end
	if len(p.fields) > 0 {
		at = p.fields[0].at
	}
	l.Users, err = p.names(l, "user")
	for _, u := range l.Users {
		if p.dialect == PgBouncer && !u.Quoted && u.Text[0] == '+' {
			return fail(at, "PgBouncer knows no members of %s: want names, or all", u.Text[1:])
		}
	}
	return err
}

func (p *parser) address(l *Line) error {
	if l.Type == "local" {
		return nil
	}
	f, err := p.single("address")
	if err != nil {
		return err
	}
	word := f.words[0]
	bare, masked := netip.ParseAddr(word.Text)
	switch {
	case word.is("all") || word.is("samehost") || word.is("samenet"):
		l.Addr.Word = word.Text
	case strings.Contains(word.Text, "/"):
		return p.prefix(l, f)
	case masked == nil:
		return p.mask(l, bare)
	case !isHostname(word.Text):
		return fail(f.at, "want an address with mask, the name of a host, or all, got %q", word.Text)
	default:
		l.Addr.Word = strings.ToLower(word.Text)
	}
	if p.dialect == PgBouncer && !word.is("all") {
		return fail(f.at, "PgBouncer knows no %q: want an address with mask, or all", word.Text)
	}
	return nil
}

func (p *parser) prefix(l *Line, f field) error {
	parsed, err := netip.ParsePrefix(f.text())
	if err != nil {
		return fail(f.at, "want an address with the length of its mask such as 10.0.0.0/8, got %q", f.text())
	}
	l.Addr.Prefix = parsed.Masked()
	return nil
}

// mask takes the column behind a bare address.
func (p *parser) mask(l *Line, a netip.Addr) error {
	f, err := p.single("mask of the address")
	if err != nil {
		return err
	}
	m, err := netip.ParseAddr(f.text())
	if err != nil || m.BitLen() != a.BitLen() {
		return fail(f.at, "want a mask such as 255.255.255.0 behind the address, got %q", f.text())
	}
	bits, ok := length(m.AsSlice())
	if !ok {
		return fail(f.at, "the mask %s has a hole", m)
	}
	l.Addr.Prefix = netip.PrefixFrom(a, bits).Masked()
	return nil
}

// length counts the ones at the beginning of a mask; not ok when there are others.
func length(mask []byte) (n int, ok bool) {
	ended := false
	for _, b := range mask {
		for bit := 7; bit >= 0; bit-- {
			one := b>>bit&1 == 1
			if one && ended {
				return 0, false
			}
			if ended = ended || !one; one {
				n++
			}
		}
	}
	return n, true
}

func isHostname(s string) bool {
	ok := len(s) > 0 && len(s) <= 253
	for _, c := range s {
		ok = ok && (c == '.' || c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	}
	return ok && strings.Trim(s, "0123456789.") != ""
}

func (p *parser) method(l *Line) error {
	f, err := p.single("method")
	if err != nil {
		return err
	}
	l.Method = f.text()
	switch {
	case !slices.Contains(methods[p.dialect], l.Method):
		return fail(f.at, "want one of %s, got %q", strings.Join(methods[p.dialect], ", "), l.Method)
	case l.Method == "peer" && l.Type != "local":
		return fail(f.at, "peer is for local rules only: want ident, or a password")
	case l.Method == "cert" && l.Type != "hostssl":
		return fail(f.at, "cert is for hostssl rules only")
	case l.Method == "ident" && l.Type == "local":
		l.Method = "peer" // as PostgreSQL takes it
	}
	return nil
}

func (p *parser) options(l *Line) error {
	for _, f := range p.fields {
		for _, w := range f.words {
			name, value, ok := strings.Cut(w.Text, "=")
			if !ok || name == "" {
				return fail(f.at, "want an option as name=value") // it may be a part of a password
			}
			if l.Options == nil {
				l.Options = map[string]string{}
			}
			l.Options[name] = value
		}
	}
	return nil
}
