package node

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/distro"
	"github.com/pigsync/pigsync/resource"
)

const (
	keyBegins = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	keyEnds   = "-----END PGP PUBLIC KEY BLOCK-----"
)

// key is the text of the key that the source is signed with, "" when the inventory does not have it.
func (s *Source) key() string {
	if text := strings.TrimSpace(s.Meta["gpgkey"]); strings.HasPrefix(text, keyBegins) {
		return text + "\n"
	}
	return ""
}

// keyFile is where the key is on the node, "" when it is not known to be there.
func (s *Source) keyFile(system distro.System) string {
	if s.key() != "" {
		return system.Names().Keys + "/" + s.Name + ".asc"
	}
	if path := strings.TrimPrefix(s.Meta["gpgkey"], "file://"); strings.HasPrefix(path, "/") {
		return path
	}
	return ""
}

// sourceFile is what the file of a module says, and which of its sources bring a key.
func (c *compiler) sourceFile(system distro.System, sources []Source) (string, []Source) {
	var text strings.Builder
	var keys []Source
	for _, s := range sources {
		if s.key() != "" {
			keys = append(keys, s)
		}
		url := c.vars.expand(s.url(c.vars.Region), c.facts)
		if system.Family == distro.EL {
			text.WriteString(section(system, s, url))
			continue
		}
		text.WriteString(sourceLine(system, s, url))
	}
	return text.String(), keys
}

// sourceLine is a line of apt's. Sources without a key are trusted, as Pigsty does.
func sourceLine(system distro.System, s Source, url string) string {
	off := ""
	if s.Meta["enabled"] == "0" {
		off = "# "
	}
	option := "trusted=yes"
	if file := s.keyFile(system); file != "" {
		option = "signed-by=" + file
	}
	return fmt.Sprintf("%sdeb [%s] %s\n", off, option, url)
}

// section is a source of dnf's: options of ours, then those of meta, which win.
func section(system distro.System, s Source, url string) string {
	options := map[string]string{"name": s.Name, "enabled": "1", "gpgcheck": "0"}
	if s.Description != "" {
		options["name"] = s.Description
	}
	if s.Module == "pgsql" && (system.Major() == "8" || system.Major() == "9") {
		options["module_hotfixes"] = "1" // or the streams of EL's own PostgreSQL hide these packages
	}
	maps.Copy(options, s.Meta)
	if s.key() != "" {
		options["gpgkey"] = "file://" + s.keyFile(system)
		if _, said := s.Meta["gpgcheck"]; !said {
			options["gpgcheck"] = "1"
		}
	}
	options["baseurl"] = strings.ReplaceAll(url, "$releasever", s.release(system))
	var text strings.Builder
	fmt.Fprintf(&text, "[%s]\n", s.Name)
	for _, name := range slices.Sorted(maps.Keys(options)) {
		fmt.Fprintf(&text, "%s=%s\n", name, options[name])
	}
	return text.String() + "\n"
}

// release is what $releasever stands for: the major release, but for sources that are laid out by minor
// ones. Those of EPEL and of the PostgreSQL project are from some release on.
func (s *Source) release(system distro.System) string {
	major, _ := strconv.Atoi(system.Major())
	_, rest, _ := strings.Cut(system.Release, ".")
	minor, _ := strconv.Atoi(rest)
	name := strings.ToLower(s.Name)
	byMinor := strings.HasPrefix(name, "pgdg") && (major >= 10 || major == 9 && minor >= 6)
	switch {
	case s.Minor || byMinor:
		return system.Release
	case strings.HasPrefix(name, "epel") && major >= 10:
		return system.Major() + "z"
	}
	return system.Major()
}

// sourceKeys wants the key of each source where its file says that it is.
func (c *compiler) sourceKeys(system distro.System, sources []Source) (ids []resource.ID) {
	for _, s := range sources {
		pos, file := c.bound.Pos("repo_upstream"), modules.FileOf(s.keyFile(system), c.host.Addr)
		if !c.Declared(file) {
			spec := resource.NewFile([]byte(s.key()), 0o644, "root", "root")
			c.Tend(pos, file, spec, c.Parents(pos, c.host.Addr, file.Name)...)
		}
		ids = append(ids, file)
	}
	return ids
}

// checkSources judges what would make a file that the package manager cannot read.
func (c *compiler) checkSources() {
	first := map[string]int{}
	for i, s := range c.vars.Upstream {
		at := fmt.Sprintf("repo_upstream[%d]", i)
		if s.url(c.vars.Region) == "" {
			c.Errorf(c.bound.Pos(at+".baseurl"), CodeNoURL, "%s.baseurl: %s has no URL for the region %s, and none by default", at, s.Name, c.vars.Region)
		}
		if key := s.Meta["gpgkey"]; strings.HasPrefix(strings.TrimSpace(key), "-----") && (s.key() == "" || !strings.HasSuffix(strings.TrimSpace(key), keyEnds)) {
			c.Errorf(c.bound.Pos(at+".meta"), CodeOption, "%s.meta.gpgkey: want a public key from %q to %q, a path or a URL", at, keyBegins, keyEnds)
		}
		c.checkOptions(at, s)
		id := s.Module + "/" + s.Name
		if j, again := first[id]; again && c.fits(s) && c.fits(c.vars.Upstream[j]) {
			c.Warnf(c.bound.Pos(at+".name"), CodeTwoSources, "%s.name: %s is already the name of repo_upstream[%d], for the same systems: yum takes the last one", at, s.Name, j)
		}
		first[id] = i
	}
}

func (c *compiler) checkOptions(at string, s Source) {
	for _, name := range slices.Sorted(maps.Keys(s.BaseURL)) {
		if strings.ContainsAny(s.BaseURL[name], "\n\r") {
			c.Errorf(c.bound.Pos(at+".baseurl"), CodeOption, "%s.baseurl.%s: want one line", at, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Meta)) {
		if value := s.Meta[name]; strings.ContainsAny(name, "\n\r=[] ") || strings.ContainsAny(value, "\n\r") && name != "gpgkey" {
			c.Errorf(c.bound.Pos(at+".meta"), CodeOption, "%s.meta: want options of one line each, got %q", at, name)
		}
	}
}
