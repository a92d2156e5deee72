package distro

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Package is one item of a list.
type Package struct {
	Name    string // as the name of a resource.Package: alternatives, best first
	Version string // "" for any
	Alias   string // the alias that stands for it, "" for none
	// Optional says that what the alias is for can be done without it, where nobody offers it.
	Optional bool
}

// Newest is the version that asks for whatever is offered last.
const Newest = "latest"

// What is wrong with an item of a list.
var (
	errItem    = errors.New("want the name of a package, and at most a version after it as in etcd=3.5.16-1")
	errVersion = errors.New("want a version after the =, which may end in *, or neither")
	errFamily  = errors.New("is no name of a package on Debian and its like: small letters, digits, +, - and dots")
	errPinned  = errors.New("is an alias of several packages, which have no version in common")
)

var (
	anyName     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._-]*$`)
	debianName  = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]*$`)
	versionText = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+:~^_-]*\*?$`)
)

// Parse reads an item of a list, which holds no placeholder any more.
func Parse(item string) (Package, error) {
	name, version, pinned := strings.Cut(item, "=")
	for alternative := range strings.SplitSeq(name, "|") {
		if !anyName.MatchString(alternative) {
			return Package{}, errItem
		}
	}
	if pinned && !versionText.MatchString(version) {
		return Package{}, errVersion
	}
	return Package{Name: name, Version: version}, nil
}

// Packages resolves an item of a list: an alias becomes what it stands for, anything else is the name of
// a package. postgres is the release that $v and ${pg_version} stand for. On a system that nobody knows
// an alias is no alias.
func (s System) Packages(item, postgres string) ([]Package, error) {
	p, err := Parse(release(item, postgres))
	if err != nil {
		return nil, err
	}
	members, alias := s.members(p.Name)
	switch {
	case alias && p.Version != "" && p.Version != Newest:
		return nil, fmt.Errorf("%s %w", p.Name, errPinned)
	case alias:
		return aliased(p, members, postgres), nil
	case s.Family == Debian && !s.canHave(p.Name):
		return nil, fmt.Errorf("%s %w", p.Name, errFamily)
	}
	return []Package{p}, nil
}

func aliased(alias Package, members []string, postgres string) []Package {
	var out []Package
	for _, name := range members {
		name, optional := strings.CutSuffix(name, optionalMark)
		out = append(out, Package{Name: release(name, postgres), Version: alias.Version, Alias: alias.Name, Optional: optional})
	}
	return out
}

func (s System) canHave(name string) bool {
	return !slices.ContainsFunc(strings.Split(name, "|"), func(n string) bool { return !debianName.MatchString(n) })
}

// release puts the release of PostgreSQL where an item asks for it.
func release(item, postgres string) string {
	if !strings.Contains(item, "$") {
		return item
	}
	return strings.NewReplacer("${pg_version}", postgres, "$v", postgres).Replace(item)
}

// members are what an alias stands for, those of aliases within it included.
func (s System) members(alias string) (out []string, ok bool) {
	listed, ok := aliases[alias][s.Family]
	for _, name := range listed {
		if inner, nested := s.members(name); nested {
			out = append(out, inner...)
			continue
		}
		out = append(out, name)
	}
	return out, ok
}

// Aliases are the names of all aliases, sorted.
func Aliases() []string {
	var out []string
	for name := range aliases {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Defaults are the packages that every node has unless its inventory says otherwise.
func (s System) Defaults() []string {
	if s.Family == "" {
		return nil
	}
	return slices.Concat(everywhere, further[s.Family])
}
