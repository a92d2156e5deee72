package resource

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Prepared is a password as SCRAM uses it: by SASLprep (RFC 4013), or as it is where that forbids it, which
// is what PostgreSQL and its clients do. Signs younger than Unicode 3.2 are not told from older ones.
func Prepared(password string) string {
	if isASCII(password) || !utf8.ValidString(password) {
		return password
	}
	prepared := norm.NFKC.String(strings.Map(mapped, password))
	if prepared == "" || strings.ContainsFunc(prepared, forbidden) || mixed(prepared) {
		return password
	}
	return prepared
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// mapped makes a space of every kind of space, and nothing of what is not seen (tables C.1.2 and B.1).
func mapped(r rune) rune {
	switch {
	case r == 0x00AD, r == 0x034F, r == 0x1806, 0x180B <= r && r <= 0x180D, 0x200C <= r && r <= 0x200D,
		r == 0x2060, 0xFE00 <= r && r <= 0xFE0F, r == 0xFEFF:
		return -1
	case r != ' ' && unicode.Is(unicode.Zs, r), r == 0x200B:
		return ' '
	}
	return r
}

// forbidden are controls, private use, what is no sign, and what changes the display (tables C.2 to C.9).
func forbidden(r rune) bool {
	switch {
	case unicode.In(r, unicode.Cc, unicode.Co, unicode.Cs), r == utf8.RuneError, r&0xFFFE == 0xFFFE,
		0xFDD0 <= r && r <= 0xFDEF, 0xFFF9 <= r && r <= 0xFFFD, 0x2FF0 <= r && r <= 0x2FFB,
		0x200E <= r && r <= 0x200F, 0x2028 <= r && r <= 0x202E, 0x206A <= r && r <= 0x206F,
		r == 0x0340, r == 0x0341, r == 0x06DD, r == 0x070F, r == 0x180E,
		0x1D173 <= r && r <= 0x1D17A, 0xE0001 <= r && r <= 0xE007F:
		return true
	}
	return false
}

// mixed tells whether a text goes both ways: one with letters from right to left must begin and end with
// one, and have none from left to right.
func mixed(s string) bool {
	if !strings.ContainsFunc(s, rightToLeft) {
		return false
	}
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	return !rightToLeft(first) || !rightToLeft(last) || strings.ContainsFunc(s, leftToRight)
}

func rightToLeft(r rune) bool {
	return unicode.IsLetter(r) && unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana)
}

func leftToRight(r rune) bool { return unicode.IsLetter(r) && !rightToLeft(r) }
