package notation

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Placeholders are the names of the ${name} in a text, in order.
func Placeholders(s string) []string {
	var names []string
	for {
		_, rest, found := strings.Cut(s, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return names
		}
		names, s = append(names, name), after
	}
}

// What is wrong with an endpoint.
var (
	ErrEndpointPort   = errors.New("want host:port, but there is no port")
	ErrEndpointHost   = errors.New("want host:port, but there is no host")
	ErrEndpointScheme = errors.New("want host:port without a scheme: that is a key of its own")
	ErrEndpointForm   = errors.New("want host:port with a port of 1 to 65535")
)

// Endpoint reads host:port, an IPv6 address in brackets.
func Endpoint(s string) (host string, port int, err error) {
	if strings.Contains(s, "://") {
		return "", 0, ErrEndpointScheme
	}
	i := strings.LastIndexByte(s, ':')
	if i < 0 || i < strings.LastIndexByte(s, ']') {
		return "", 0, ErrEndpointPort
	}
	host = strings.TrimSuffix(strings.TrimPrefix(s[:i], "["), "]")
	port, err = strconv.Atoi(s[i+1:])
	switch {
	case host == "":
		return "", 0, ErrEndpointHost
	case s[i+1:] == "":
		return "", 0, ErrEndpointPort
	case err != nil || port < 1 || port > 65535 || strings.ContainsAny(s, "/ \t"):
		return "", 0, ErrEndpointForm
	}
	return host, port, nil
}

// IsHost tells whether a text can be where something is reached: an address or a name.
func IsHost(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || HostName(s) == nil
}

// most is how many texts one brace range may stand for.
const most = 1000

// Braces expands the ranges of a text as MinIO does: /data{1...4} stands for four paths.
func Braces(s string) ([]string, error) {
	before, rest, found := strings.Cut(s, "{")
	if !found {
		if strings.Contains(s, "}") {
			return nil, errors.New("has a } without a {")
		}
		return []string{s}, nil
	}
	inner, after, closed := strings.Cut(rest, "}")
	if !closed {
		return nil, errors.New("has a { without a }")
	}
	numbers, err := braceRange(inner)
	if err != nil {
		return nil, err
	}
	tails, err := Braces(after)
	if err != nil {
		return nil, err
	}
	if len(numbers)*len(tails) > most {
		return nil, fmt.Errorf("stands for more than %d paths", most)
	}
	var all []string
	for _, n := range numbers {
		for _, tail := range tails {
			all = append(all, before+n+tail)
		}
	}
	return all, nil
}

func braceRange(s string) ([]string, error) {
	first, last, found := strings.Cut(s, "...")
	a, errA := strconv.Atoi(first)
	b, errB := strconv.Atoi(last)
	if !found || errA != nil || errB != nil || !only(first, isDigit) || !only(last, isDigit) {
		return nil, errors.New("has braces that are no range: want {1...4}, with three dots")
	}
	if a > b || b-a >= most {
		return nil, fmt.Errorf("has a range that does not rise, or is longer than %d", most)
	}
	var out []string
	for n := a; n <= b; n++ {
		out = append(out, padded(n, first))
	}
	return out, nil
}

// padded writes a number as wide as the first of its range, when that begins with a zero.
func padded(n int, first string) string {
	if len(first) > 1 && first[0] == '0' {
		return fmt.Sprintf("%0*d", len(first), n)
	}
	return strconv.Itoa(n)
}
