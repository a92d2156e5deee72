package jinja

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/tokens"
)

// Limits of a template's text.
const (
	maxTemplate = 64 << 10 // bytes
	maxTokens   = 4_000    // in one pair of brackets
	maxNesting  = 64       // of brackets, blocks and values
)

// printTag is how the parser of blocks sees {{ … }}: as one more block, so that parse.go reads
// what stands in it. No template can name it.
const printTag = " print"

// lexer cuts a template into the tokens of gonja. Its own lexer glues line breaks and characters
// it does not know to the next name.
type lexer struct {
	text string
	pos  int
	raw  bool // backslashes in texts stand for themselves: between {{ and }}, as in Ansible
	out  []*tokens.Token
	open []string // blocks that wait for their end
	err  *Error
}

// lex returns the tokens of a template without its last line break.
func lex(text string) ([]*tokens.Token, *Error) {
	l := &lexer{text: text}
	trimLeft, trimLine := false, false
	for l.pos < len(l.text) && l.err == nil {
		start := l.pos
		next := nextBracket(l.text[start:])
		data := l.text[start : start+next]
		l.pos = start + next
		if trimLeft {
			data = strings.TrimLeftFunc(data, unicode.IsSpace)
		} else if trimLine {
			data = strings.TrimPrefix(data, "\n")
		}
		if strings.HasPrefix(l.text[min(l.pos+2, len(l.text)):], "-") {
			data = strings.TrimRightFunc(data, unicode.IsSpace)
		}
		l.data(data, start)
		if l.pos < len(l.text) {
			trimLeft, trimLine = l.bracket()
		}
	}
	if l.err == nil && len(l.open) > 0 {
		l.fail("{%% %s %%} is never ended", l.open[len(l.open)-1])
	}
	l.emit(tokens.EOF, "")
	return l.out, l.err
}

// nextBracket returns where the first of {{, {% and {# is, or the length.
func nextBracket(s string) int {
	for i := 0; ; i++ {
		j := strings.IndexByte(s[i:], '{')
		if j < 0 || i+j+1 >= len(s) {
			return len(s)
		}
		i += j
		if strings.IndexByte("{%#", s[i+1]) >= 0 {
			return i
		}
	}
}

func (l *lexer) data(s string, at int) {
	if s != "" {
		l.out = append(l.out, &tokens.Token{Type: tokens.Data, Val: s, Pos: at})
	}
}

func (l *lexer) emit(t tokens.Type, val string) {
	l.out = append(l.out, &tokens.Token{Type: t, Val: val, Pos: l.pos})
}

func (l *lexer) fail(format string, args ...any) {
	if l.err == nil {
		l.err = &Error{Msg: fmt.Sprintf(format, args...)}
	}
}

// bracket reads one {{ }}, {% %} or {# #}, and says what is to be trimmed behind it.
func (l *lexer) bracket() (trimLeft, trimLine bool) {
	open := l.text[l.pos : l.pos+2]
	if open == "{#" {
		return l.comment()
	}
	l.pos += 2
	if rest := l.text[l.pos:]; rest != "" && (rest[0] == '-' || rest[0] == '+' && open == "{%") {
		l.pos++
	}
	if open == "{{" {
		l.raw = true
		l.emit(tokens.BlockBegin, "{{")
		l.emit(tokens.Name, printTag)
		minus, _ := l.inside("}}")
		return minus, false
	}
	l.raw = false
	if l.isRaw() {
		return l.rawBlock()
	}
	l.emit(tokens.BlockBegin, "{%")
	first := len(l.out)
	minus, plus := l.inside("%}")
	l.balance(l.out[first:])
	return minus, !plus
}

func (l *lexer) comment() (trimLeft, trimLine bool) {
	end := strings.Index(l.text[l.pos+2:], "#}")
	if end < 0 {
		l.fail("{# is never closed")
		return false, false
	}
	body := l.text[l.pos+2 : l.pos+2+end]
	l.pos += end + 4
	return strings.HasSuffix(body, "-"), !strings.HasSuffix(body, "+")
}

