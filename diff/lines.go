package diff

import (
	"slices"
	"strings"
)

// shownLines bounds what a plan shows of one text.
const shownLines = 40

// comparedLines bounds the work: longer texts are shown by what is not in both.
const comparedLines = 2000

// lineDiff lists the lines that go ("- ") and come ("+ ") between two texts, in order.
func lineDiff(have, want string) []string {
	a, b := split(have), split(want)
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return clip(walk(a, b, common(a, b)))
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// common is the table of longest common subsequences of the tails of a and b; nil when the texts
// are too long for one.
func common(a, b []string) [][]int {
	if len(a) > comparedLines || len(b) > comparedLines {
		return nil
	}
	t := make([][]int, len(a)+1)
	for i := range t {
		t[i] = make([]int, len(b)+1)
	}
	for i := range slices.Backward(a) {
		for j := range slices.Backward(b) {
			if a[i] == b[j] {
				t[i][j] = t[i+1][j+1] + 1
			} else {
				t[i][j] = max(t[i+1][j], t[i][j+1])
			}
		}
	}
	return t
}

func walk(a, b []string, t [][]int) (out []string) {
	i, j := 0, 0
	for i < len(a) && j < len(b) && t != nil {
		switch {
		case a[i] == b[j]:
			i, j = i+1, j+1
		case t[i+1][j] >= t[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	for ; i < len(a); i++ {
		out = append(out, "- "+a[i])
	}
	for ; j < len(b); j++ {
		out = append(out, "+ "+b[j])
	}
	return out
}

func clip(lines []string) []string {
	if len(lines) <= shownLines {
		return lines
	}
	return append(lines[:shownLines:shownLines], "… and more")
}
