package inventory

// maxName bounds the work of comparing one name: no parameter is nearly as long.
const maxName = 64

// Nearest returns the candidate that name is probably a misspelling of; of equals, the first.
func Nearest(name string, candidates []string) (string, bool) { return nearest(name, candidates) }

// nearest returns the candidate that is spelled most like name, when one is close enough to be a
// slip of the hand: one change in short names, two in names from eight characters. Of equals the
// first wins.
func nearest(name string, candidates []string) (string, bool) {
	if len(name) > maxName {
		return "", false
	}
	limit := 1
	if len(name) >= 8 {
		limit = 2
	}
	best, found := "", false
	for _, c := range candidates {
		if d, ok := distance(name, c, limit); ok && d > 0 {
			best, found, limit = c, true, d-1
		}
		if limit == 0 {
			break
		}
	}
	return best, found
}

// distance counts insertions, deletions, replacements and swaps of neighbours that turn a into b,
// giving up beyond limit.
func distance(a, b string, limit int) (int, bool) {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || len(b) > maxName {
		return 0, false
	}
	var rows [3][maxName + 1]int
	before, above, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit {
			return 0, false
		}
		before, above, row = above, row, before
	}
	return above[len(b)], above[len(b)] <= limit
}
