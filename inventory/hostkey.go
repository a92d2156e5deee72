package inventory

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// maxRange is how many hosts one key may stand for.
const maxRange = 65_536

// hostKeys returns what one key stands for, as Ansible expands it: the names, and the port that
// stands behind them. A range is [begin:end] or [begin:end:step], of numbers or of letters; a
// begin with leading zeros keeps the width; with several ranges the last one runs fastest.
func hostKeys(key string) (names []string, port string, err error) {
	if !strings.ContainsAny(key, ":[") {
		return []string{key}, "", nil
	}
	pattern, port := cutPort(key)
	names, err = expandRanges(pattern, nil)
	return names, port, err
}

// What Ansible takes for a host with a port. Its pattern for IPv6 matches whatever begins like
// one, and so does this.
var (
	bracketedPort = regexp.MustCompile(`^\[(.+)\]:([0-9]+)$`)
	plainPort     = regexp.MustCompile(`^((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)$`)

	// Compiled when the first host has a port: it is large, and few inventories have one.
	hostName = sync.OnceValue(func() *regexp.Regexp {
		const (
			span  = `\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]`
			label = `(?:(?:[\p{L}\p{N}_]|` + span + `)(?:[\p{L}\p{N}_-]|` + span + `)*(?:[\p{L}\p{N}]|` + span + `)|[\p{L}\p{N}]|` + span + `)`
			hex   = `(?:[0-9a-f]{1,4}|\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\])`
		)
		return regexp.MustCompile(`(?i)^(?:` + label + `(?:\.` + label + `)*$|(?:` + hex + `:){7}` + hex + `|(?:` + hex + `:){1,6}:|:(?::` + hex + `){1,6}|` + hex + `?::)`)
	})
)

func cutPort(key string) (pattern, port string) {
	pattern = key
	for _, form := range []*regexp.Regexp{bracketedPort, plainPort} {
		if strings.Contains(pattern, ":") {
			if m := form.FindStringSubmatch(pattern); m != nil {
				pattern, port = m[1], m[2]
			}
		}
	}
	if port == "" || !hostName().MatchString(pattern) {
		return key, ""
	}
	if port = strings.TrimLeft(port, "0"); port == "" {
		port = "0"
	}
	return pattern, port
}

// expandRanges appends what the pattern stands for.
func expandRanges(pattern string, to []string) ([]string, error) {
	if !strings.Contains(pattern, "[") {
		return append(to, pattern), nil
	}
	head, rest, _ := strings.Cut(pattern, "[")
	bounds, tail, closed := strings.Cut(rest, "]")
	if !closed || strings.Contains(pattern, "|") {
		return to, errors.New("a range is [begin:end] or [begin:end:step]")
	}
	steps, err := parseRange(bounds)
	if err != nil {
		return to, err
	}
	for _, step := range steps {
		if to, err = expandRanges(head+step+tail, to); err != nil {
			return to, err
		}
		if len(to) > maxRange {
			return to, fmt.Errorf("more than %d hosts", maxRange)
		}
	}
	return to, nil
}

func parseRange(text string) ([]string, error) {
	bounds := strings.Split(text, ":")
	if len(bounds) != 2 && len(bounds) != 3 {
		return nil, errors.New("a range is [begin:end] or [begin:end:step]")
	}
	begin, end, step := bounds[0], bounds[1], 1
	if begin == "" {
		begin = "0"
	}
	if end == "" {
		return nil, errors.New("a range needs an end")
	}
	width := 0
	if len(begin) > 1 && begin[0] == '0' {
		if width = len(begin); width != len(end) {
			return nil, errors.New("a range with leading zeros needs a begin and an end of the same length")
		}
	}
	if len(bounds) == 3 {
		var err error
		if step, err = strconv.Atoi(bounds[2]); err != nil || step < 1 {
			return nil, errors.New("the step of a range is a whole number of at least 1")
		}
	}
	return steps(begin, end, step, width)
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func steps(begin, end string, step, width int) ([]string, error) {
	first, last := strings.Index(letters, begin), strings.Index(letters, end)
	name := func(i int) string { return letters[i : i+1] }
	if first < 0 || last < 0 {
		var wrong [2]error
		first, wrong[0] = strconv.Atoi(begin)
		last, wrong[1] = strconv.Atoi(end)
		if errors.Join(wrong[:]...) != nil {
			return nil, errors.New("a range is of numbers or of letters")
		}
		name = func(i int) string { return fmt.Sprintf("%0*d", width, i) }
	}
	if first > last {
		return nil, errors.New("the range ends before it begins")
	}
	if (last-first)/step >= maxRange {
		return nil, fmt.Errorf("more than %d hosts", maxRange)
	}
	var all []string
	for i := first; i <= last; i += step {
		all = append(all, name(i))
	}
	return all, nil
}
