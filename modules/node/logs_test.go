package node_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/resource"
)

// TestLogsOfAModule shows what the logs of another module become, by the agent of the inventory's release.
func TestLogsOfAModule(t *testing.T) {
	other := &modules.Module{Name: "app", Compile: func(p *modules.Pass) {
		for _, h := range p.Inventory.Hosts() {
			node.Logs(p.For("app/"+h.Addr), h, h.Pos, "app",
				node.LogSource{Name: "server", Paths: []string{"/var/log/app/*.log", "/srv/app.log"}, Labels: map[string]string{"cls": "a \"b\""}},
				node.LogSource{Name: "slow", Paths: []string{"/var/log/slow"}, Start: `^\d{4}-|^$`})
			node.Logs(p.For("app/"+h.Addr), h, h.Pos, "nothing")
		}
	}}
	modtest.Each(t, []*modules.Module{node.Module, other}, func(t *testing.T, c *modtest.Case) {
		if !strings.HasPrefix(filepath.Base(c.Dir), "logs") {
			t.Skip("is not about logs")
		}
		var b strings.Builder
		for r := range c.Compiled.Want.All() {
			if f, ok := r.Spec.(resource.File); ok && strings.HasPrefix(r.Owner, "app/") {
				fmt.Fprintf(&b, "%s after %v\n%s\n", r.ID, r.After, []byte(f.Content))
			}
		}
		c.Golden(t, "app.txt", b.String())
	})
}
