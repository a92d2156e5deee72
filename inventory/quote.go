package inventory

import "strconv"

// maxQuoted is how many characters of a wrong value a problem repeats.
const maxQuoted = 60

// quote prints text from the file in a problem: short, on one line, without control characters.
func quote(s string) string {
	if runes := []rune(s[:min(len(s), 4*maxQuoted)]); len(runes) > maxQuoted {
		return strconv.Quote(string(runes[:maxQuoted])) + "…"
	}
	return strconv.Quote(s)
}

// quoteKey prints a key: plainly when it is an ordinary name or address.
func quoteKey(s string) string {
	const ordinary = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/"
	if len(s) <= maxQuoted && only(s, ordinary) {
		return s
	}
	return quote(s)
}

// quoteKeyOf prints a key, unless it stands where a password belongs.
func quoteKeyOf(key *node) string {
	if key.secret {
		return mask
	}
	return quoteKey(key.text)
}

// shorten cuts a number that is too long to repeat.
func shorten(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	return s[:maxQuoted] + "…"
}
