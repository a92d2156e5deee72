package pgsql

import (
	"errors"
	"io/fs"
	"path"

	"github.com/pigsync/pigsync/resource"
)

// baselineOf reads the SQL that a new database begins with: from files/ beside the inventory, where Pigsty
// has it, or from where it is said to be.
func (c *cluster) baselineOf(d *Database) ([]byte, error) { return c.beside(d.Baseline) }

// beside reads a file of the repository.
func (c *cluster) beside(name string) ([]byte, error) {
	text, err := c.Inventory.Beside(path.Join("files", name))
	if err != nil {
		return c.Inventory.Beside(name)
	}
	return text, nil
}

func (c *cluster) checkBaseline(d *Database) {
	if d.Baseline == "" || d.State == "absent" {
		return
	}
	switch _, err := c.baselineOf(d); {
	case errors.Is(err, fs.ErrNotExist):
		c.Warnf(d.Pos, CodeBaseline, "database %s: there is no baseline %s: want that file beside the inventory or in its directory files (tell pigsync the directory, not the file pigsty.yml); the database is made without", d.Name, d.Baseline)
	case err != nil:
		c.Warnf(d.Pos, CodeBaseline, "database %s: baseline: %v; the database is made without", d.Name, err)
	}
}

// baseline wants it to have been run, after all else that is declared of the database.
func (c *cluster) baseline(d *Database, after []resource.ID) []resource.ID {
	if d.Baseline == "" {
		return nil
	}
	sql, err := c.baselineOf(d)
	if err != nil {
		return nil
	}
	id := resource.ID{Kind: resource.KindPGBaseline, Name: d.Name, At: c.name}
	return []resource.ID{c.Keep(d.Pos, id, resource.PGBaseline{SQL: sql}, after...)}
}
