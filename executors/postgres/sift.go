package postgres

import (
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// wanted is what a look is asked for, sorted by where it is found.
type wanted struct {
	roles, databases []string
	parameters       []string
	config           bool
	inside           map[string]*within // by database
}

// within is what is asked of the inside of one database.
type within struct {
	schemas, extensions []string
	privileges          bool
}

// sift sorts the ids of a cluster.
func sift(seat Seat, ids []resource.ID) wanted {
	w := wanted{inside: map[string]*within{}}
	for _, id := range ids {
		if id.At != seat.Cluster {
			continue
		}
		w.add(id.Kind, id.Name)
	}
	return w
}

func (w *wanted) add(k resource.Kind, name string) {
	switch k {
	case resource.KindPGRole:
		w.roles = append(w.roles, name)
	case resource.KindPGDatabase, resource.KindPGBaseline:
		w.databases = append(w.databases, name)
	case resource.KindPGCluster:
		w.config = true
	case resource.KindPGConfig:
		w.config = true
		if p := (resource.PGConfig{Path: name}).Parameter(); p != "" {
			w.parameters = append(w.parameters, strings.ToLower(p))
		}
	case resource.KindPGSchema:
		w.in(name, func(in *within, name string) { in.schemas = append(in.schemas, name) })
	case resource.KindPGExtension:
		w.in(name, func(in *within, name string) { in.extensions = append(in.extensions, name) })
	case resource.KindPGPrivileges:
		database, _, _ := strings.Cut(name, "/")
		w.in(database+"/x", func(in *within, _ string) { in.privileges = true })
	case resource.KindPGAbsent, resource.KindPGOff:
		if kind, name, ok := strings.Cut(name, "/"); ok && resource.Kind(kind) != k {
			w.add(resource.Kind(kind), name)
		}
	}
}

// in notes what is inside a database; the database itself must be looked for, too.
func (w *wanted) in(name string, note func(*within, string)) {
	database, inside, ok := resource.PGInside(name)
	if !ok {
		return
	}
	if w.inside[database] == nil {
		w.inside[database] = &within{}
	}
	note(w.inside[database], inside)
	w.databases = append(w.databases, database)
}
