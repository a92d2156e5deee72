package inventory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Ansible reads a file as JSON when it is that, and only then as YAML. The two differ in numbers
// with an exponent, which YAML 1.1 takes for text when there is no point or no sign.

func isJSON(text []byte) bool { return json.Valid(text) }

var jsonEscape = regexp.MustCompile(`\\\\|\\/|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)

// yamlOfJSON writes the escapes that the YAML library does not know in another way. Places behind
// one of them, in the same line, are too far left by a column or two.
func yamlOfJSON(text []byte) []byte {
	if !bytes.Contains(text, []byte(`\`)) {
		return text
	}
	return jsonEscape.ReplaceAllFunc(text, func(escape []byte) []byte {
		switch escape[1] {
		case '/':
			return []byte("/")
		case 'u':
			high, _ := strconv.ParseUint(string(escape[2:6]), 16, 32) // the form lets only digits pass
			low, _ := strconv.ParseUint(string(escape[8:12]), 16, 32)
			return fmt.Appendf(nil, `\U%08X`, utf16.DecodeRune(rune(high), rune(low)))
		}
		return escape
	})
}

func isJSONFloat(s string) bool {
	return strings.ContainsAny(s, "eE") && json.Valid([]byte(s))
}

// yamlOfJSONFloat writes a number with an exponent so that YAML 1.1 takes it for one.
func yamlOfJSONFloat(s string) string {
	i := strings.IndexAny(s, "eE")
	mantissa, exponent := s[:i], s[i+1:]
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if exponent[0] != '+' && exponent[0] != '-' {
		exponent = "+" + exponent
	}
	return mantissa + "e" + exponent
}
