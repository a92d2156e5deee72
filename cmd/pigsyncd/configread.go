package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"path/filepath"
	"regexp"

	"github.com/pigsync/pigsync/resource"
)

// maxConfig bounds the daemon's file, in bytes.
const maxConfig = 1 << 20

// readConfig reads the daemon's file. The error names everything that is wrong with it.
func readConfig(file string) (*config, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if len(text) > maxConfig {
		return nil, fmt.Errorf("read the configuration: %s is larger than %d MiB", file, maxConfig>>20)
	}
	c := &config{State: defaultState, Listen: defaultListen}
	d := newDecoder(file)
	d.decode(text, c)
	c.check(d)
	if err := d.err(); err != nil {
		return nil, err
	}
	c.defaults()
	base, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	c.rebase(base)
	return c, nil
}

func (c *config) defaults() {
	if c.CA == "" {
		c.CA = filepath.Join(c.State, "ca")
	}
	if len(c.SSH.KnownHosts) == 0 {
		c.SSH.KnownHosts = []string{filepath.Join(c.State, "known_hosts")}
	}
	for i := range c.Inventories {
		if c.Inventories[i].File == "" {
			c.Inventories[i].File = "pigsty.yml"
		}
	}
}

// rebase makes every path of this machine absolute.
func (c *config) rebase(base string) {
	paths := []*string{&c.State, &c.CA, &c.Helpers, &c.API.TLS.Cert, &c.API.TLS.Key, &c.API.TLS.Clients}
	for i := range c.Webhooks {
		paths = append(paths, &c.Webhooks[i].SecretFile)
	}
	for i := range c.Forges {
		paths = append(paths, &c.Forges[i].TokenFile, &c.Forges[i].CAFile)
	}
	for i := range c.Notify.Sinks {
		paths = append(paths, &c.Notify.Sinks[i].URLFile)
	}
	for i := range c.SSH.Keys {
		paths = append(paths, &c.SSH.Keys[i])
	}
	for i := range c.SSH.KnownHosts {
		paths = append(paths, &c.SSH.KnownHosts[i])
	}
	for i := range c.Inventories {
		paths = append(paths, &c.Inventories[i].Dir)
		paths = append(paths, c.Inventories[i].Secrets.paths()...)
		if g := c.Inventories[i].Git; g != nil {
			paths = append(paths, &g.PasswordFile, &g.CAFile, &g.KeyFile, &g.KnownHosts, &g.Signers, &g.Keyring)
			for j := range g.Mirrors {
				paths = append(paths, g.Mirrors[j].paths()...)
			}
			if g.PushTo != nil {
				paths = append(paths, g.PushTo.paths()...)
			}
		}
	}
	if p := c.Policies.Prometheus; p != nil {
		paths = append(paths, &p.TokenFile, &p.CAFile)
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(base, *p)
		}
	}
}

func (r *remoteConfig) paths() []*string {
	return []*string{&r.PasswordFile, &r.CAFile, &r.KeyFile, &r.KnownHosts}
}

var nameOfInventory = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// check notes what is wrong with values of the right types.
func (c *config) check(d *decoder) {
	c.checkPolicies(d)
	c.checkAPI(d)
	c.checkNotify(d)
	c.checkForges(d)
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		d.wrongAt("listen", "want host:port such as %s", defaultListen)
	}
	if len(c.Inventories) == 0 {
		d.wrongAt("inventories", "want at least one")
	}
	first := map[string]int{}
	for i, inv := range c.Inventories {
		at := fmt.Sprintf("inventories[%d]", i)
		other, taken := first[inv.Name]
		switch {
		case inv.Name == "":
			d.wrongAt(at+".name", "is required")
		case !nameOfInventory.MatchString(inv.Name):
			d.wrongAt(at+".name", "want lower-case letters, digits, _ and -, got %q", inv.Name)
		case taken:
			d.wrongAt(at+".name", "%s is the name of inventories[%d] already", inv.Name, other)
		default:
			first[inv.Name] = i
		}
		inv.check(d, at)
	}
}

func (inv inventoryConfig) check(d *decoder, at string) {
	switch {
	case inv.Git == nil && inv.Dir == "" && !d.unread[at+".dir"]:
		d.wrongAt(at, "want git or dir, got neither")
	case inv.Git != nil && inv.Dir != "":
		d.wrongAt(at, "want git or dir, got both")
	}
	if inv.Git != nil && inv.Git.URL == "" {
		d.wrongAt(at+".git.url", "is required")
	}
	if inv.Git != nil {
		inv.Git.check(d, at+".git")
	}
	inv.Secrets.check(d, at+".secrets")
	if inv.Rollback != nil && *inv.Rollback < 0 {
		d.wrongAt(at+".rollback", "want how many runs may fail before a commit is bad, 0 for any number, got %d", *inv.Rollback)
	}
	inv.checkModes(d, at)
	for i, name := range inv.Approve {
		if _, err := hazards([]string{name}); err != nil {
			d.wrongAt(fmt.Sprintf("%s.approve[%d]", at, i), "%v", err)
		}
	}
	for i, pattern := range inv.ReportOnly {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			d.wrongAt(fmt.Sprintf("%s.report_only[%d]", at, i), "want a pattern of owners such as etcd/*, got %q", pattern)
		}
	}
}

func (g *gitConfig) check(d *decoder, at string) {
	if g.Ref != "" && g.Semver != "" {
		d.wrongAt(at+".semver", "want ref or semver, got both")
	}
	if g.Signed && g.Signers == "" && g.Keyring == "" {
		d.wrongAt(at+".signed", "want signers or keyring as well: nobody's signature is known")
	}
	if g.PushTo != nil && !g.Push {
		d.wrongAt(at+".push_to", "want push: true as well: nothing is pushed")
	}
	for i, m := range g.Mirrors {
		if m.URL == "" {
			d.wrongAt(fmt.Sprintf("%s.mirrors[%d].url", at, i), "is required")
		}
	}
}

func hazards(names []string) (h resource.Hazard, err error) {
	for _, n := range names {
		var one resource.Hazard
		if err := one.UnmarshalText([]byte(n)); err != nil {
			return 0, err
		}
		h |= one
	}
	return h, nil
}
