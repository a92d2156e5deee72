package hba

import (
	"fmt"
	"strings"
)

// Token is a word of a field: in quotes, it has no special meaning.
type Token struct {
	Text   string
	Quoted bool
}

// is tells whether the token is a keyword, which it is not in quotes.
func (t Token) is(word string) bool { return !t.Quoted && t.Text == word }

// Error is what is wrong with a line, and how many bytes into it.
type Error struct {
	Offset int
	Msg    string
}

// Error returns the message.
func (e *Error) Error() string { return e.Msg }

func fail(at int, format string, args ...any) error {
	return &Error{at, fmt.Sprintf(format, args...)}
}

// field is one column of a line: words separated by commas.
type field struct {
	at    int
	words []Token
}

func (f field) one() bool { return len(f.words) == 1 }

func (f field) text() string {
	var all []string
	for _, w := range f.words {
		all = append(all, w.Text)
	}
	return strings.Join(all, ",")
}

// split cuts a line into fields, as PostgreSQL does: blanks part fields, commas part words, and a comma
// at the end of a word carries the field on beyond blanks.
func split(line string) ([]field, error) {
	var fields []field
	s := scanner{line: line}
	open := false // the last word ended with a comma
	for {
		at, word, ok, err := s.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			return fields, nil
		}
		if !open {
			fields = append(fields, field{at: at})
		}
		last := &fields[len(fields)-1]
		last.words = append(last.words, word)
		open = s.comma()
	}
}

type scanner struct {
	line string
	i    int
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// next reads a word; ok is false at the end of the line or at a comment.
func (s *scanner) next() (at int, t Token, ok bool, err error) {
	for s.i < len(s.line) && (blank(s.line[s.i]) || s.line[s.i] == ',') {
		s.i++
	}
	at = s.i
	if s.i >= len(s.line) || s.line[s.i] == '#' {
		return at, t, false, nil
	}
	t.Quoted = s.line[s.i] == '"'
	var text strings.Builder
	if err := s.word(&text, at); err != nil {
		return at, t, false, err
	}
	t.Text = text.String()
	return at, t, true, nil
}

// word reads on to the next blank or comma outside quotes; two quotes inside quotes are one.
func (s *scanner) word(into *strings.Builder, at int) error {
	quoted, justClosed := false, false
	for ; s.i < len(s.line); s.i++ {
		c := s.line[s.i]
		switch {
		case c == 0:
			return fail(s.i, "a byte that is zero ends the file for PostgreSQL")
		case c == '"':
			if justClosed && !quoted {
				into.WriteByte('"')
			}
			justClosed = quoted
			quoted = !quoted
			continue
		case !quoted && (blank(c) || c == ',' || c == '#'):
			return nil
		}
		justClosed = false
		into.WriteByte(c)
	}
	if quoted {
		return fail(at, "the quote is not closed")
	}
	return nil
}

// comma tells whether the word just read ended with a comma, and steps over it.
func (s *scanner) comma() bool {
	if s.i < len(s.line) && s.line[s.i] == ',' {
		s.i++
		return true
	}
	return false
}
