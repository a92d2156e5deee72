package inventory

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A date, or a date and a time, as PyYAML recognizes them without quotes.
var (
	dateForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	timeForm = regexp.MustCompile(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?[ \t]*(Z|[-+][0-9]{1,2}(?::[0-9]{2})?)?$`)
)

func isStamp(s string) bool {
	if len(s) < 8 || s[4] != '-' || s[0] < '0' || s[0] > '9' {
		return false
	}
	return dateForm.MatchString(s) || timeForm.MatchString(s) && strings.TrimRight(s, " \t") == s
}

// pythonStamp prints a date or a time as Python's str does; not when there is no such day.
func pythonStamp(s string) (string, bool) {
	if dateForm.MatchString(s) {
		_, err := time.Parse(time.DateOnly, s)
		return s, err == nil && s[:4] != "0000"
	}
	m := timeForm.FindStringSubmatch(s)
	text := fmt.Sprintf("%s-%02s-%02s %02s:%s:%s", m[1], m[2], m[3], m[4], m[5], m[6])
	if _, err := time.Parse(time.DateTime, text); err != nil || m[1] == "0000" {
		return "", false
	}
	if micros := (m[7] + "000000")[:6]; micros != "000000" {
		text += "." + micros
	}
	zone, ok := pythonZone(m[8])
	return text + zone, ok
}

// pythonZone prints an offset from UTC as Python does: empty when there is none.
func pythonZone(s string) (string, bool) {
	if s == "" {
		return "", true
	}
	if s == "Z" {
		return "+00:00", true
	}
	hours, minutes, _ := strings.Cut(s[1:], ":")
	h, _ := strconv.Atoi(hours) // the form lets only digits pass
	m, _ := strconv.Atoi(minutes)
	total := 60*h + m
	if total >= 24*60 {
		return "", false
	}
	sign := s[:1]
	if total == 0 {
		sign = "+"
	}
	return fmt.Sprintf("%s%02d:%02d", sign, total/60, total%60), true
}
