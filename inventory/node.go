package inventory

import (
	"cmp"
	"go/token"
	"slices"
)

// Kind is the type of a value, as Ansible's YAML reader takes it.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	Bool
	Int
	Float
	String
	List
	Map
)

// String names the kind as problems do: "a list", "text".
func (k Kind) String() string {
	return [...]string{"nothing", "a boolean", "a whole number", "a number", "text", "a list", "a mapping"}[k]
}

// source is one file. Everything read from it shares what was learned about Go types (bindplan.go).
type source struct {
	name  string
	end   [2]int // line and column behind the last character; zero when not known
	plans plans
	marks []mark // sorted; complete after build
}

// node makes a node at a place, which lies inside the file: the YAML library puts what is not
// written, such as the document behind a lone ---, on a line that may not exist.
func (s *source) node(line, col int) *node {
	if s.end[0] > 0 && (line > s.end[0] || line == s.end[0] && col > s.end[1]) {
		line, col = s.end[0], s.end[1]
	}
	return &node{src: s, line: line, col: col}
}

// mark says that from here on, up to the next mark, the file speaks of a group.
type mark struct {
	line, col int
	group     string
}

func (m mark) compare(pos token.Position) int {
	return cmp.Or(cmp.Compare(m.line, pos.Line), cmp.Compare(m.col, pos.Column))
}

// groupAt returns the innermost group whose block holds the position; empty outside of all.
func (s *source) groupAt(pos token.Position) string {
	if pos.Filename != s.name {
		return ""
	}
	i, exact := slices.BinarySearchFunc(s.marks, pos, mark.compare)
	switch {
	case exact:
		return s.marks[i].group
	case i == 0:
		return ""
	}
	return s.marks[i-1].group
}

// hold says why a scalar's text is not its value yet.
type hold uint8

const (
	ready      hold = iota
	expression      // Jinja
	vault           // Ansible vault ciphertext
)

// node is one YAML value: aliases followed, merge keys applied, keys unique.
type node struct {
	src       *source
	line, col int
	kind      Kind
	held      hold
	secret    bool   // never to be shown: a password, or what was encrypted
	text      string // of a scalar, as written
	list      []*node
	entries   []entry // of a mapping, in the order of the file
}

type entry struct{ key, value *node }

func (n *node) pos() token.Position {
	if n == nil {
		return token.Position{}
	}
	return token.Position{Filename: n.src.name, Line: n.line, Column: n.col}
}

// get returns the value of a key, or nil.
func (n *node) get(key string) (entry, bool) {
	for _, e := range n.entries {
		if e.key.text == key {
			return e, true
		}
	}
	return entry{}, false
}

// firstHeld returns the first scalar in n that cannot be evaluated yet, or nil.
func (n *node) firstHeld() *node {
	if n.held != ready {
		return n
	}
	for _, item := range n.list {
		if found := item.firstHeld(); found != nil {
			return found
		}
	}
	for _, e := range n.entries {
		if found := e.value.firstHeld(); found != nil {
			return found
		}
	}
	return nil
}
