package inventory

import "go/token"

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

// hold says why a scalar's text is not its value yet.
type hold uint8

const (
	ready      hold = iota
	expression      // Jinja
	vault           // Ansible vault ciphertext, which no key opened
	sealed          // a value of a SOPS file, which no key opened
	failed          // Jinja that has no value; list holds the cause

	// Of causes, whose text is the problem.

	illegible // Jinja that cannot be read
	broken    // its evaluation fails
	absent    // the same, because something is not defined
	denied    // the same, because it looks up what the configuration does not allow
	circular  // it refers to itself
	remote    // only the node knows it
	endless   // the chain that led to it is too long
)

// form is how a value was written, where that matters beyond its kind.
type form uint8

const (
	usual  form = iota
	unsafe      // text with the tag !unsafe, or inside something that has it
	stamp       // a date or a time of day, unquoted: its text is what Python prints
	lines       // a mapping in block style, each entry in lines of its own
)

// node is one YAML value: aliases followed, merge keys applied, keys unique.
type node struct {
	src       *source
	line, col int
	kind      Kind
	held      hold
	form      form
	secret    bool   // never to be shown: a password, or what was encrypted
	text      string // of a scalar, as written; of one that was encrypted, what was encrypted
	seal      *seal  // of a value that stands encrypted in the file; nil for all others
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

// firstHeld returns the first scalar in n that has no value, or nil.
func (n *node) firstHeld() *node { return n.first(func(n *node) bool { return n.held != ready }) }

// firstVault returns the first scalar in n that is not decrypted, or nil.
func (n *node) firstVault() *node { return n.first(func(n *node) bool { return n.held == vault }) }

// first returns the first part of n that is so, or nil. Only a held part is not looked into.
func (n *node) first(is func(*node) bool) *node {
	if is(n) {
		return n
	}
	if n.held != ready {
		return nil
	}
	for _, item := range n.list {
		if found := item.first(is); found != nil {
			return found
		}
	}
	for _, e := range n.entries {
		if found := e.value.first(is); found != nil {
			return found
		}
	}
	return nil
}
