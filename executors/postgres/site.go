package postgres

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// site is the place of an instance that does not run. Of one that does nothing is asked.
func (l *Look) site() (resource.Spec, error) {
	s, err := l.status()
	if err == nil && s.Patroni.Scope != "" {
		return resource.PGSite{}, nil // Patroni is there, and cares for its data directory
	}
	if err != nil && !errors.Is(err, ErrStopped) && !errors.Is(err, errNotPatroni) {
		return nil, err
	}
	names, err := l.node.Names(l.seat.Data)
	if err != nil {
		return nil, err
	}
	d, err := l.onDisk()
	if err != nil {
		return nil, err
	}
	return l.empty(names, d)
}

// empty tells what lies at a place where Patroni does not run, and of one where nothing lies what else is
// in the way.
func (l *Look) empty(names []string, d disk) (p resource.PGSite, err error) {
	switch {
	case d.system != "" && !slices.Contains(names, "backup_label"):
		return resource.PGSite{Data: resource.PGWhole}, nil
	case len(names) > 0: // also a copy that no server has started upon: its last files may be missing
		slices.Sort(names)
		return resource.PGSite{Data: resource.PGTorn, Files: names[:min(len(names), 4)]}, nil
	}
	if p.Taken, err = l.taken(); err != nil {
		return p, err
	}
	said, err := l.node.Ask("locale", "-a")
	if err == nil {
		p.Locales = strings.Fields(said)
	}
	return p, nil // without an answer the locales are not known
}

// taken are the ports of the instance that somebody listens on.
func (l *Look) taken() (all []string, err error) {
	said, err := l.node.Ask("ss", "-Hltnp")
	if err != nil {
		return nil, err
	}
	rest, err := url.Parse(l.seat.REST)
	if err != nil {
		return nil, errors.New("the address of Patroni is none")
	}
	for _, port := range []string{strconv.Itoa(l.seat.Port), rest.Port()} {
		for line := range strings.Lines(said) {
			if words := strings.Fields(line); len(words) > 3 && strings.HasSuffix(words[3], ":"+port) {
				all = append(all, port+" ("+program(line)+")")
				break
			}
		}
	}
	return all, nil
}

// program is who listens, as ss names them: users:(("nginx",pid=12,fd=6)).
func program(line string) string {
	_, rest, _ := strings.Cut(line, `(("`)
	name, _, found := strings.Cut(rest, `"`)
	if !found {
		return "somebody"
	}
	return name
}
