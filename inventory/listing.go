package inventory

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Listing prints an inventory as ansible-inventory prints it: what is written, expressions and
// vault values included, in JSON. What was decrypted is never printed.
type Listing struct {
	Mask bool // print no value of a parameter that holds a secret
}

// internal are variables that Ansible sets itself and does not list.
var internal = map[string]bool{
	"ansible_diff_mode": true, "ansible_config_file": true, "ansible_facts": true, "ansible_forks": true,
	"ansible_inventory_sources": true, "ansible_limit": true, "ansible_playbook_python": true,
	"ansible_run_tags": true, "ansible_skip_tags": true, "ansible_verbosity": true, "ansible_version": true,
	"inventory_dir": true, "inventory_file": true, "inventory_hostname": true, "inventory_hostname_short": true,
	"groups": true, "group_names": true, "omit": true, "playbook_dir": true,
}

// List writes the groups, and the variables of every host, as ansible-inventory --list does.
func (l Listing) List(w io.Writer, inv *Inventory) error {
	p := newPrinter(w, l)
	groups := inv.nonEmpty()
	p.open('{')
	for _, name := range slices.Sorted(slices.Values(append(groups, metaKey))) {
		p.key(name)
		if name == metaKey {
			p.meta(inv)
		} else {
			p.group(inv.named[name])
		}
	}
	p.close('}')
	return p.end()
}

const metaKey = "_meta"

// Host writes the variables of one host as ansible-inventory --host does.
func (l Listing) Host(w io.Writer, inv *Inventory, name string) error {
	i := slices.IndexFunc(inv.known, func(h *Host) bool { return h.Addr == name })
	if i < 0 {
		return fmt.Errorf("no host %s", quoteKey(name))
	}
	p := newPrinter(w, l)
	p.vars(inv.known[i])
	return p.end()
}

// nonEmpty names the groups that have a host of their own or a child.
func (inv *Inventory) nonEmpty() []string {
	var names []string
	for name, g := range inv.named {
		if len(g.children) > 0 || len(g.direct) > 0 && g != inv.all {
			names = append(names, name)
		}
	}
	return names
}

// printer writes JSON as Python's json module does, sorted and indented by four.
type printer struct {
	Listing
	w      *bufio.Writer
	depth  int
	flat   bool // all on one line
	first  bool // nothing was written yet between the innermost brackets
	chains map[**Group][]entry
	values map[*node]string
	aside  *printer // writes the texts of values; nil as long as none was written
}

// maxValues is how many texts are remembered: hosts that stand together mostly have the same.
const maxValues = 1 << 12

func newPrinter(w io.Writer, l Listing) *printer {
	return &printer{Listing: l, w: bufio.NewWriterSize(w, 1<<16), chains: map[**Group][]entry{}, values: map[*node]string{}}
}

// end ends the text. Errors of all writes before come out here.
func (p *printer) end() error {
	p.put("\n")
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("print inventory: %w", err)
	}
	return nil
}

// put writes; the writer keeps an error until it is flushed.
func (p *printer) put(s string) { _, _ = p.w.WriteString(s) }

func (p *printer) open(bracket byte) {
	p.put(string(bracket))
	p.depth++
	p.first = true
}

func (p *printer) close(bracket byte) {
	p.depth--
	if !p.first {
		p.line()
	}
	p.put(string(bracket))
	p.first = false
}

const blanks = "                                                                "

func (p *printer) line() {
	if p.flat {
		return
	}
	p.put("\n")
	for n := 4 * p.depth; n > 0; n -= len(blanks) {
		p.put(blanks[:min(n, len(blanks))])
	}
}

// item begins the next item between the innermost brackets.
func (p *printer) item() {
	if !p.first {
		p.put(",")
	}
	if p.flat && !p.first {
		p.put(" ")
	}
	p.first = false
	p.line()
}

func (p *printer) key(text string) {
	p.item()
	p.text(text)
	p.put(": ")
}

