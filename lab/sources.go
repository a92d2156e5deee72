package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
)

// errNoArchive is said where apt knows no archive of Debian to build from.
var errNoArchive = errors.New("no archive of Debian among this machine's package sources: apt-get update, or add one")

// mirrors are the two archives of Debian, as this host reaches them; security may be "".
type mirrors struct{ archive, security string }

// findMirrors takes them from the host's own apt sources.
func findMirrors(ctx context.Context) (mirrors, error) {
	out, err := run(ctx, "apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages")
	if err != nil {
		return mirrors{}, err
	}
	m := parseMirrors(out)
	if m.archive == "" {
		return m, errNoArchive
	}
	return m, nil
}

// parseMirrors reads lines of an archive's label and its address.
func parseMirrors(targets string) mirrors {
	var m mirrors
	for line := range strings.Lines(targets) {
		label, uri, _ := strings.Cut(strings.TrimSpace(line), " ")
		uri = strings.TrimSuffix(uri, "/")
		switch label {
		case "Debian":
			m.archive = cmp.Or(m.archive, uri)
		case "Debian-Security":
			m.security = cmp.Or(m.security, uri)
		}
	}
	return m
}

// sources are the apt lines of a suite.
func (m mirrors) sources(s Suite) []string {
	line := func(uri string, suite Suite) string {
		return fmt.Sprintf("deb [signed-by=%s] %s %s main", keyring, uri, suite)
	}
	lines := []string{line(m.archive, s)}
	if s == next { // it has nothing but itself yet
		return lines
	}
	lines = append(lines, line(m.archive, s+"-updates"))
	if m.security != "" {
		lines = append(lines, line(m.security, s+"-security"))
	}
	return lines
}

// aptOptions are the host's settings for reaching an archive, such as its proxy.
func aptOptions(ctx context.Context) ([]string, error) {
	out, err := run(ctx, "apt-config", "dump", "--no-empty", "--format", `%f "%v";%n`, "Acquire::http", "Acquire::https")
	if err != nil {
		return nil, err
	}
	var options []string
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line != "" {
			options = append(options, line)
		}
	}
	return options, nil
}
