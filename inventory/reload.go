package inventory

import (
	"bytes"
	"io/fs"
	"slices"

	"gopkg.in/yaml.v3"
)

// Reload is LoadWith for somebody who has an earlier state of the same inventory: what was not
// edited since is not parsed again. The result is that of LoadWith in every respect, and the
// earlier Inventory stays as it is.
//
// What lies between the first and the last changed line is parsed alone, with the entries of the
// innermost block mapping around it. Where that could mean something else than in its place (an
// anchor, an alias, a vault, a problem of the YAML), the whole file is parsed.
func Reload(prev *Inventory, fsys fs.FS, name string, options Options) (*Inventory, []Problem, error) {
	l := newLoader(fsys, name, options)
	if prev != nil {
		l.prev, l.groups, l.hosts = prev, len(prev.named), len(prev.known)
		l.src.plans = prev.src.plans
	}
	return l.load()
}

// kept is what a source remembers for Reload.
type kept struct {
	text       []byte
	root       *node
	nodes      int // in the tree
	indicators int // in the text, as checkText counts them
	simple     bool
}

// keep remembers a file. It is simple when each part of it means the same wherever it stands.
func (s *source) keep(text []byte, root *node, nodes int, simple bool) {
	s.kept = kept{text: text, root: root, nodes: nodes, indicators: s.kept.indicators, simple: simple}
}

// plainBreaks reports whether lines end with a line feed only, and no line begins or ends a document.
func plainBreaks(text []byte) bool {
	if bytes.ContainsAny(text, "\r\u0085\u2028\u2029\ufeff") {
		return false
	}
	return !bytes.Contains(text, []byte("\n---")) && !bytes.Contains(text, []byte("\n...")) && !bytes.Contains(text, []byte("\n%"))
}

func plainTree(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		return false
	}
	for _, child := range n.Content {
		if !plainTree(child) {
			return false
		}
	}
	return true
}

// again makes the tree of a file from what is remembered of it; not when that is not possible.
func (l *loader) again(src *source, text []byte) (*node, bool) {
	old := l.remembered(src.name)
	if !old.simple || old.root.kind != Map {
		return nil, false
	}
	r := &reader{loader: l, src: src, old: old, text: text}
	src.end = endOf(text)
	if bytes.Equal(r.old.text, text) {
		return r.finish(r.old.nodes, r.old.indicators)
	}
	r.compare()
	if !r.find(r.old.root, 1, lastLine(r.old.text)+1) {
		return nil, false
	}
	return r.replace()
}

// remembered is what is known of a file from before; not simple when it is nothing.
func (l *loader) remembered(name string) kept {
	switch {
	case l.prev == nil:
		return kept{}
	case name == l.prev.src.name:
		return *l.prev.read
	}
	if src := l.prev.src.files[name]; src != nil {
		return src.kept
	}
	return kept{}
}

func lastLine(text []byte) int { return 1 + bytes.Count(text, []byte("\n")) }

// endOf is the place behind a text whose lines end with line feeds.
func endOf(text []byte) [2]int {
	last := text[bytes.LastIndexByte(text, '\n')+1:]
	return [2]int{lastLine(text), 1 + len(bytes.Runes(last))}
}

// reader reads one file again.
type reader struct {
	*loader
	src  *source
	old  kept
	text []byte // the new one

	first, last int // the changed lines of the old text: from first up to, but without, last
	shift       int // of the lines behind

	path     []turn // from the root to the mapping around the change
	in       *node  // the mapping around the change
	level    int    // of nesting, of that mapping
	from, to int    // its entries that are read again
	end      int    // the line behind them, in the old text
	fresh    []entry
	nodes    int // in the tree, after the change
	marks    int // in the text, as checkText counts them
	slabs    slabs
}

// compare finds the changed lines.
func (r *reader) compare() {
	old, text := r.old.text, r.text
	same := 0
	for same < min(len(old), len(text)) && old[same] == text[same] {
		same++
	}
	begin := bytes.LastIndexByte(old[:same], '\n') + 1
	tail := 0
	for tail < min(len(old), len(text))-begin && old[len(old)-1-tail] == text[len(text)-1-tail] {
		tail++
	}
	behind := len(old) - tail
	if !beginsLine(old, behind) || !beginsLine(text, len(text)-tail) {
		next := bytes.IndexByte(old[behind:], '\n')
		if next < 0 {
			behind = len(old)
		} else {
			behind += next + 1
		}
	}
	r.first = lastLine(old[:begin])
	r.last = lastLine(old[:behind])
	if behind == len(old) {
		r.last = lastLine(old) + 1
	}
	r.shift = lastLine(text) - lastLine(old)
}

func beginsLine(text []byte, at int) bool { return at == 0 || text[at-1] == '\n' }

// find looks for the innermost mapping that holds the change, with an entry before it: what stands
// before a changed line may go on in it. The mapping ends before the line end.
func (r *reader) find(n *node, level, end int) bool {
	if n.kind != Map || n.form != lines || r.last > end {
		return false
	}
	from := -1
	for i, e := range n.entries {
		if e.key.line < r.first {
			from = i
		}
	}
	if from < 0 {
		return false
	}
	to := from + 1
	for to < len(n.entries) && n.entries[to].key.line < r.last {
		to++
	}
	if to < len(n.entries) {
		end = n.entries[to].key.line
	}
	if to == from+1 {
		r.path = append(r.path, turn{n, from})
		if r.find(n.entries[from].value, level+1, end) {
			return true
		}
		r.path = r.path[:len(r.path)-1]
	}
	r.in, r.level, r.from, r.to, r.end = n, level, from, to, end
	return true
}

