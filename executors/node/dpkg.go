package node

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// packageState is what the database of the package manager says of one package.
type packageState struct {
	status  string // the third word of Status: installed, unpacked, half-configured …
	broken  bool   // the second word is not ok: it needs to be installed again
	held    bool   // the first word is hold: its version stays
	version string
}

// maxStatus bounds dpkg's database; the one of a large desktop has 5 MB.
const maxStatus = 128 << 20

// readDpkg reads the database itself, which is several times faster than asking dpkg-query, and then the
// journal of a dpkg that runs or was killed.
func (v *view) readDpkg(_ context.Context, names map[string]bool) (map[string]packageState, error) {
	found := map[string]packageState{}
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

func (v *view) readStatus(name string, names map[string]bool, found map[string]packageState) error {
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
func parseStatus(r io.Reader, names map[string]bool, found map[string]packageState) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var name string
	var p packageState
	seen := map[string]bool{} // in this file: a journal overrides, a second architecture does not
	flush := func() {
		if names[name] && (!seen[name] || found[name].status != "installed") {
			found[name], seen[name] = p, true
		}
		name, p = "", packageState{}
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

func (p *packageState) setStatus(text string) {
	f := strings.Fields(text)
	if len(f) == 3 {
		p.held, p.broken, p.status = f[0] == "hold", f[1] != "ok", f[2]
	}
}

// trouble is why a package can be called neither present nor absent.
func (p packageState) trouble() string {
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
