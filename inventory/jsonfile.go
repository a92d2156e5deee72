package inventory

import (
	"encoding/json"
	"strings"
)

// Ansible reads a file as JSON when it is that, and only then as YAML. The two differ in numbers
// with an exponent, which YAML 1.1 takes for text when there is no point or no sign.

func isJSON(text []byte) bool { return json.Valid(text) }

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
