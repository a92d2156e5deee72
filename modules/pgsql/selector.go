package pgsql

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jmespath/go-jmespath"
)

// selector is a JMESPath expression as Ansible's library takes it: a word in backticks that is no JSON
// stands for itself, which the standard has given up and every inventory of Pigsty relies on.
type selector struct {
	query *jmespath.JMESPath
}

// compileSelector reads an expression; offset is where it is wrong, in bytes, when the message has one.
func compileSelector(expression string) (s *selector, offset int, err error) {
	standard, added := quoteLiterals(expression)
	query, err := jmespath.Compile(standard)
	var bad jmespath.SyntaxError
	if errors.As(err, &bad) {
		offset = min(added.before(bad.Offset), len(expression))
		return nil, offset, errors.New(stops(expression[offset:]))
	}
	if err != nil {
		return nil, 0, err
	}
	return &selector{query}, 0, nil
}

// stops says where an expression stops making sense; the library speaks of its own tokens.
func stops(rest string) string {
	switch {
	case rest == "":
		return "it ends too early"
	case strings.HasPrefix(rest, "="):
		return "want == to compare"
	}
	return fmt.Sprintf("cannot go on with %q", rest)
}

// additions are the places where a rewritten text is longer than it was, and by how much.
type additions []struct{ at, n int }

// before is where in the text as it was a place of the rewritten one is.
func (a additions) before(offset int) int {
	was := offset
	for _, x := range a {
		if offset > x.at {
			was -= x.n
		}
	}
	return max(was, 0)
}

// quoteLiterals puts what stands between backticks and is no JSON into quotes.
func quoteLiterals(expression string) (standard string, added additions) {
	var out strings.Builder
	for i := 0; i < len(expression); {
		end := quoted(expression, i)
		part := expression[i:end]
		if len(part) > 1 && part[0] == '`' && !json.Valid([]byte(strings.ReplaceAll(part[1:len(part)-1], "\\`", "`"))) {
			text, _ := json.Marshal(strings.TrimLeft(part[1:len(part)-1], " \t\n")) // a string always can be
			added = append(added, struct{ at, n int }{out.Len(), len(text) + 2 - len(part)})
			part = "`" + string(text) + "`"
		}
		out.WriteString(part)
		i = end
	}
	return out.String(), added
}

// quoted returns the end of the quoted part that begins at i, or of the byte there when none does or it is
// never closed.
func quoted(s string, i int) int {
	q := s[i]
	if q != '\'' && q != '"' && q != '`' {
		return i + 1
	}
	for j := i + 1; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case q:
			return j + 1
		}
	}
	return i + 1
}
