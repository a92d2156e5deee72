package node

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// manager is what differs from one package manager to another.
type manager struct {
	name      *regexp.Regexp // of a package
	installed func(v *view, ctx context.Context, names map[string]bool) (map[string]packageState, error)
	offers    func(w *work, ctx context.Context, names []string) (map[string]bool, error)
	newest    func(v *view, ctx context.Context, names []string) (map[string]string, error)
	version   string // what stands between a package and its version
	simulate  func(w *work, ctx context.Context, verb string, items []string) (simulation, error)
	install   func(w *work, ctx context.Context, items []string) error
	remove    func(w *work, ctx context.Context, name string) error
	repair    func(w *work, ctx context.Context, name string) error
	fetch     func(w *work, ctx context.Context, file string, stamp repoStamp) error
	index     string         // the directory of what was fetched from package sources
	lists     *regexp.Regexp // what there says which packages are offered
	sources   []string       // the patterns of files that name package sources
}

// managers are those that a node may have, by the format of their packages.
var managers = map[string]*manager{
	"deb": {
		name:      regexp.MustCompile(`^[a-z0-9][a-z0-9+.:-]*$`),
		installed: (*view).readDpkg, offers: (*work).aptOffers, newest: (*view).aptNewest, version: "=", simulate: (*work).aptSimulate,
		install: (*work).aptInstall, remove: (*work).aptRemove, repair: (*work).repair, fetch: (*work).fetchWhole,
		index: listsDir, lists: regexp.MustCompile(`_Packages(\.[a-z0-9]+)?$`),
		sources: []string{"/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources"},
	},
	"rpm": {
		name:      regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9+._-]*$`),
		installed: (*view).readRPM, offers: (*work).dnfOffers, newest: (*view).dnfNewest, version: "-", simulate: (*work).dnfSimulate,
		install: (*work).dnfInstall, remove: (*work).dnfRemove, repair: (*work).dnfRepair, fetch: (*work).dnfFetch,
		index: "/var/cache/dnf", lists: regexp.MustCompile(`\.solv$`),
		sources: []string{"/etc/yum.repos.d/*.repo"},
	},
}

var errNoPackage = errors.New("no package manager that is known")

func (v *view) manager() (*manager, error) {
	format, err := v.packageFormat()
	if err != nil {
		return nil, err
	}
	m, ok := managers[format]
	if !ok {
		return nil, errNoPackage
	}
	return m, nil
}

// item is how a command names a version of a package.
func (m *manager) item(name, version string) string {
	if version == "" {
		return name
	}
	return name + m.version + version
}

// simulation is what a package manager would do.
type simulation struct{ installed, upgraded, downgraded, removed []string }

// alternatives splits the name of a package's id.
func alternatives(name string) []string { return strings.Split(name, "|") }

func packageNames(ids []resource.ID) map[string]bool {
	names := map[string]bool{}
	for _, id := range ids {
		if id.Kind == resource.KindPackage || id.Kind == resource.KindNewest {
			for _, name := range alternatives(id.Name) {
				names[name] = true
			}
		}
	}
	return names
}

// readPackages reads what is installed of names.
func (v *view) readPackages(ctx context.Context, names map[string]bool) (map[string]packageState, error) {
	m, err := v.manager()
	if err != nil {
		return nil, err
	}
	return m.installed(v, ctx, names)
}

func (v *view) seePackage(name string) (resource.Spec, error) {
	found, err := v.packages()
	if err != nil {
		return nil, err
	}
	m, err := v.manager()
	if err != nil {
		return nil, err
	}
	var trouble resource.Package
	for _, alt := range alternatives(name) {
		if !m.name.MatchString(alt) {
			return nil, fmt.Errorf("%q is no name for a package", alt)
		}
		p, ok := found[alt]
		switch words := p.trouble(); {
		case !ok:
		case words != "":
			trouble = resource.Package{Name: alt, Version: p.version, Trouble: words, Held: p.held}
		case p.status == "installed":
			return resource.Package{Name: alt, Version: p.version, Held: p.held}, nil
		}
	}
	if trouble.Trouble != "" {
		return v.half(trouble)
	}
	return v.seeUnoffered(m, name)
}

// leftOut is the stamp of a package that no source offered.
type leftOut struct{ Index string }

// seeUnoffered tells whether a package was left out because no source offers it, and none has said
// anything new since.
func (v *view) seeUnoffered(m *manager, name string) (resource.Spec, error) {
	var stamp leftOut
	if err := v.stamp("leftout", name, &stamp); err != nil || stamp.Index == "" {
		return nil, err
	}
	now, err := v.indexDigest(m)
	if err != nil || now != stamp.Index {
		return nil, err
	}
	return resource.Package{Unoffered: true}, nil
}

// indexDigest is another one when the package sources offer something else.
func (v *view) indexDigest(m *manager) (string, error) {
	dir, err := v.open(m.index)
	if absent(err) {
		return digestOf(nil), nil
	}
	if err != nil {
		return "", err
	}
	names, err := namesIn(dir)
	if err != nil {
		return "", err
	}
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names {
		if !m.lists.MatchString(name) {
			continue
		}
		info, err := dir.Lstat(name)
		if err != nil {
			return "", err // it is being replaced: the next look will tell
		}
		fmt.Fprintf(&text, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
	}
	return digestOf([]byte(text.String())), nil
}