func (l *lexer) isRaw() bool {
	word := strings.TrimLeftFunc(l.text[l.pos:], unicode.IsSpace)
	rest, ok := strings.CutPrefix(word, "raw")
	rest = strings.TrimLeft(rest, " \t\n-+")
	return ok && strings.HasPrefix(rest, "%}")
}

// rawBlock takes everything up to {% endraw %} as text.
func (l *lexer) rawBlock() (trimLeft, trimLine bool) {
	begin := strings.Index(l.text[l.pos:], "%}")
	head := l.text[l.pos : l.pos+begin]
	body := l.text[l.pos+begin+2:]
	for offset := 0; ; {
		i := strings.Index(body[offset:], "{%")
		if i < 0 {
			l.fail("{%% raw %%} is never ended")
			return false, false
		}
		tag, rest, closed := strings.Cut(body[offset+i+2:], "%}")
		if word := strings.Trim(tag, " \t\n-+"); closed && word == "endraw" {
			l.rawData(head, body[:offset+i], tag)
			l.pos = len(l.text) - len(rest)
			return strings.HasSuffix(tag, "-"), !strings.HasSuffix(tag, "+")
		}
		offset += i + 2
	}
}

func (l *lexer) rawData(head, body, tag string) {
	if strings.HasSuffix(head, "-") {
		body = strings.TrimLeftFunc(body, unicode.IsSpace)
	} else if !strings.HasSuffix(head, "+") {
		body = strings.TrimPrefix(body, "\n")
	}
	if strings.HasPrefix(tag, "-") {
		body = strings.TrimRightFunc(body, unicode.IsSpace)
	}
	l.data(body, l.pos)
}

// balance notes which blocks begin and end, so that a mistake is told in words of the template.
func (l *lexer) balance(tag []*tokens.Token) {
	if l.err != nil {
		return
	}
	if tag[0].Type != tokens.Name {
		l.fail("a block begins with a name such as if or for")
		return
	}
	name := tag[0].Val
	if opened, ends := strings.CutPrefix(name, "end"); ends {
		if len(l.open) == 0 || l.open[len(l.open)-1] != opened {
			l.fail("{%% %s %%} ends nothing", name)
			return
		}
		l.open = l.open[:len(l.open)-1]
		return
	}
	switch name {
	case "if", "for":
		l.open = append(l.open, name)
	case "set":
		if !slices.ContainsFunc(tag, func(t *tokens.Token) bool { return t.Type == tokens.Assign }) {
			l.open = append(l.open, name)
		}
	case "elif", "else":
		if len(l.open) == 0 || l.open[len(l.open)-1] == "set" {
			l.fail("{%% %s %%} stands outside of any if", name)
		}
	default:
		l.fail("{%% %s %%} is not available here: only if, for, set and raw are", name)
	}
	if len(l.open) > maxNesting {
		l.fail("blocks are nested deeper than %d", maxNesting)
	}
}

// inside reads the tokens up to the closing bracket, and says whether a minus or plus stood there.
func (l *lexer) inside(end string) (minus, plus bool) {
	var brackets []byte
	for count := 0; l.err == nil; count++ {
		l.pos += len(l.text[l.pos:]) - len(strings.TrimLeftFunc(l.text[l.pos:], unicode.IsSpace))
		rest := l.text[l.pos:]
		minus = strings.HasPrefix(rest, "-"+end)
		plus = end == "%}" && strings.HasPrefix(rest, "+"+end)
		if minus || plus {
			rest = rest[1:]
		}
		if len(brackets) == 0 && strings.HasPrefix(rest, end) {
			l.pos = len(l.text) - len(rest) + 2
			l.emit(tokens.BlockEnd, "%}")
			return minus, plus
		}
		if rest == "" || count > maxTokens {
			l.unfinished(rest, end)
			return false, false
		}
		brackets = l.token(brackets)
	}
	return false, false
}

func (l *lexer) unfinished(rest, end string) {
	if rest == "" {
		l.fail("%s is missing", end)
		return
	}
	l.fail("more than %d words between brackets", maxTokens)
}

