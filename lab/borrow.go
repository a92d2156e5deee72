package lab

import (
	"context"
	"path/filepath"
	"slices"
)

// next is the release after the last one that nodes run. It has packages that run on them, too.
const next Suite = "forky"

// loan is a package that a suite takes from a later one, which has it at all, or one that works.
type loan struct {
	name string
	from Suite
	to   []Suite
}

// loans need nothing of the later suite but the package itself.
func loans() []loan {
	return []loan{
		{"pg-exporter", next, []Suite{Bookworm, Trixie}},
		{"vip-manager2", Trixie, []Suite{Bookworm}},                  // its own knows only the API of etcd 2
		{"prometheus-pgbouncer-exporter", Trixie, []Suite{Bookworm}}, // its own dies
		{"prometheus-pgbackrest-exporter", Trixie, []Suite{Bookworm}},
	}
}

// lent tells whether a suite takes a package from a later one.
func lent(name string, to Suite) bool {
	return slices.ContainsFunc(loans(), func(b loan) bool { return b.name == name && slices.Contains(b.to, to) })
}

// borrow brings those of the packages into the pool that a suite takes from later ones.
func (l *Lab) borrow(ctx context.Context, s Suite, base, pool string, names []string) (files []debFile, err error) {
	wanted := map[Suite][]string{}
	for _, b := range loans() {
		if slices.Contains(b.to, s) && slices.Contains(names, b.name) {
			wanted[b.from] = append(wanted[b.from], b.name)
		}
	}
	for from, list := range wanted {
		apt, err := newTargetApt(ctx, from, base, filepath.Join(l.cfg.Cache, "apt-"+string(s)+"-"+string(from)))
		if err != nil {
			return nil, err
		}
		uris, err := run(ctx, "apt-get", slices.Concat(apt.options, []string{"download", "--print-uris"}, list)...)
		if err != nil {
			return nil, err
		}
		found := parseURIs(uris)
		if err := apt.download(ctx, pool, found); err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}
