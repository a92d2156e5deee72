package inventory

import (
	"cmp"
	"go/token"
	"slices"
)

// source is one file.
type source struct {
	name    string
	end     [2]int   // line and column behind the last character; zero when not known
	marks   []mark   // sorted; complete after build
	group   string   // of which a whole file of variables speaks; empty for the inventory itself
	json    bool     // the file is JSON
	options *Options // of the Load that read it; nil for what no Load has read
	sealed  bool     // decrypted as a whole: nothing of it may be shown
	sops    bool     // a SOPS file, whose values stand encrypted in it
	kept    kept     // for Reload
	files   fileSet  // this file and those read with it
	plans   *plans   // of the inventory; nil for what no Load has read

	expressions *expressions // of the whole inventory; nil while it is being read
}

// fileSet is every file of one inventory by its name.
type fileSet map[string]*source

// newSource makes the source of a file that belongs to the set.
func (set fileSet) newSource(name string) *source {
	s := &source{name: name, files: set}
	set[name] = s
	return s
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

// sortMarks puts the marks in the order of the file; of several at one place the first counts.
func (s *source) sortMarks() {
	slices.SortStableFunc(s.marks, func(x, y mark) int {
		return cmp.Or(cmp.Compare(x.line, y.line), cmp.Compare(x.col, y.col))
	})
	s.marks = slices.CompactFunc(s.marks, func(x, y mark) bool { return x.line == y.line && x.col == y.col })
}

// groupAt returns the innermost group whose block holds the position, in whichever file of the
// inventory that is; empty outside of all.
func (s *source) groupAt(pos token.Position) string {
	if pos.Filename != s.name {
		if other := s.files[pos.Filename]; other != nil {
			return other.groupAt(pos)
		}
		return ""
	}
	i, exact := slices.BinarySearchFunc(s.marks, pos, mark.compare)
	switch {
	case exact:
		return s.marks[i].group
	case i == 0:
		return s.group
	}
	return s.marks[i-1].group
}

// place is the beginning of a file, also of one that was not read.
func (fileSet) place(name string) token.Position {
	return token.Position{Filename: name, Line: 1, Column: 1}
}
