package node_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/executors/postgres/pgtest"
	"github.com/pigsync/pigsync/resource"
)

// BenchmarkPostgres looks at a cluster of Pigsty's size, one node of it: thirty keys of the configuration,
// thirty roles, two databases with schemas, extensions and rights. It reports what the helper takes.
func BenchmarkPostgres(b *testing.B) {
	c := pgtest.Start(b, 1)
	var p *process
	f := &node.Fleet{Open: func(context.Context, string) (io.ReadWriteCloser, error) {
		p = spawn(b, "/", nil)
		return p, nil
	}}
	b.Cleanup(func() { f.Close() })
	f.SetPostgres([]resource.PGPlace{c.Place})
	ids := pgMany(c)
	for b.Loop() {
		for id, s := range f.Observe(b.Context(), ids) {
			if s.Err != nil {
				b.Fatal(id, s.Err)
			}
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	must(b, err)
	for line := range strings.Lines(string(status)) {
		if words := strings.Fields(line); words[0] == "VmRSS:" || words[0] == "VmHWM:" {
			kb, err := strconv.ParseFloat(words[1], 64)
			must(b, err)
			b.ReportMetric(kb/1024, strings.TrimSuffix(words[0], ":")+"-MB")
		}
	}
}

func pgMany(c *pgtest.Cluster) []resource.ID {
	ids := []resource.ID{
		resource.PGClusterOf(pgtest.Name), resource.PGMemberOf(c.Instance(1), c.Node(1)), c.ID(resource.KindPGHealth, pgtest.Name),
		{Kind: resource.KindPGLoaded, Name: c.Instance(1), At: c.Node(1)},
	}
	for i := range 30 {
		ids = append(ids, c.ID(resource.KindPGConfig, "postgresql/parameters/p"+strconv.Itoa(i)), c.ID(resource.KindPGRole, "r"+strconv.Itoa(i)))
	}
	for _, database := range []string{"postgres", "template1"} {
		ids = append(ids, c.ID(resource.KindPGDatabase, database), c.ID(resource.KindPGPrivileges, database))
		for _, name := range []string{"public", "monitor", "plpgsql", "pg_stat_statements", "cube"} {
			ids = append(ids, c.ID(resource.KindPGSchema, resource.PGIn(database, name)), c.ID(resource.KindPGExtension, resource.PGIn(database, name)))
		}
	}
	return ids
}
