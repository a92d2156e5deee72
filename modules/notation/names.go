package notation

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// What DNS takes: labels of 63 and names of 253 characters.
const (
	longestLabel = 63
	longestName  = 253
)

// What is wrong with a host name.
var (
	ErrNameLength  = errors.New("is longer than 253 characters")
	ErrLabelEmpty  = errors.New("has two dots in a row, or one at its end")
	ErrLabelLength = errors.New("has a part of more than 63 characters")
	ErrLabelHyphen = errors.New("has a part that begins or ends with a hyphen")
	ErrNameLetters = errors.New("has something else than letters, digits, hyphens and dots in it")
	ErrNameNumber  = errors.New("ends in a number, and would be taken for an address")
)

// HostName says why DNS would refuse a name; nil when it would not.
func HostName(name string) error {
	if len(name) > longestName {
		return ErrNameLength
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if err := hostLabel(label); err != nil {
			return err
		}
	}
	if len(labels) > 1 && only(labels[len(labels)-1], isDigit) {
		return ErrNameNumber
	}
	return nil
}

func hostLabel(label string) error {
	switch {
	case label == "":
		return ErrLabelEmpty
	case len(label) > longestLabel:
		return ErrLabelLength
	case !only(label, isNameRune):
		return ErrNameLetters
	case label[0] == '-' || label[len(label)-1] == '-':
		return ErrLabelHyphen
	}
	return nil
}

func only(s string, allowed func(rune) bool) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !allowed(r) }) < 0
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func isNameRune(r rune) bool {
	return isDigit(r) || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-'
}

var (
	userName = regexp.MustCompile(`\A[a-z_][a-z0-9_.-]{0,31}\$?\z`)
	sysctl   = regexp.MustCompile(`\A[a-z][a-z0-9_-]*([./][A-Za-z0-9_*.:@-]+)+\z`)
	alias    = regexp.MustCompile(`\A[A-Za-z0-9_.!%,@:+~?-]+\z`)
	zonePart = regexp.MustCompile(`\A[A-Za-z][A-Za-z0-9_+-]*\z`)
)

// UserName tells whether a system can have an account of that name.
func UserName(name string) bool { return userName.MatchString(name) }

// Sysctl tells whether a name can be a kernel setting: vm.swappiness, net/ipv4/ip_forward.
func Sysctl(name string) bool {
	return sysctl.MatchString(name) && !strings.Contains(name, "..") && !strings.HasSuffix(name, ".")
}

// Alias tells whether a shell takes a name for an alias.
func Alias(name string) bool { return alias.MatchString(name) }

// areas are the first parts of the names of time zones.
var areas = []string{
	"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Brazil", "Canada", "Chile",
	"Etc", "Europe", "Indian", "Mexico", "Pacific", "US",
}

// lone are the time zones without an area.
var lone = []string{
	"CET", "CST6CDT", "Cuba", "EET", "EST", "EST5EDT", "Egypt", "Eire", "Factory", "GB", "GB-Eire", "GMT", "GMT+0", "GMT-0", "GMT0",
	"Greenwich", "HST", "Hongkong", "Iceland", "Iran", "Israel", "Jamaica", "Japan", "Kwajalein", "Libya", "MET", "MST",
	"MST7MDT", "NZ", "NZ-CHAT", "Navajo", "PRC", "PST8PDT", "Poland", "Portugal", "ROC", "ROK", "Singapore", "Turkey",
	"UCT", "UTC", "Universal", "W-SU", "WET", "Zulu",
}

// Zone tells whether a text has the form of a time zone's name. Whether there is such a city is
// for the node to say.
func Zone(name string) bool {
	parts := strings.Split(name, "/")
	if len(parts) == 1 {
		return slices.Contains(lone, name)
	}
	return len(parts) <= 3 && slices.Contains(areas, parts[0]) &&
		!slices.ContainsFunc(parts, func(p string) bool { return !zonePart.MatchString(p) })
}