var operators = []struct {
	text string
	kind tokens.Type
}{
	{"//", tokens.FloorDivision}, {"**", tokens.Power}, {"==", tokens.Equals}, {"!=", tokens.Ne},
	{">=", tokens.GreaterThanOrEqual}, {"<=", tokens.LowerThanOrEqual},
	{"+", tokens.Addition}, {"-", tokens.Subtraction}, {"*", tokens.Multiply}, {"/", tokens.Division},
	{"%", tokens.Modulo}, {"~", tokens.Tilde}, {">", tokens.GreaterThan}, {"<", tokens.LowerThan},
	{"=", tokens.Assign}, {".", tokens.Dot}, {":", tokens.Colon}, {"|", tokens.Pipe}, {",", tokens.Comma},
	{"(", tokens.LeftParenthesis}, {")", tokens.RightParenthesis}, {"[", tokens.LeftBracket},
	{"]", tokens.RightBracket}, {"{", tokens.LeftBrace}, {"}", tokens.RightBrace},
}

// token reads one token and returns the closing brackets that are awaited from then on.
func (l *lexer) token(brackets []byte) []byte {
	rest := l.text[l.pos:]
	r, _ := utf8.DecodeRuneInString(rest)
	switch {
	case r == '\'' || r == '"':
		l.string(rest)
		return brackets
	case r >= '0' && r <= '9':
		l.number(rest)
		return brackets
	case isNameRune(r):
		l.name(rest)
		return brackets
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op.text) {
			l.emit(op.kind, op.text)
			l.pos += len(op.text)
			return l.nest(brackets, op.text[0])
		}
	}
	l.fail("a character that does not belong into an expression")
	return brackets
}

func (l *lexer) nest(brackets []byte, c byte) []byte {
	if i := strings.IndexByte("([{", c); i >= 0 {
		if len(brackets) >= maxNesting {
			l.fail("brackets are nested deeper than %d", maxNesting)
		}
		return append(brackets, ")]}"[i])
	}
	if strings.IndexByte(")]}", c) < 0 {
		return brackets
	}
	if len(brackets) == 0 || brackets[len(brackets)-1] != c {
		l.fail("%c closes nothing", c)
		return brackets
	}
	return brackets[:len(brackets)-1]
}

func isNameRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func (l *lexer) name(rest string) {
	end := strings.IndexFunc(rest, func(r rune) bool { return !isNameRune(r) })
	if end < 0 {
		end = len(rest)
	}
	l.emit(tokens.Name, rest[:end])
	l.pos += end
}

// number reads digits with their point and exponent; 1.name is an attribute of one.
func (l *lexer) number(rest string) {
	end := 0
	for end < len(rest) && isNumberByte(rest, end) {
		point := rest[end] == '.'
		if point && (end+1 == len(rest) || rest[end+1] < '0' || rest[end+1] > '9') {
			break
		}
		end++
	}
	v, ok := parseNumber(rest[:end])
	if !ok {
		l.fail("a number that cannot be read")
		return
	}
	kind := tokens.Integer
	if _, isFloat := v.(float64); isFloat {
		kind = tokens.Float
	}
	l.emit(kind, rest[:end])
	l.pos += end
}

func (l *lexer) string(rest string) {
	for i := 1; i < len(rest); i++ {
		switch {
		case rest[i] == '\\' && l.raw && i+1 < len(rest) && rest[i+1] == rest[0]:
			l.fail("a quotation mark behind a backslash ends the text: use the other kind of quotation mark")
			return
		case rest[i] == '\\':
			i++
		case rest[i] == rest[0]:
			l.emitText(rest[1:i])
			l.pos += i + 1
			return
		}
	}
	l.fail("a text without its closing quotation mark")
}

func (l *lexer) emitText(body string) {
	if !l.raw {
		var ok bool
		if body, ok = unescape(body); !ok {
			l.fail("a backslash that means nothing")
		}
	}
	l.emit(tokens.String, body)
}