func (p *printer) meta(inv *Inventory) {
	p.open('{')
	p.key("hostvars")
	p.open('{')
	hosts := slices.Clone(inv.known)
	slices.SortFunc(hosts, func(x, y *Host) int { return strings.Compare(x.Addr, y.Addr) })
	for _, h := range hosts {
		if p.any(h) {
			p.key(h.Addr)
			p.vars(h)
		}
	}
	p.close('}')
	p.close('}')
}

func (p *printer) group(g *Group) {
	p.open('{')
	if len(g.children) > 0 {
		p.key("children")
		p.names(len(g.children), func(i int) string { return g.children[i].Name })
	}
	if len(g.direct) > 0 && g != g.inv.all {
		p.key("hosts")
		p.names(len(g.direct), func(i int) string { return g.direct[i].Addr })
	}
	p.close('}')
}

func (p *printer) names(count int, name func(int) string) {
	p.open('[')
	for i := range count {
		p.item()
		p.text(name(i))
	}
	p.close(']')
}

// any reports whether the host has variables that are listed.
func (p *printer) any(h *Host) bool {
	shared, own := p.sets(h)
	return len(shared) > 0 || len(own) > 0
}

// vars writes the variables of a host: those of its groups, with its own in their place.
func (p *printer) vars(h *Host) {
	shared, own := p.sets(h)
	p.open('{')
	for len(shared)+len(own) > 0 {
		order := 0
		switch {
		case len(shared) == 0:
			order = 1
		case len(own) == 0:
			order = -1
		default:
			order = compareKeys(shared[0].key, own[0].key)
		}
		if order < 0 {
			p.shared(shared[0])
		} else {
			p.pair(own[0].key, own[0].value)
			own = own[1:]
		}
		if order <= 0 {
			shared = shared[1:]
		}
	}
	p.close('}')
}

// sets returns the variables that a host has through its groups and those that it has itself.
func (p *printer) sets(h *Host) (shared, own []entry) {
	shared, ok := p.chains[&h.chain[0]]
	if !ok {
		var layers []layer
		for _, blocks := range slices.Backward(strength[:]) {
			for _, g := range h.chain {
				layers = append(layers, blocks(g)...)
			}
		}
		shared = merged(layers)
		p.chains[&h.chain[0]] = shared
	}
	layers := make([]layer, 0, len(h.mentions)+len(h.files)+1)
	if h.port != "" {
		layers = append(layers, newLayer([]entry{{&node{kind: String, text: "ansible_port"}, &node{kind: Int, text: h.port}}}))
	}
	for _, m := range h.mentions {
		layers = append(layers, m.vars)
	}
	return shared, merged(append(layers, h.files...))
}

// merged returns what the layers say together, sorted; the last one wins.
func merged(layers []layer) []entry {
	var all []entry
	for _, l := range layers {
		all = append(all, l.written()...)
	}
	slices.SortStableFunc(all, func(x, y entry) int { return compareKeys(x.key, y.key) })
	kept := all[:0]
	for i, e := range all {
		if i+1 < len(all) && compareKeys(e.key, all[i+1].key) == 0 || internal[e.key.text] {
			continue
		}
		kept = append(kept, e)
	}
	return kept
}

// shared writes an entry that many hosts have: its text is made once.
func (p *printer) shared(e entry) {
	text, ok := p.values[e.value]
	if !ok {
		if len(p.values) >= maxValues {
			clear(p.values)
		}
		text = p.written(e)
		p.values[e.value] = text
	}
	if !p.first {
		p.put(",")
	}
	p.first = false
	p.put(text)
}

// written is the text of an entry at the present depth.
func (p *printer) written(e entry) string {
	var b strings.Builder
	if p.aside == nil {
		p.aside = &printer{Listing: p.Listing, w: bufio.NewWriter(&b)}
	}
	p.aside.w.Reset(&b)
	p.aside.depth, p.aside.first = p.depth, true
	p.aside.pair(e.key, e.value)
	_ = p.aside.w.Flush() // a Builder takes everything
	return b.String()
}
