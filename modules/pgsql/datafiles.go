package pgsql

import (
	"path"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// ofServer are the names in a data directory that belong to PostgreSQL or to Patroni, beside those that begin
// with pg_ or postgresql.
var ofServer = []string{
	"PG_VERSION", "base", "global", "log", "postmaster.pid", "postmaster.opts", "backup_label", "tablespace_map", "backup_manifest",
	"standby.signal", "recovery.signal", "recovery.conf", "recovery.done", "current_logfiles", "patroni.dynamic.json",
}

func isOfServer(name string) bool {
	return slices.Contains(ofServer, name) || strings.HasPrefix(name, "pg_") || strings.HasPrefix(name, "postgresql.")
}

// checkFiles wants files that are there, and that take nobody's place.
func (c *cluster) checkFiles() {
	for _, m := range c.views("pg_files") {
		first := map[string]string{}
		for _, name := range m.vars.Files {
			base := path.Base(name)
			before, twice := first[base]
			first[base] = name
			switch _, err := c.beside(name); {
			case isOfServer(base):
				c.Errorf(m.pos("pg_files"), CodeDataFile, "pg_files: %s is a name of PostgreSQL's own in the data directory: want another one", base)
			case twice:
				c.Errorf(m.pos("pg_files"), CodeDataFile, "pg_files: %s and %s would be the same file", before, name)
			case err != nil:
				c.Errorf(m.pos("pg_files"), CodeDataFile, "pg_files: %v: want a file beside the inventory, or in files there", err)
			}
		}
	}
}

// dataFiles wants the files of pg_files among the data of a member whose server was seen: before that the
// directory must be empty. They go with their line.
func (i *instance) dataFiles(after ...resource.ID) {
	info, known := i.seen.Member(i.member.name())
	if !known || info.Cluster == "" || info.System == "" {
		return
	}
	for _, name := range i.vars.Files {
		text, err := i.beside(name)
		if err != nil {
			continue // checkFiles has said so
		}
		id := modules.FileOf(i.real(i.vars.Data)+"/"+path.Base(name), i.addr())
		i.Tend(i.member.at(i.pos("pg_files")), id, resource.NewFile(text, 0o600, i.vars.Dbsu, dbGroup), after...)
	}
}
