package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// draft is a text that is being edited, with what it says.
type draft struct {
	src     *source
	text    []byte
	root    *yaml.Node
	tree    *node
	faults  int                       // problems of the YAML, such as keys given twice
	aliases map[*yaml.Node]*yaml.Node // from what has an anchor to the first alias of it
	lines   []int                     // the offset of each line
}

func readDraft(name string, text []byte) (*draft, error) {
	d := &draft{src: &source{name: name}, text: text, aliases: map[*yaml.Node]*yaml.Node{}}
	var err error
	if d.root, err = parse(d.src, text); err != nil {
		return nil, err
	}
	problems := &collector{src: d.src}
	if d.tree, err = convert(d.src, d.root, problems); err != nil {
		return nil, err
	}
	d.faults = len(problems.list) + problems.skipped
	d.findAliases(d.root)
	d.lines = lineOffsets(text)
	return d, nil
}

func (d *draft) findAliases(n *yaml.Node) {
	if n.Kind == yaml.AliasNode && d.aliases[n.Alias] == nil {
		d.aliases[n.Alias] = n
	}
	for _, child := range n.Content {
		d.findAliases(child)
	}
}

// lineOffsets returns where each line begins, as YAML counts lines.
func lineOffsets(text []byte) []int {
	offsets := []int{0}
	var last rune
	for i, r := range string(text) {
		if isBreak(r) && (r != '\n' || last != '\r') {
			offsets = append(offsets, i+utf8.RuneLen(r))
		} else if r == '\n' {
			offsets[len(offsets)-1] = i + 1
		}
		last = r
	}
	return offsets
}

// offset returns where in the text a line and column are.
func (d *draft) offset(line, col int) int {
	at := d.lines[min(line, len(d.lines))-1]
	for c := 1; c < col && at < len(d.text); {
		r, size := utf8.DecodeRune(d.text[at:])
		if r != 0xFEFF {
			c++
		}
		at += size
	}
	if at == 0 && strings.HasPrefix(string(d.text[:min(3, len(d.text))]), "\ufeff") {
		at = len("\ufeff")
	}
	return at
}

// step leads from a mapping to a value, or from a list to an item.
type step struct {
	key   string
	index int
	item  bool
}

// trail is the way from the root to a value, told from its end.
type trail struct {
	before *trail
	last   step
}

func (t *trail) steps() []step {
	var steps []step
	for ; t.before != nil; t = t.before {
		steps = append(steps, t.last)
	}
	slices.Reverse(steps)
	return steps
}

// positions returns the way to whatever begins at a line and column; where several begin, to the
// innermost one.
func (d *draft) positions() map[[2]int]*trail {
	index := map[[2]int]*trail{}
	var visit func(n *yaml.Node, at *trail)
	visit = func(n *yaml.Node, at *trail) {
		index[[2]int{n.Line, n.Column}] = at
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				below := &trail{at, step{key: n.Content[i].Value}}
				visit(n.Content[i+1], below)
				index[[2]int{n.Content[i].Line, n.Content[i].Column}] = below
			}
		case yaml.SequenceNode:
			for i, item := range n.Content {
				visit(item, &trail{at, step{index: i, item: true}})
			}
		}
	}
	visit(d.root, &trail{})
	return index
}

// slot is where an edit is made: a value with its key, or an item of a list, or the whole.
type slot struct {
	parent, key, value *yaml.Node
	index              int          // of the value among the items of its parent, or of the pair
	way                []*yaml.Node // the containers that lead here, the value itself last
}

// through reports whether one of the containers was touched.
func (p slot) through(touched map[*yaml.Node]bool) bool {
	return slices.ContainsFunc(p.way, func(n *yaml.Node) bool { return touched[n] })
}

// container returns where an edit makes something come or go; nil for one that does neither.
func (p slot) container(op operation) *yaml.Node {
	switch op {
	case opDelete, opLift:
		return p.parent
	case opInsert, opAppend:
		return p.value
	}
	return nil
}

// walk goes the steps from the root. It refuses a way through anything that an alias elsewhere
// stands for too.
func (d *draft) walk(steps []step) (slot, error) {
	at := slot{value: d.root, way: []*yaml.Node{d.root}}
	for _, s := range steps {
		if err := d.shared(at.value); err != nil {
			return at, err
		}
		next, err := into(at.value, s)
		if err != nil {
			return at, err
		}
		next.way = append(at.way, next.value)
		at = next
	}
	return at, d.shared(at.value)
}

// shared says who else has a value.
func (d *draft) shared(n *yaml.Node) error {
	if alias := d.aliases[n]; alias != nil {
		return fmt.Errorf("this is &%s, and would also change *%s at %s: edit it by hand",
			n.Anchor, n.Anchor, d.src.node(alias.Line, alias.Column).pos())
	}
	return nil
}

// into makes one step.
func into(n *yaml.Node, s step) (slot, error) {
	switch {
	case n.Kind == yaml.AliasNode:
		return slot{}, fmt.Errorf("this is what *%s stands for: edit it by hand", n.Value)
	case s.item && n.Kind == yaml.SequenceNode && s.index < len(n.Content):
		return slot{parent: n, value: n.Content[s.index], index: s.index}, nil
	case s.item:
		return slot{}, fmt.Errorf("there is no item %d", s.index)
	case n.Kind != yaml.MappingNode:
		return slot{}, fmt.Errorf("there is no key %s", quoteKey(s.key))
	}
	found := -1
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == s.key && n.Content[i].Kind == yaml.ScalarNode {
			if found >= 0 {
				return slot{}, fmt.Errorf("the key %s is there twice", quoteKey(s.key))
			}
			found = i
		}
	}
	if found < 0 {
		return slot{}, missing(n, s.key)
	}
	return slot{parent: n, key: n.Content[found], value: n.Content[found+1], index: found}, nil
}

func missing(n *yaml.Node, key string) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			return fmt.Errorf("the key %s is not written here, though << may bring it: edit it by hand", quoteKey(key))
		}
	}
	return fmt.Errorf("there is no key %s", quoteKey(key))
}

var errPath = errors.New("a path is keys with dots between them, and numbers of items in brackets")

// parsePath reads a path against the draft: of the keys that fit, the longest.
func (d *draft) parsePath(path string) ([]step, error) {
	var steps []step
	n, rest := d.root, path
	for rest != "" {
		s, tail, err := cutStep(n, rest)
		if err != nil {
			return nil, err
		}
		next, err := into(n, s)
		if err != nil {
			return nil, err
		}
		steps, n, rest = append(steps, s), next.value, tail
	}
	return steps, nil
}

func cutStep(n *yaml.Node, path string) (step, string, error) {
	if strings.HasPrefix(path, "[") {
		return cutIndex(path)
	}
	best := -1
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		tail, ok := strings.CutPrefix(path, key)
		if ok && len(key) > best && (tail == "" || tail[0] == '.' || tail[0] == '[') {
			best = len(key)
		}
	}
	if best < 0 {
		best = len(path)
		if i := strings.IndexAny(path[1:], ".["); i >= 0 {
			best = i + 1
		}
	}
	return step{key: path[:best]}, strings.TrimPrefix(path[best:], "."), nil
}

func cutIndex(path string) (step, string, error) {
	digits, tail, closed := strings.Cut(path[1:], "]")
	index, ok := bigInt(digits)
	if !closed || !ok || !index.IsInt64() || index.Sign() < 0 {
		return step{}, "", errPath
	}
	return step{index: int(index.Int64()), item: true}, strings.TrimPrefix(tail, "."), nil
}
