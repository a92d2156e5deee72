package pgsql_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/etcd"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/modules/pgsql"
	"github.com/pigsync/pigsync/resource"
)

// TestGolden compares what is wrong with an inventory, and where something is known of its nodes also what
// is wanted of them.
func TestGolden(t *testing.T) {
	modtest.Each(t, []*modules.Module{pgsql.Module}, func(t *testing.T, c *modtest.Case) {
		if _, err := os.Stat(filepath.Join(c.Dir, "known.txt")); err != nil {
			c.Golden(t, "want.txt", problems(modtest.Dump(c.Compiled, "pgsql")))
			return
		}
		c.Compiled = modules.Compile(c.Inventory, c.Known, []*modules.Module{node.Module, etcd.Module, pgsql.Module})
		c.Golden(t, "want.txt", modtest.Dump(c.Compiled, "pgsql"))
		if text := configurations(c.Compiled.Want); text != "" {
			c.Golden(t, "patroni.txt", text)
		}
	})
}

// problems is a dump as far as its first resource.
func problems(dump string) string {
	text, _, _ := strings.Cut(dump, "\n\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}

// configurations are those of Patroni, without what is secret.
func configurations(want *resource.Set) string {
	hide := strings.NewReplacer("DBUser.Replicator", "<replication>", "Patroni.API", "<api>", "Secret.App", "<app>", `password: "pg-test"`, "password: <etcd>")
	var b strings.Builder
	for r := range want.All() {
		if f, ok := r.Spec.(resource.File); ok && strings.Contains(r.ID.Name, "/conf/pg-") {
			b.WriteString(r.ID.String() + "\n" + hide.Replace(string(f.Content)) + "\n")
		}
	}
	return b.String()
}
