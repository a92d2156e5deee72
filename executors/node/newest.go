package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pigsync/pigsync/resource"
)

// offer remembers what the index of a node offers until that or the packages of the node change: to ask the
// package manager takes longer than the rest of a look.
type offer struct {
	mu     sync.Mutex // guards what follows
	of     string     // what it was true of
	newest map[string]string
}

// seeNewest tells which version of a package is there and which could be. One that is not there, or not
// well, is the affair of its Package.
func (v *view) seeNewest(name string) (resource.Spec, error) {
	spec, err := v.seePackage(name)
	p, _ := spec.(resource.Package)
	if err != nil || p.Name == "" || p.Trouble != "" {
		return nil, err
	}
	newest, err := v.newest()
	if err != nil {
		return nil, err
	}
	have := resource.Newest{Installed: p.Version, Offered: p.Version}
	if offered := newest[p.Name]; offered != "" {
		have.Offered = offered
	}
	return have, nil
}

// readNewest asks for the packages of which the newest version is wanted.
func (v *view) readNewest(ctx context.Context, ids []resource.ID) (map[string]string, error) {
	m, err := v.manager()
	if err != nil {
		return nil, err
	}
	index, err := v.indexDigest(m)
	if err != nil {
		return nil, err
	}
	packages, err := v.packages()
	if err != nil {
		return nil, err
	}
	key, names := index, namesOfNewest(ids)
	for _, name := range names {
		key += " " + name + "=" + packages[name].version
	}
	o := &v.l.offer
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of != key {
		found, err := m.newest(v, ctx, names)
		if err != nil {
			return nil, err
		}
		o.of, o.newest = key, found
	}
	return o.newest, nil
}

func namesOfNewest(ids []resource.ID) (names []string) {
	for _, id := range ids {
		if id.Kind == resource.KindNewest {
			names = append(names, alternatives(id.Name)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// makeNewest installs what the index offers now.
func (w *work) makeNewest(ctx context.Context, _ resource.Newest, _ resource.Spec) error {
	m, err := w.manager()
	if err != nil {
		return err
	}
	spec, err := w.seePackage(w.id.Name)
	p, _ := spec.(resource.Package)
	switch {
	case err != nil || p.Name == "":
		return err
	case p.Held:
		return fmt.Errorf("%s is held at %s on the node and stays there: release it, or do not ask for the newest", p.Name, p.Version)
	}
	return w.bring(ctx, m, []string{p.Name})
}

// aptNewest reads the candidates of apt, which are never older than what is installed unless somebody has
// pinned them so; then apt would not move, either, and we say the same.
func (v *view) aptNewest(ctx context.Context, names []string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	out, err := v.l.run(ctx, Command{Argv: append([]string{"apt-cache", "policy", "--"}, names...)})
	if err != nil {
		return nil, said("apt-cache", out, err)
	}
	return parseCandidates(string(out)), nil
}

// parseCandidates reads which version of each package apt would install.
func parseCandidates(out string) map[string]string {
	newest := map[string]string{}
	var name string
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\r\n")
		if !strings.HasPrefix(line, " ") {
			name = strings.TrimSuffix(line, ":")
		}
		if c, ok := strings.CutPrefix(strings.TrimSpace(line), "Candidate: "); ok && c != "(none)" {
			newest[name] = c
		}
	}
	return newest
}

// dnfNewest asks for updates by what was fetched already, and refreshes nothing.
func (v *view) dnfNewest(ctx context.Context, names []string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	argv := append([]string{"dnf", "--quiet", "--cacheonly", "repoquery", "--upgrades", "--latest-limit=1", "--queryformat", `%{name} %{epoch}:%{version}-%{release}\n`}, names...)
	out, err := v.l.run(ctx, Command{Argv: argv})
	if err != nil {
		return nil, said("dnf repoquery", out, err)
	}
	return parseUpgrades(string(out)), nil
}

// parseUpgrades reads a package and its version a line.
func parseUpgrades(out string) map[string]string {
	newest := map[string]string{}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) == 2 && strings.Contains(f[1], ":") {
			newest[f[0]] = strings.TrimPrefix(f[1], "0:")
		}
	}
	return newest
}
