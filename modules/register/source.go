package register

import (
	"fmt"
	"go/token"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// Database is one that dashboards read.
type Database struct {
	Name           string // "pg-test-1.app", by which dashboards know it
	Address        string // host:port
	Database, User string
	Password       string
	Major          int // of PostgreSQL
}

// sourcesDir is where Grafana finds files that say what its data sources are.
const sourcesDir = "/etc/grafana/provisioning/datasources"

// grafana is the package of Grafana on a host.
func (k *keeper) grafana() resource.ID { return modules.PackageOf("grafana", k.Addr) }

// Survey asks which hosts of INFRA have Grafana: only there is anybody who may read the passwords.
func Survey(inv *inventory.Inventory) (ids []resource.ID) {
	for _, k := range keepers(inv) {
		if k.Grafana {
			ids = append(ids, k.grafana())
		}
	}
	return ids
}

// Sources registers the databases of a cluster with every Grafana.
func Sources(p *modules.Pass, pos token.Position, name string, all []Database) {
	if len(all) == 0 {
		return
	}
	for _, k := range keepers(p.Inventory) {
		if found, _ := p.Known[k.grafana()].Spec.(resource.Package); !k.Grafana || found.Name == "" {
			continue
		}
		file := resource.NewFile([]byte(provisioning(all)), 0o640, "root", "grafana")
		file.Secret = true
		p.Tend(pos, modules.FileOf(sourcesDir+"/"+name+".yml", k.Addr), file)
	}
}

// provisioning is the file. What is not in it any more, Grafana drops by itself.
func provisioning(all []Database) string {
	var b strings.Builder
	b.WriteString("apiVersion: 1\nprune: true\ndatasources:\n")
	for _, d := range all {
		fmt.Fprintf(&b, "  - name: %s\n    uid: %[1]s\n    type: postgres\n    access: proxy\n    url: %s\n    user: %s\n", quote(d.Name), quote(d.Address), quote(d.User))
		fmt.Fprintf(&b, "    jsonData: { database: %s, sslmode: require, postgresVersion: %d, maxOpenConns: 4 }\n", quote(d.Database), d.Major*100)
		// A dollar would begin the name of a variable.
		fmt.Fprintf(&b, "    secureJsonData: { password: %s }\n", quote(strings.ReplaceAll(d.Password, "$", "$$")))
	}
	return b.String()
}
