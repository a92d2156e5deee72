package notation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Cron is a line of a crontab. Blank lines, comments and NAME=value are lines without a command.
type Cron struct {
	Schedule string // five fields, or @word
	User     string // empty in a crontab without a user column
	Command  string
}

// What is wrong with a line as a whole.
var (
	errCronFields = errors.New("want five fields or a word such as @daily, then a command")
	errCronUser   = errors.New("want five fields or a word such as @daily, then a user, then a command")
	errCronWord   = errors.New("want one of @reboot, @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually after which the command comes")
	errCronBreak  = errors.New("want one line")
)

var cronWords = []string{"@reboot", "@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"}

// ParseCron reads a line of a crontab; withUser is for those, as /etc/crontab, that say whose the
// command is.
func ParseCron(line string, withUser bool) (Cron, error) {
	line = strings.TrimSpace(line)
	if strings.ContainsAny(line, "\n\r") {
		return Cron{}, errCronBreak
	}
	if line == "" || line[0] == '#' || isAssignment(line) {
		return Cron{}, nil
	}
	count := len(cronFields)
	if line[0] == '@' {
		count = 1
	}
	fields, rest := cutFields(line, count)
	if err := schedule(fields); err != nil {
		return Cron{}, err
	}
	return cronCommand(Cron{Schedule: strings.Join(fields, " ")}, rest, withUser)
}

func cronCommand(c Cron, rest string, withUser bool) (Cron, error) {
	c.Command = rest
	if withUser {
		var user []string
		user, c.Command = cutFields(rest, 1)
		c.User = strings.Join(user, "")
		if !UserName(c.User) || c.Command == "" {
			return Cron{}, errCronUser
		}
	}
	if c.Command == "" {
		return Cron{}, errCronFields
	}
	return c, nil
}

// isAssignment tells whether a line sets a variable for the jobs after it.
func isAssignment(line string) bool {
	name, _, found := strings.Cut(line, "=")
	name = strings.Trim(strings.TrimSpace(name), `"'`)
	return found && only(name, func(r rune) bool { return isNameRune(r) && r != '-' || r == '_' }) && !isDigit(rune(name[0]))
}

// cutFields cuts the first n words off; there may be fewer.
func cutFields(s string, n int) (fields []string, rest string) {
	rest = s
	for range n {
		rest = strings.TrimLeft(rest, " \t")
		end := strings.IndexAny(rest, " \t")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			break
		}
		fields, rest = append(fields, rest[:end]), rest[end:]
	}
	return fields, strings.TrimSpace(rest)
}

// cronField is what one of the five may hold.
type cronField struct {
	name     string
	min, max int
	words    []string // names of the numbers, the first for min
}

var cronFields = []cronField{
	{"minute", 0, 59, nil},
	{"hour", 0, 23, nil},
	{"day of the month", 1, 31, nil},
	{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{"day of the week", 0, 7, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

func schedule(fields []string) error {
	if len(fields) == 1 && strings.HasPrefix(fields[0], "@") {
		if !slices.Contains(cronWords, fields[0]) {
			return errCronWord
		}
		return nil
	}
	if len(fields) < len(cronFields) {
		return errCronFields
	}
	for i, f := range cronFields {
		if !f.takes(fields[i]) {
			return fmt.Errorf("%s: want numbers of %d to %d, got %q", f.name, f.min, f.max, fields[i])
		}
	}
	return nil
}

// takes reads a list of ranges with steps: 1-5,*/10.
func (f cronField) takes(text string) bool {
	for part := range strings.SplitSeq(text, ",") {
		span, step, stepped := strings.Cut(part, "/")
		if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1) {
			return false
		}
		if !f.span(span) {
			return false
		}
	}
	return true
}

func (f cronField) span(text string) bool {
	if text == "*" || text == "~" {
		return true
	}
	first, last, ranged := strings.Cut(text, "-")
	if !ranged {
		first, last, ranged = strings.Cut(text, "~") // a random one of the range
	}
	a, ok := f.number(first)
	if !ranged || !ok {
		return ok
	}
	b, ok := f.number(last)
	return ok && a <= b
}

func (f cronField) number(text string) (int, bool) {
	if i := slices.Index(f.words, strings.ToLower(text)); i >= 0 {
		return f.min + i, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && only(text, isDigit) && n >= f.min && n <= f.max
}
