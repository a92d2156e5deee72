package inventory

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// plainKind says what an unquoted scalar is to PyYAML, which reads YAML 1.1: the Go library
// reads most of YAML 1.2 and would take off for text and 1:30 for text where Ansible does not.
func plainKind(s string) Kind {
	switch {
	case isNull(s):
		return Null
	case isBool(s):
		return Bool
	case isInt(s):
		return Int
	case isFloat(s):
		return Float
	}
	return String
}

func isNull(s string) bool {
	return s == "" || s == "~" || s == "null" || s == "Null" || s == "NULL"
}

func isBool(s string) bool {
	_, ok := yamlBool(s)
	return ok && (s == strings.ToLower(s) || s == strings.ToUpper(s) || s == title(s))
}

func title(s string) string { return strings.ToUpper(s[:1]) + strings.ToLower(s[1:]) }

// yamlBool reads the six words of YAML 1.1 in any case.
func yamlBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "yes", "true", "on":
		return true, true
	case "no", "false", "off":
		return false, true
	}
	return false, false
}

// unsigned cuts a sign off.
func unsigned(s string) (rest string, negative bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[1:], s[0] == '-'
	}
	return s, false
}

func only(s, set string) bool { return s != "" && strings.Trim(s, set) == "" }

const digits = "0123456789_"

func isInt(s string) bool {
	_, ok := bigInt(s)
	return ok
}

// maxDigits bounds the work of reading an integer; what is longer is text here, and refused by
// Python.
const maxDigits = 4300

// bigInt reads a YAML 1.1 integer: binary, octal, hexadecimal, decimal or sexagesimal.
func bigInt(s string) (*big.Int, bool) {
	if len(s) > maxDigits {
		return nil, false
	}
	s, negative := unsigned(s)
	n, ok := magnitude(s)
	if ok && negative {
		n.Neg(n)
	}
	return n, ok
}

func magnitude(s string) (*big.Int, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return nil, false
	}
	if s[0] != '0' && strings.Contains(s, ":") {
		return sexagesimal(s)
	}
	text, base, set := s, 10, digits
	switch {
	case strings.HasPrefix(s, "0b"):
		text, base, set = s[2:], 2, "01_"
	case strings.HasPrefix(s, "0x"):
		text, base, set = s[2:], 16, digits+"abcdefABCDEF"
	case s[0] == '0' && len(s) > 1:
		base, set = 8, "01234567_"
	}
	if !only(text, set) {
		return nil, false
	}
	return new(big.Int).SetString(strings.ReplaceAll(text, "_", ""), base)
}

func sexagesimal(s string) (*big.Int, bool) {
	parts := strings.Split(s, ":")
	if !only(parts[0], digits) {
		return nil, false
	}
	total, ok := new(big.Int).SetString(strings.ReplaceAll(parts[0], "_", ""), 10)
	if !ok {
		return nil, false
	}
	for _, part := range parts[1:] {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || n > 59 || len(part) > 2 {
			return nil, false
		}
		total.Add(total.Mul(total, big.NewInt(60)), big.NewInt(int64(n)))
	}
	return total, true
}

func isFloat(s string) bool {
	_, ok := yamlFloat(s)
	return ok
}

// yamlFloat reads a YAML 1.1 float: there is a point in it, and an exponent has a sign.
func yamlFloat(s string) (float64, bool) {
	rest, negative := unsigned(s)
	sign := 1.0
	if negative {
		sign = -1
	}
	switch rest {
	case ".inf", ".Inf", ".INF":
		return sign * math.Inf(1), true
	case ".nan", ".NaN", ".NAN":
		return math.NaN(), rest == s
	}
	if i := strings.LastIndexByte(rest, ':'); i > 0 {
		return sexagesimalFloat(rest, i, sign)
	}
	whole, fraction, point := strings.Cut(rest, ".")
	if !point || (whole == "" && rest != s) || (whole != "" && (whole[0] == '_' || !only(whole, digits))) {
		return 0, false
	}
	mantissa, exponent := cutExponent(fraction)
	if !floatTail(whole, mantissa, exponent) {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(rest, "_", ""), 64)
	return sign * f, err == nil
}

// sexagesimalFloat reads 1:30.5; i is where its last colon is.
func sexagesimalFloat(s string, i int, sign float64) (float64, bool) {
	seconds, fraction, point := strings.Cut(s[i+1:], ".")
	if !point || fraction != "" && !only(fraction, digits) {
		return 0, false
	}
	first, _, _ := strings.Cut(s, ":")
	head := strings.TrimLeft(s[:i], "0_")
	if head == "" || head[0] == ':' { // what begins with nought is no integer with colons
		head = "1" + s[:i]
	}
	whole, ok := sexagesimal(head + ":" + seconds)
	if !ok || !only(first, digits) || first[0] == '_' {
		return 0, false
	}
	return sexagesimalValue(s[:i]+":"+seconds, fraction) * sign, whole != nil
}

// sexagesimalValue adds up as Python does, digit by digit from the right.
func sexagesimalValue(s, fraction string) float64 {
	parts := strings.Split(strings.ReplaceAll(s, "_", ""), ":")
	parts[len(parts)-1] += "." + strings.ReplaceAll(fraction, "_", "")
	total, base := 0.0, 1.0
	for i := len(parts) - 1; i >= 0; i-- {
		part, _ := strconv.ParseFloat(parts[i], 64) // digits alone
		total += part * base
		base *= 60
	}
	return total
}

func cutExponent(s string) (mantissa, exponent string) {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

func floatTail(whole, mantissa, exponent string) bool {
	if mantissa == "" && whole == "" || mantissa != "" && !only(mantissa, digits) {
		return false
	}
	if whole == "" && mantissa[0] == '_' {
		return false
	}
	if exponent == "" {
		return true
	}
	return len(exponent) > 2 && strings.ContainsRune("+-", rune(exponent[1])) && only(exponent[2:], "0123456789")
}
