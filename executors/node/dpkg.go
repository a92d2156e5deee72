package node

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// dpkgPackage is what dpkg's database says of one package.
type dpkgPackage struct {
	status  string // the third word of Status: installed, unpacked, half-configured …
	broken  bool   // the second word is not ok: it needs to be installed again
	version string
}

// maxStatus bounds dpkg's database; the one of a large desktop has 5 MB.
const maxStatus = 128 << 20

var packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.:-]*$`)

// alternatives splits the name of a package's id.
func alternatives(name string) []string { return strings.Split(name, "|") }

func packageNames(ids []resource.ID) map[string]bool {
	names := map[string]bool{}
	for _, id := range ids {
		if id.Kind == resource.KindPackage {
			for _, name := range alternatives(id.Name) {
				names[name] = true
			}
		}
	}
	return names
}

// readPackages reads the database itself, which is several times faster than asking dpkg-query, and
// then the journal of a dpkg that runs or was killed.
func (v *view) readPackages(names map[string]bool) (map[string]dpkgPackage, error) {
	if err := v.needDeb(); err != nil {
		return nil, err
	}
	found := map[string]dpkgPackage{}
	if err := v.readStatus("/var/lib/dpkg/status", names, found); err != nil {
		return nil, fmt.Errorf("read the package database: %w", plain(err))
	}
	dir, err := v.open("/var/lib/dpkg/updates")
	if absent(err) {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	journal, err := namesIn(dir)
	if err != nil {
		return nil, err
	}
	slices.Sort(journal)
	for _, name := range journal {
		if strings.Trim(name, "0123456789") != "" {
			continue // tmp.i, not finished
		}
		err := v.readStatus("/var/lib/dpkg/updates/"+name, names, found)
		if err != nil && !absent(err) { // dpkg has merged it meanwhile
			return nil, fmt.Errorf("read the package journal: %w", plain(err))
		}
	}
	return found, nil
}

var (
	errRPM       = errors.New("packages of the rpm family are not supported yet")
	errNoPackage = errors.New("no package manager that is known")
)

func (v *view) needDeb() error {
	format, err := v.packageFormat()
	switch {
	case err != nil:
		return err
	case format == "rpm":
		return errRPM
	case format != "deb":
		return errNoPackage
	}
	return nil
}

func (v *view) readStatus(name string, names map[string]bool, found map[string]dpkgPackage) error {
	s, err := v.at(name)
	if err != nil {
		return err
	}
	info, err := s.dir.Lstat(s.name)
	if err != nil {
		return err
	}
	f, err := s.openFile(info)
	if err != nil {
		return err
	}
	defer shut(f)
	if info.Size() > maxStatus {
		return tooLarge(maxStatus)
	}
	return parseStatus(io.LimitReader(f, maxStatus), names, found)
}

// parseStatus reads paragraphs of a database and keeps those about names. Of a package installed for
// several architectures, the installed one counts.
func parseStatus(r io.Reader, names map[string]bool, found map[string]dpkgPackage) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var name string
	var p dpkgPackage
	seen := map[string]bool{} // in this file: a journal overrides, a second architecture does not
	flush := func() {
		if names[name] && (!seen[name] || found[name].status != "installed") {
			found[name], seen[name] = p, true
		}
		name, p = "", dpkgPackage{}
	}
	for {
		line, err := in.ReadSlice('\n')
		whole := err == nil || errors.Is(err, io.EOF)
		if whole {
			line = bytes.TrimRight(line, "\r\n")
		}
		switch {
		case len(line) == 0 && whole:
			flush()
		case bytes.HasPrefix(line, []byte("Package: ")):
			name = string(line[len("Package: "):])
		case bytes.HasPrefix(line, []byte("Status: ")):
			p.setStatus(string(line[len("Status: "):]))
		case bytes.HasPrefix(line, []byte("Version: ")):
			p.version = string(line[len("Version: "):])
		}
		for errors.Is(err, bufio.ErrBufferFull) { // nothing we look for is so long
			_, err = in.ReadSlice('\n')
		}
		if errors.Is(err, io.EOF) {
			flush()
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (p *dpkgPackage) setStatus(text string) {
	f := strings.Fields(text)
	if len(f) == 3 {
		p.broken, p.status = f[1] != "ok", f[2]
	}
}

// trouble is why a package can be called neither present nor absent.
func (p dpkgPackage) trouble() string {
	switch {
	case p.status == "installed" && p.broken:
		return "to be installed again"
	case p.status == "unpacked":
		return "unpacked, but not configured"
	case p.status == "half-configured", p.status == "triggers-awaited", p.status == "triggers-pending":
		return p.status
	case p.status == "half-installed":
		return p.status
	}
	return ""
}

func (v *view) seePackage(name string) (resource.Spec, error) {
	found, err := v.packages()
	if err != nil {
		return nil, err
	}
	var trouble resource.Spec
	for _, alt := range alternatives(name) {
		if !packageName.MatchString(alt) {
			return nil, fmt.Errorf("%q is no name for a package", alt)
		}
		p, ok := found[alt]
		switch words := p.trouble(); {
		case !ok:
		case words != "":
			trouble = resource.Package{Name: alt, Version: p.version, Trouble: words}
		case p.status == "installed":
			return resource.Package{Name: alt, Version: p.version}, nil
		}
	}
	return trouble, nil
}
