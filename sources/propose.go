package sources

import (
	"context"
	"errors"
	"io/fs"
	"strings"
)

// Merge is what merging a proposal would make of the branch that is followed, as far as the inventory goes.
type Merge struct {
	Base, Head string   // commits: of the branch, and of the proposal
	Tree       fs.FS    // nil when there are conflicts
	Changed    []string // files of the inventory that differ from the branch
	Conflicts  []string // files that both have changed in the same lines
}

// Merger shows what merging would make. It neither merges nor runs anything.
type Merger interface {
	// Merge fetches what a ref names, such as refs/pull/7/head, and merges it with the branch that is followed now.
	Merge(ctx context.Context, ref string) (Merge, error)
}

// Draft is a commit to put on a branch of its own, for people to review.
type Draft struct {
	Branch  string            // without refs/heads/
	On      string            // the commit it is made on
	Like    string            // a commit: the inventory becomes what it was there; "" keeps it
	Files   map[string][]byte // then these files of the inventory get these contents
	Message string
}

// Drafter pushes drafts. It never moves a branch that is there.
type Drafter interface {
	// Push makes the branch and returns its commit. It is ErrExists when there is such a branch.
	Push(ctx context.Context, d Draft) (commit string, err error)
}

// ErrExists means that there is a branch of that name already.
var ErrExists = errors.New("there is such a branch already")

// lines are the lines of a text, each with its end.
func lines(text string) []string {
	all := strings.SplitAfter(text, "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all
}

// MergeText merges what a and b made of base, line by line. It is not ok where both have changed lines that touch
// each other, unless they have changed them alike.
func MergeText(base, a, b string) (merged string, ok bool) {
	switch {
	case a == b, b == base:
		return a, true
	case a == base:
		return b, true
	}
	old := lines(base)
	inA, inB := kept(old, lines(a)), kept(old, lines(b))
	m := merging{old: old, a: lines(a), b: lines(b)}
	for i := range old {
		if inA[i] >= 0 && inB[i] >= 0 && !m.upTo(i, inA[i], inB[i]) {
			return "", false
		}
	}
	if !m.upTo(len(old), len(m.a), len(m.b)) {
		return "", false
	}
	return m.out.String(), true
}

// merging is a merge under way: all before these places is in out.
type merging struct {
	old, a, b []string
	o, x, y   int
	out       strings.Builder
}

// upTo merges what stands before a line that all three have, and takes that line.
func (m *merging) upTo(o, x, y int) bool {
	text, ok := chosen(strings.Join(m.old[m.o:o], ""), strings.Join(m.a[m.x:x], ""), strings.Join(m.b[m.y:y], ""))
	if !ok {
		return false
	}
	m.out.WriteString(text)
	if o < len(m.old) {
		m.out.WriteString(m.old[o])
	}
	m.o, m.x, m.y = o+1, x+1, y+1
	return true
}

func chosen(old, a, b string) (string, bool) {
	switch {
	case a == b, b == old:
		return a, true
	case a == old:
		return b, true
	}
	return "", false
}

// kept tells for each old line which new one it is, or -1: a longest common subsequence, found in the middle part
// that differs. Where that is too large to look through, nothing of it is kept, and so may conflict.
func kept(old, now []string) []int {
	const most = 16 << 20 // cells
	at := make([]int, len(old))
	for i := range at {
		at[i] = -1
	}
	head := 0
	for head < min(len(old), len(now)) && old[head] == now[head] {
		at[head] = head
		head++
	}
	tail := 0
	for tail < min(len(old), len(now))-head && old[len(old)-1-tail] == now[len(now)-1-tail] {
		at[len(old)-1-tail] = len(now) - 1 - tail
		tail++
	}
	a, b := old[head:len(old)-tail], now[head:len(now)-tail]
	if len(a) == 0 || len(b) == 0 || len(a)*len(b) > most {
		return at
	}
	longest(a, b, func(i, j int) { at[head+i] = head + j })
	return at
}

// longest tells of each pair of a longest common subsequence.
func longest(a, b []string, pair func(i, j int)) {
	width := len(b) + 1
	best := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				best[i*width+j] = best[(i+1)*width+j+1] + 1
			} else {
				best[i*width+j] = max(best[(i+1)*width+j], best[i*width+j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			pair(i, j)
			i, j = i+1, j+1
		case best[(i+1)*width+j] >= best[i*width+j+1]:
			i++
		default:
			j++
		}
	}
}
