package inventory

import (
	"cmp"
	"slices"
	"strings"
)

// shortSecret is the length below which a decrypted text is too common to be told from others.
const shortSecret = 6

// Discreet hides in a text what was decrypted for this inventory: a value of a vault or of a SOPS file may
// stand where no password is expected, and what is said of it may quote it. What also stands openly in the
// inventory is no secret, nor is a number or a word of few letters.
func (inv *Inventory) Discreet(text string) string {
	for _, s := range inv.hidden {
		text = strings.ReplaceAll(text, s, mask)
	}
	return text
}

// discreet returns the problems with what was decrypted hidden.
func (inv *Inventory) discreet(problems []Problem) []Problem {
	for i := range problems {
		problems[i].Msg = inv.Discreet(problems[i].Msg)
	}
	return problems
}

// hide gathers what was decrypted, the longest first, so that no part of one is left.
func (b *builder) hide() {
	f := &finder{closed: map[string]bool{}, open: map[string]bool{}}
	for _, g := range b.groups {
		f.open[g.Name] = true
	}
	for _, h := range b.known {
		f.open[h.Addr] = true
	}
	b.eachLayer(func(at *layer) {
		for _, e := range at.entries {
			f.open[e.key.text] = true // names are no secrets, wherever they stand
			f.visit(e.value)
		}
	})
	for text := range f.closed {
		if !f.open[text] {
			b.inv.hidden = append(b.inv.hidden, text)
		}
	}
	slices.SortFunc(b.inv.hidden, func(x, y string) int { return cmp.Or(len(y)-len(x), strings.Compare(x, y)) })
}

// finder tells the texts that were decrypted from those that everybody can read.
type finder struct{ closed, open map[string]bool }

func (f *finder) visit(n *node) {
	if n.held == ready && n.kind == String {
		switch sealed := n.seal != nil || n.src.sealed; {
		case !sealed:
			f.open[n.text] = true
		case len(n.text) >= shortSecret:
			f.closed[n.text] = true
		}
	}
	for _, item := range n.list {
		f.visit(item)
	}
	for _, e := range n.entries {
		if !e.key.secret {
			f.open[e.key.text] = true
		}
		f.visit(e.value)
	}
}