// turn is one mapping on the way to the change, and the entry it goes through.
type turn struct {
	in *node
	at int
}

// replace puts the entries that were edited among the others.
func (r *reader) replace() (*node, bool) {
	if !r.parse() {
		return nil, false
	}
	return r.finish(r.nodes, r.marks)
}

// parse reads the entries that were edited; not when they could mean something else in their place.
func (r *reader) parse() bool {
	begin := r.in.entries[r.from].key.line
	part := r.lines(begin, r.end+r.shift)
	check := &source{name: r.src.name}
	doc, err := parseAny(check, part)
	if err != nil || doc == nil || !plainBreaks(part) || bytes.HasPrefix(part, []byte("---")) || !plainTree(doc) {
		return false
	}
	move(doc, begin-1)
	fresh, count, ok := r.entries(doc)
	if !ok || !r.distinct(fresh) {
		return false
	}
	r.fresh, r.nodes, r.marks = fresh, r.old.nodes+count, r.old.indicators+check.kept.indicators
	for _, e := range r.in.entries[r.from:r.to] {
		r.nodes -= e.key.size() + e.value.size()
	}
	return r.marks <= maxNodes && r.loader.nodes+r.nodes <= maxNodes
}

// lines returns the new text from one line up to another.
func (r *reader) lines(from, to int) []byte {
	rest, line := r.text, 1
	for ; line < from; line++ {
		rest = rest[bytes.IndexByte(rest, '\n')+1:]
	}
	length := 0
	for ; line < to; line++ {
		next := bytes.IndexByte(rest[length:], '\n')
		if next < 0 {
			return rest
		}
		length += next + 1
	}
	return rest[:length]
}

// move puts a tree where it stands in the whole file.
func move(n *yaml.Node, by int) {
	n.Line += by
	for _, child := range n.Content {
		move(child, by)
	}
}

// entries converts what was parsed, which is the same kind of mapping as the one it comes from.
func (r *reader) entries(doc *yaml.Node) (fresh []entry, count int, ok bool) {
	m := &meter{src: r.src, known: map[*yaml.Node]extent{}}
	if _, err := m.measure(doc, r.level); err != nil {
		return nil, 0, false
	}
	problems := &collector{src: r.src}
	c := &converter{loader: r.loader, src: r.src, problems: problems, secret: r.in.secret, done: map[*yaml.Node]*node{}}
	root := c.node(doc)
	if len(problems.list) > 0 || root.kind != Map || root.form != lines || root.entries[0].key.col != r.in.entries[0].key.col {
		return nil, 0, false
	}
	return root.entries, m.total - 1, true
}

// distinct reports whether no key of the mapping is given twice.
func (r *reader) distinct(fresh []entry) bool {
	seen := make(map[string]bool, len(r.in.entries))
	for _, part := range [][]entry{r.in.entries[:r.from], fresh, r.in.entries[r.to:]} {
		for _, e := range part {
			if seen[e.key.text] {
				return false
			}
			seen[e.key.text] = true
		}
	}
	return true
}

// finish copies the tree, remembers it, and counts what is in it.
func (r *reader) finish(nodes, indicators int) (*node, bool) {
	root := r.copied(r.old.root)
	r.loader.nodes += nodes
	r.src.kept = kept{text: r.text, root: root, nodes: nodes, indicators: indicators, simple: true}
	return root, r.loader.nodes <= maxNodes
}

// copied makes the node anew for the new file, as nodes know their file and their line.
func (r *reader) copied(n *node) *node {
	c := r.slabs.node()
	*c = *n
	c.src = r.src
	if r.end > 0 && c.line >= r.end {
		c.line += r.shift
	}
	if n.list != nil {
		c.list = make([]*node, len(n.list))
		for i, item := range n.list {
			c.list[i] = r.copied(item)
		}
	}
	if n.entries != nil {
		c.entries = r.copiedEntries(n)
	}
	return c
}

func (r *reader) copiedEntries(n *node) []entry {
	if n == r.in {
		entries := slices.Concat(n.entries[:r.from], r.fresh, n.entries[r.to:])
		for i := range entries {
			if i < r.from || i >= r.from+len(r.fresh) {
				entries[i] = entry{r.copied(entries[i].key), r.copied(entries[i].value)}
			}
		}
		return entries
	}
	entries := r.slabs.entries(len(n.entries))
	for i, e := range n.entries {
		entries[i] = entry{r.copied(e.key), r.copied(e.value)}
	}
	return entries
}

// slabs hand out memory for a tree in few pieces: the larger it gets, the larger are they.
type slabs struct {
	nodes []node
	piece int // how many nodes the last piece had
	pairs []entry
}

const slab = 1024

func (s *slabs) node() *node {
	if len(s.nodes) == 0 {
		s.piece = min(max(2*s.piece, 4), slab)
		s.nodes = make([]node, s.piece)
	}
	n := &s.nodes[0]
	s.nodes = s.nodes[1:]
	return n
}

func (s *slabs) entries(count int) []entry {
	if count > len(s.pairs) {
		s.pairs = make([]entry, max(slab, count))
	}
	taken := s.pairs[:count:count]
	s.pairs = s.pairs[count:]
	return taken
}

// size is how many values there are in the tree.
func (n *node) size() int {
	count := 1
	for _, item := range n.list {
		count += item.size()
	}
	for _, e := range n.entries {
		count += e.key.size() + e.value.size()
	}
	return count
}
