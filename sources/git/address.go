package git

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
)

// address is a repository's address, taken apart.
type address struct {
	scheme         string // "https", "ssh" or "file"
	user, password string // never shown
	host           string // without brackets
	port           int    // 0: the scheme's own
	path           string
	shown          string // how the repository is named to people: never with user or password
}

// parseAddress accepts https://, ssh://, [user@]host:path and, where local is allowed,
// file:///path and /path. Its errors quote no part that could be a credential.
func parseAddress(raw string, allowLocal bool) (address, error) {
	bad := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	switch {
	case raw == "":
		return address{}, errors.New("the repository's address is empty")
	case strings.HasPrefix(raw, "-"):
		return address{}, errors.New(`the repository's address begins with "-"`)
	case len(raw) > 4096 || strings.ContainsFunc(raw, bad):
		return address{}, errors.New("the repository's address holds a character that does not belong in one, or is too long")
	case strings.Contains(raw, "://"):
		return parseURL(raw, allowLocal)
	case strings.HasPrefix(raw, "/"):
		return localAddress(raw, allowLocal)
	}
	return parseSCP(raw)
}

func parseURL(raw string, allowLocal bool) (address, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return address{}, errors.New("the repository's address is not a URL")
	}
	switch u.Scheme {
	case "https", "ssh":
		return remoteAddress(u)
	case "file":
		if u.Host != "" && u.Host != "localhost" {
			return address{}, errors.New("file:// takes an absolute path, not a host: file:///srv/inventory.git")
		}
		return localAddress(u.Path, allowLocal)
	case "http", "git":
		return address{}, fmt.Errorf("%s:// neither proves who answers nor hides what is said: use https or ssh", u.Scheme)
	}
	return address{}, errors.New("the repository's address must be https://…, ssh://… or user@host:path")
}

func remoteAddress(u *url.URL) (address, error) {
	a := address{scheme: u.Scheme, host: u.Hostname(), path: u.Path}
	if u.Scheme == "https" {
		a.path = u.EscapedPath() // becomes part of a request line again
	}
	if u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return address{}, errors.New("the repository's address has a query or a fragment")
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return address{}, errors.New("the port in the repository's address is not one")
		}
		a.port = int(n)
	}
	if u.User != nil {
		a.user = u.User.Username()
		a.password, _ = u.User.Password()
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	a.shown = shown.String()
	return a.checked()
}

// parseSCP takes the short form of ssh, [user@]host:path; the host may be [::1].
func parseSCP(raw string) (address, error) {
	none := errors.New("the repository's address must be https://…, ssh://… or user@host:path")
	a := address{scheme: "ssh"}
	rest := raw
	if user, after, ok := strings.Cut(raw, "@"); ok && !strings.ContainsAny(user, ":/[") {
		a.user, rest = user, after
	}
	end := strings.Index(rest, ":")
	if strings.HasPrefix(rest, "[") {
		end = strings.Index(rest, "]") + 1
	}
	if end <= 0 || end >= len(rest) || rest[end] != ':' {
		return address{}, none
	}
	a.host, a.path = strings.Trim(rest[:end], "[]"), rest[end+1:]
	// user:password@host without https:// is not to be shown; name::rest is git's way of
	// naming a program to run.
	if strings.Contains(a.path, "@") || strings.HasPrefix(a.path, ":") {
		return address{}, none
	}
	a.shown = rest
	return a.checked()
}

func localAddress(path string, allowed bool) (address, error) {
	if !allowed {
		return address{}, errors.New("a repository on this machine is not allowed here: use https or ssh")
	}
	if !filepath.IsAbs(path) {
		return address{}, errors.New("the path of a repository on this machine must be absolute")
	}
	path = filepath.Clean(path)
	return address{scheme: "file", path: path, shown: path}, nil
}

// checked refuses parts that a program further on could take for an option or a second host.
func (a address) checked() (address, error) {
	if a.host == "" || strings.ContainsAny(a.host, "/@[]%") {
		return address{}, errors.New("the repository's address names no host")
	}
	if strings.Trim(a.path, "/") == "" {
		return address{}, errors.New("the repository's address names no repository on the host")
	}
	for _, part := range []string{a.user, a.host, a.path} {
		if strings.HasPrefix(part, "-") {
			return address{}, errors.New(`a part of the repository's address begins with "-"`)
		}
	}
	if a.scheme == "ssh" && a.password != "" {
		return address{}, errors.New("an ssh address takes no password: give a key file")
	}
	if a.scheme == "ssh" && a.user == "" {
		a.user = "git"
	}
	return a, nil
}
