package register

import (
	"go/token"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// vars are what a host of INFRA runs.
type vars struct {
	Metrics bool   `var:"vmetrics_enabled" default:"true"`
	DNS     bool   `var:"dns_enabled" default:"true"`
	Grafana bool   `var:"grafana_enabled" default:"true"`
	Data    string `var:"infra_data" default:"/data/infra" kind:"path"`
}

// keeper is a host of INFRA.
type keeper struct {
	*inventory.Host
	vars
}

// keepers are the hosts of the group; what is wrong with one, INFRA reports.
func keepers(inv *inventory.Inventory) (all []keeper) {
	g := inv.Group("infra")
	if g == nil {
		return nil
	}
	for _, h := range g.Hosts() {
		k := keeper{Host: h}
		inventory.Bind(h, &k.vars)
		all = append(all, k)
	}
	return all
}

// victoria is the release of Pigsty from which on VictoriaMetrics stands in the place of Prometheus.
const victoria = 4

// targets is where the files of targets are.
func (k *keeper) targets(p *modules.Pass) string {
	if p.Inventory.Generation() < victoria {
		return "/etc/prometheus/targets"
	}
	return k.Data + "/targets"
}

// records is where the files with names are: it has moved twice.
func (k *keeper) records(p *modules.Pass) string {
	var v struct {
		Version string `var:"version"`
	}
	inventory.Bind(p.Inventory.All(), &v)
	version := strings.TrimPrefix(v.Version, "v")
	switch {
	case p.Inventory.Generation() < victoria:
		return "/etc/hosts.d"
	case len(version) > 2 && strings.Contains("4.0 4.1 4.2 4.3", version[:3]):
		return k.Data + "/hosts"
	}
	return "/etc/dnsmasq.d/pigsty"
}

// put wants a file on a host of INFRA. Its mode and owner are left to INFRA, which knows who reads it.
func (k *keeper) put(p *modules.Pass, pos token.Position, path, text string, after []resource.ID) {
	file := resource.NewFile([]byte(text), 0, "", "")
	p.Tend(pos, modules.FileOf(path, k.Addr), file, append(k.above(p, path), after...)...)
}

// above are the directories of a file, and the link by which they are known to people.
func (k *keeper) above(p *modules.Pass, path string) []resource.ID {
	infra := p.For("infra")
	infra.Guard, infra.Tenants = "", nil
	all := infra.Parents(k.PosIn("infra"), k.Addr, path)
	link := resource.ID{Kind: resource.KindLink, Name: "/infra", At: k.Addr}
	if strings.HasPrefix(path, k.Data+"/") && !p.Declared(link) {
		infra.Keep(k.PosIn("infra"), link, resource.Link{Target: k.Data}, all...)
	}
	return all
}
