package inventory

import (
	"errors"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/pigsync/pigsync/inventory/sops"
	vaults "github.com/pigsync/pigsync/inventory/vault"
)

// seal is what is known of a value that stands encrypted in the file.
type seal struct {
	cipher string // what stands in the file
	why    string // why it is not open; empty when it is
	broken bool   // it never will be: that is an error already
}

// unseal returns the plain text of a file that ansible-vault has encrypted as a whole; other files
// are returned as they are. What is said of it has its places in the plain text, as ansible-vault
// edit shows it. Without a key the error is a Problem.
func (l *loader) unseal(src *source, text []byte) ([]byte, error) {
	if !vaults.Is(text) {
		return text, nil
	}
	plain, err := l.openVault(text)
	switch {
	case errors.Is(err, vaults.ErrKey):
		return nil, l.closed(src, err)
	case err != nil:
		return nil, refuse(src, 1, 1, CodeBroken, "%v", err)
	}
	src.sealed = true
	return plain, nil
}

// closed says that a file is not open. Of a file of variables that is a warning where nobody is
// expected to have the key; of the inventory itself never, as then nothing is known.
func (l *loader) closed(src *source, err error) error {
	p := Problem{Pos: src.node(1, 1).pos(), Code: CodeVault, Msg: "this file is not open: " + err.Error()}
	if l.options.Keyless && src != l.src {
		p.Severity = Warning
		p.Msg = "this file is not open, and what it sets is taken for not set: " + err.Error()
	}
	return p
}

var errManyVaults = locked{"the inventory has more encrypted values than are opened: encrypt whole files of variables instead"}

func (l *loader) openVault(text []byte) ([]byte, error) {
	if l.vaults++; l.vaults > maxVaults {
		return nil, errManyVaults
	}
	return l.options.Keys.open(text)
}

// vault fills n with what a !vault value holds. It is text, whatever it looks like: Ansible neither
// types it nor hands it to Jinja.
func (c *converter) vault(n *node) {
	n.secret = true
	n.seal = &seal{cipher: n.text}
	plain, err := c.loader.openVault([]byte(n.text))
	switch {
	case errors.Is(err, vaults.ErrKey):
		n.held, n.seal.why = vault, err.Error()
	case err != nil:
		c.broken(n, err.Error())
	case !utf8.Valid(plain):
		c.broken(n, "what is encrypted here is no text in UTF-8")
	default:
		n.text = string(plain)
	}
}

func (c *converter) broken(n *node, why string) {
	n.held, n.seal.why, n.seal.broken = vault, why, true
	c.problems.errorf(n, CodeBroken, "%s", why)
}

// openSOPS opens the values of a SOPS file in their places; other files are left alone. Without a key
// the values stay closed, and one warning says so: the names and the structure are there to be read.
func (l *loader) openSOPS(src *source, doc *yaml.Node) error {
	if !sops.Is(doc) {
		return nil
	}
	src.sops = true
	ciphers := map[*yaml.Node]string{}
	remember(doc, ciphers)
	opened, err := sops.Open(doc, l.options.Keys.ofSOPS())
	var wrong *sops.Error
	switch {
	case errors.Is(err, sops.ErrKey) && errors.As(err, &wrong):
		l.problems.add(Problem{
			Pos: src.node(wrong.Line, wrong.Column).pos(), Severity: Warning, Code: CodeSOPS,
			Msg: "the values of this file are not open: " + wrong.Msg,
		})
		opened = sops.Lock(doc)
	case errors.As(err, &wrong):
		return refuse(src, wrong.Line, wrong.Column, CodeChanged, "%s", wrong.Msg)
	case err != nil:
		return refuse(src, 1, 1, CodeChanged, "%v", err)
	}
	l.sops = make(map[*yaml.Node]*seal, len(opened))
	for _, y := range opened {
		l.sops[y] = &seal{cipher: ciphers[y]}
		if err != nil {
			l.sops[y].why = "no key at hand opens this SOPS file"
		}
	}
	return nil
}

// remember notes the texts of a tree, before they are opened.
func remember(y *yaml.Node, ciphers map[*yaml.Node]string) {
	if y.Kind == yaml.ScalarNode && sops.Sealed(y.Value) {
		ciphers[y] = y.Value
	}
	for _, child := range y.Content {
		remember(child, ciphers)
	}
}

// sopsValue marks a value that stands encrypted in a SOPS file. It reports whether that is all that
// can be said of it: that it is closed.
func (c *converter) sopsValue(n *node, y *yaml.Node) bool {
	if n.seal = c.loader.sops[y]; n.seal == nil {
		return false
	}
	n.secret = true
	if n.seal.why != "" {
		n.held = sealed
	}
	return n.held == sealed
}

func (n *node) broken() bool { return n.seal != nil && n.seal.broken }

// heldCode is the code of problems with a value that cannot be evaluated.
func heldCode(n *node) string {
	switch n.held {
	case vault:
		return CodeVault
	case sealed:
		return CodeSOPS
	}
	return CodeJinja
}

// heldText says why it cannot.
func heldText(n *node) string {
	if n.seal != nil {
		return n.seal.why
	}
	return "expression is not evaluated yet"
}

// unknown reports whether nothing more is to be said of a value that is closed: nobody is expected
// to have its key, or it is broken.
func (n *node) unknown() bool {
	if n.held != vault && n.held != sealed {
		return false
	}
	return n.seal.broken || n.src != nil && n.src.options != nil && n.src.options.Keyless
}
