package node

import (
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// settle is how long, in seconds, a started exporter or agent must stay up: one whose port is taken ends
// within a moment of its start.
const settle = 2

// build is one of several packages of the same program, and where it keeps its things.
type build struct {
	pkg      string
	unit     string
	variable string // of /etc/default/<unit>, with the program's arguments
	own      string // the template of a unit of ours; "" for the package's
}

// nodeExporters are the packages of the node exporter, best first: Pigsty's own and Debian's.
var nodeExporters = []build{
	{pkg: "node-exporter", unit: "node_exporter", variable: "NODE_EXPORTER_OPTS", own: "node_exporter.service"},
	{pkg: "prometheus-node-exporter", unit: "prometheus-node-exporter", variable: "ARGS"},
}

// buildsOf are those builds that a system may have.
func buildsOf(f resource.Facts) []build {
	if f.Packages == "rpm" {
		return nodeExporters[:1]
	}
	return nodeExporters
}

// exporterPackage is the package of the node exporter, whichever it is.
func exporterPackage(node string, builds []build) resource.ID {
	var names []string
	for _, b := range builds {
		names = append(names, b.pkg)
	}
	return modules.PackageOf(strings.Join(names, "|"), node)
}

// surveyExporter asks which package of the node exporter a node has: the names of its files depend on it.
func surveyExporter(h *inventory.Host) (ids []resource.ID) {
	var v struct {
		Enabled bool `var:"node_exporter_enabled" default:"true"`
	}
	if inventory.Bind(h, &v); v.Enabled {
		ids = append(ids, exporterPackage(h.Addr, nodeExporters))
	}
	return ids
}

// nodeExporter wants the metrics of the node on their port. Until one of the packages is installed, what
// belongs to any of them is wanted without saying what it is.
func (c *compiler) nodeExporter(repos []resource.ID) {
	if !c.vars.ExporterEnabled {
		return
	}
	builds := c.named(buildsOf(c.facts))
	id := exporterPackage(c.host.Addr, builds)
	pkg := c.install(c.bound.Pos("node_exporter_enabled"), id.Name, repos)
	chosen := installed(c.Known[id], builds)
	for _, b := range builds {
		if chosen == nil || *chosen == b {
			c.exporter(b, chosen != nil, "node_exporter_enabled", c.exporterArgs(), pkg)
		}
	}
}

// named is the one build of those that the inventory asks for among the packages of the node, or all of them.
func (c *compiler) named(builds []build) []build {
	for i, b := range builds {
		if c.Declared(modules.PackageOf(b.pkg, c.host.Addr)) {
			return builds[i : i+1]
		}
	}
	return builds
}

// exporterArgs are the arguments of the node exporter.
func (c *compiler) exporterArgs() string {
	return strings.TrimSpace("--web.listen-address=:" + strconv.Itoa(c.vars.ExporterPort) + " " + c.vars.ExporterOptions)
}

// installed is the build of the package that is there, or the only one that can be; nil when nobody knows.
func installed(s resource.State, builds []build) *build {
	if len(builds) == 1 {
		return &builds[0]
	}
	p, _ := s.Spec.(resource.Package)
	for i, b := range builds {
		if b.pkg == p.Name {
			return &builds[i]
		}
	}
	return nil
}

// exporter wants a program that takes all it must know from its arguments: it is started anew when they
// change, and only then.
func (c *compiler) exporter(b build, known bool, param, args string, after ...resource.ID) {
	pos, node := c.bound.Pos(param), c.host.Addr
	file := modules.Loaded{Path: "/etc/default/" + b.unit, Content: Environment(b.variable, args)}
	read := []modules.Loaded{file}
	var spec, unit resource.Spec
	if known {
		spec = resource.NewFile(file.Content, 0o644, "root", "root")
	}
	files := []resource.ID{c.Tend(pos, modules.FileOf(file.Path, node), spec, after...)}
	if b.own != "" {
		service := modules.Loaded{Path: "/etc/systemd/system/" + b.unit + ".service", Content: render(b.own, nil)}
		if known {
			spec = resource.NewFile(service.Content, 0o644, "root", "root")
		}
		read, files = append(read, service), append(files, c.Tend(pos, modules.FileOf(service.Path, node), spec, after...))
	}
	if known {
		unit = modules.Reads(resource.Unit{Active: true, Enabled: true, Noted: true, Settle: settle}, read...)
	}
	c.Tend(pos, modules.UnitOf(b.unit, node), unit, files...)
}

// Environment is a file that gives a unit one variable; systemd reads it as systemd.exec(5) says.
func Environment(name, value string) []byte {
	return []byte(name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", `$`, `\$`, "\n", " ").Replace(value) + "\"\n")
}
