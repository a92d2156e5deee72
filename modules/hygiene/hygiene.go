package hygiene

import (
	"fmt"
	"go/token"
	"strings"
	"unicode/utf8"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/manual"
)

// The codes of what is found.
const (
	CodeDefault = "HYG001" // a default password, left in place
	CodeWeak    = "HYG002" // a password that is guessed soon
	CodeReused  = "HYG003" // one password for several purposes
	CodePlain   = "HYG004" // a password that whoever reads the file can read
)

// fewest is how many characters a password has at least.
const fewest = 8

// Check warns of the secrets that deserve it, each place once.
func Check(inv *inventory.Inventory, m *manual.Manual) []inventory.Problem {
	c := &checker{inv: inv, known: wellKnown(m), seen: map[token.Position]bool{}, first: map[string]secret{}}
	for _, p := range m.All() {
		if holdsSecrets(p) {
			c.parameter(p)
		}
	}
	return inventory.Sort(c.problems)
}

type checker struct {
	inv      *inventory.Inventory
	known    map[string]bool
	problems []inventory.Problem
	seen     map[token.Position]bool
	first    map[string]secret // by text: where it was met first
}

// parameter looks at what a parameter is on every host, written or not.
func (c *checker) parameter(p manual.Parameter) {
	var unset []string
	for _, h := range c.inv.Hosts() {
		v, ok := h.Lookup(p.Name)
		if !ok {
			if c.counts(p, h) {
				unset = append(unset, h.Addr)
			}
			continue
		}
		for _, s := range secretsIn(p.Type, v, p.Name, userOf(h, p.Name)) {
			c.judge(s)
		}
	}
	if len(unset) > 0 {
		c.warn(c.inv.All().Pos, CodeDefault, "%s: is not set, so it is the default that everybody knows, on %s", p.Name, listed(unset))
	}
}

// counts reports whether the default of a parameter matters on a host.
func (c *checker) counts(p manual.Parameter, h *inventory.Host) bool {
	return !p.Legacy && hasModule(h, p.Module) && len(initialSecrets(p, h)) > 0
}

func listed(addrs []string) string {
	switch n := len(addrs); n {
	case 1:
		return addrs[0]
	case 2:
		return addrs[0] + " and " + addrs[1]
	default:
		return fmt.Sprintf("%s and %d more hosts", addrs[0], n-1)
	}
}

func (c *checker) judge(s secret) {
	if c.seen[s.pos] || s.text == "" || s.harmless() {
		return
	}
	c.seen[s.pos] = true
	switch {
	case c.known[s.text] || sample(s.text):
		c.warn(s.pos, CodeDefault, "%s: is a password that everybody knows: it stands in the documentation", s.name)
		return
	case strings.EqualFold(s.text, s.user):
		c.warn(s.pos, CodeWeak, "%s: is the name of its user", s.name)
	case common[strings.ToLower(s.text)]:
		c.warn(s.pos, CodeWeak, "%s: is among the first that are tried", s.name)
	case utf8.RuneCountInString(s.text) < fewest:
		c.warn(s.pos, CodeWeak, "%s: is too short: want at least %d characters", s.name, fewest)
	}
	c.reused(s)
	if s.open && !hashed(s.text) {
		c.warn(s.pos, CodePlain, "%s: stands in plain text: want it in a vault, a SOPS file, or behind env: or file:", s.name)
	}
}

func (c *checker) reused(s secret) {
	other, met := c.first[s.text]
	if !met {
		c.first[s.text] = s
		return
	}
	if other.purpose() != s.purpose() {
		c.warn(s.pos, CodeReused, "%s: is the same as %s (%s): want one for each purpose", s.name, other.name, other.pos)
	}
}

func (c *checker) warn(pos token.Position, code, format string, args ...any) {
	c.problems = append(c.problems, inventory.Problem{
		Pos: pos, Severity: inventory.Warning, Code: code, Msg: fmt.Sprintf(format, args...), Group: c.inv.GroupAt(pos),
	})
}

// common are tried before anything else is.
var common = map[string]bool{
	"password": true, "passw0rd": true, "p@ssw0rd": true, "changeme": true, "change_me": true, "secret": true, "postgres": true,
	"pigsty": true, "admin": true, "administrator": true, "root": true, "qwerty": true, "letmein": true, "12345678": true,
	"123456789": true, "1234567890": true, "minioadmin": true, "dbuser_dba": true, "replicator": true, "welcome1": true,
}

// sample reports whether the text is made like the passwords of the sample inventories.
func sample(text string) bool {
	return strings.HasPrefix(text, "DBUser.") || strings.HasPrefix(text, "S3User.")
}

// hashed reports whether the text is no password but what is kept of one.
func hashed(text string) bool {
	return strings.HasPrefix(text, "SCRAM-SHA-256$") || strings.HasPrefix(text, "md5") && len(text) == 35
}
