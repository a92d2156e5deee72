package node

import (
	"bytes"
	"fmt"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

const (
	vectorDir     = "/etc/vector"
	vectorPath    = vectorDir + "/vector.yaml"
	vectorService = "/etc/systemd/system/vector.service"
	promtailPath  = "/etc/promtail/config.yml"
	promtailPort  = 9080
	lokiPort      = 3100
	// targetsDir is where promtail looks for files of further logs by itself.
	targetsDir = "/etc/promtail/targets"
	// firstVector is the release of Pigsty that ships logs with vector; those before have promtail.
	firstVector = 4
)

// vectorJudge lets vector judge all that it will read, with $2 in place of the file $1.
const vectorJudge = `own=$1; new=$2; set --; for f in ` + vectorDir + `/*.yaml; do ` +
	`if [ "$f" != "$own" ] && [ -e "$f" ]; then set -- "$@" --config-yaml "$f"; fi; done; ` +
	`exec vector validate --no-environment "$@" --config-yaml "$new"`

// LogSource is a log that a module wants to have sent away.
type LogSource struct {
	Name   string            // of the module's logs, as a name of a shell: postgres
	Paths  []string          // patterns of files
	Labels map[string]string // beside those of the node: job, ip, cls and ins
	// Start is a regular expression that a line begins with when it begins an entry; "" makes each line one.
	Start string
}

// Logs gives the log agent of a node the logs of a module: one file, which the agent reads by itself
// or by a reload in the next round. Nothing is declared where no agent runs.
func Logs(p *modules.Pass, h *inventory.Host, pos token.Position, module string, sources ...LogSource) {
	var v struct {
		Enabled bool   `var:"vector_enabled" default:"true"`
		From    string `var:"vector_read_from" default:"beginning"`
	}
	if inventory.Bind(h, &v); !v.Enabled || len(sources) == 0 {
		return
	}
	old := p.Inventory.Generation() < firstVector
	if !p.Declared(modules.FileOf(vectorPath, h.Addr)) && !(old && p.Declared(modules.DirOf(targetsDir, h.Addr))) {
		return // the agent is not ours to run
	}
	if old {
		file := resource.NewFile(render("promtail.targets", map[string]any{"IP": h.Addr, "Job": module, "Sources": sources}), 0o644, "root", "root")
		p.Tend(pos, modules.FileOf(targetsDir+"/"+module+".yml", h.Addr), file, modules.DirOf(targetsDir, h.Addr))
		return
	}
	path := vectorDir + "/" + module + ".yaml"
	p.Tend(pos, modules.FileOf(path, h.Addr), vectorFile(path, vectorSources(module, h.Addr, v.From, sources)), modules.FileOf(vectorPath, h.Addr))
}

// vectorFile is judged together with all others. A dollar would begin the name of a variable.
func vectorFile(path string, text []byte) resource.File {
	text = bytes.ReplaceAll(text, []byte("$"), []byte("$$"))
	file := resource.NewFile(text, 0o600, "root", "root")
	file.Validate = []string{"sh", "-c", vectorJudge, "vector", path, "{}"}
	return file
}

// vectorSources reads the files and labels what is in them. Whatever is called logs_ is sent away.
func vectorSources(module, ip, from string, sources []LogSource) []byte {
	type labelled struct {
		LogSource
		Sets []string
	}
	var list []labelled
	for _, s := range sources {
		labels := map[string]string{"ip": ip, "job": module}
		maps.Copy(labels, s.Labels)
		var sets []string
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			sets = append(sets, fmt.Sprintf(".%s = %q", name, labels[name]))
		}
		list = append(list, labelled{s, sets})
	}
	return render("vector.sources", map[string]any{"Module": module, "From": from, "Sources": list})
}

// logs wants the agent that sends the node's logs away.
func (c *compiler) logs(repos []resource.ID) {
	switch {
	case !c.vars.VectorEnabled:
	case c.Inventory.Generation() < firstVector:
		c.promtail(repos)
	default:
		c.vector(repos)
	}
}

func (c *compiler) vector(repos []resource.ID) {
	pos, node := c.bound.Pos("vector_enabled"), c.host.Addr
	pkg := c.install(pos, "vector", repos)
	dir := c.Keep(pos, modules.DirOf(vectorDir, node), resource.Dir{Mode: 0o755, Owner: "root", Group: "root"})
	data := c.Keep(pos, modules.DirOf(c.vars.VectorData, node), resource.Dir{Mode: 0o700, Owner: "root", Group: "root"},
		c.Parents(pos, node, c.vars.VectorData)...)
	base := vectorFile(vectorPath, render("vector.yaml", map[string]any{
		"Data": c.vars.VectorData, "Port": c.vars.VectorPort, "IP": node, "Cluster": c.vars.cluster(), "Name": c.called(), "Sinks": c.sinks(),
	}))
	base.Mode = 0o644
	started := modules.Loaded{Path: "/etc/default/vector", Content: Environment("VECTOR_CONFIG", vectorDir+"/*.yaml")}
	service := modules.Loaded{Path: vectorService, Content: render("vector.service", nil)}
	own := c.Tend(pos, modules.FileOf(vectorPath, node), base, pkg, dir, data)
	nodePath := vectorDir + "/node.yaml"
	journal := vectorFile(nodePath, render("vector.node", map[string]any{
		"IP": node, "Cluster": c.vars.cluster(), "Name": c.called(), "Now": c.vars.VectorReadFrom == "end",
	}))
	after := []resource.ID{
		own, c.Tend(pos, modules.FileOf(nodePath, node), journal, own),
		c.Tend(pos, modules.FileOf(started.Path, node), resource.NewFile(started.Content, 0o644, "root", "root"), pkg),
		c.Tend(pos, modules.FileOf(service.Path, node), resource.NewFile(service.Content, 0o644, "root", "root"), pkg),
	}
	unit := modules.Reads(resource.Unit{Active: true, Enabled: true, Noted: true, Settle: settle}, started, service,
		modules.Loaded{Path: vectorPath, Content: base.Content, Conf: true}, modules.Loaded{Path: nodePath, Content: journal.Content, Conf: true})
	unit.Loads = append(unit.Loads, resource.Load{Path: vectorDir, Files: "*.yaml", Conf: true})
	c.Tend(pos, modules.UnitOf("vector", node), unit, after...)
}

// sinks are the URLs that logs are sent to.
func (c *compiler) sinks() (urls []string) {
	for _, e := range c.vars.VectorEndpoint {
		if e == "infra" {
			urls = append(urls, c.stores()...)
			continue
		}
		urls = append(urls, strings.TrimSuffix(c.vars.expand(e, c.facts), "/"))
	}
	return slices.Compact(urls)
}

// stores are the log stores of all infra hosts.
func (c *compiler) stores() (urls []string) {
	group := c.Inventory.Group("infra")
	if group == nil {
		return nil
	}
	for _, h := range group.Hosts() {
		var v struct {
			Enabled bool `var:"vlogs_enabled" default:"true"`
			Port    int  `var:"vlogs_port" default:"9428"`
		}
		if inventory.Bind(h, &v); v.Enabled {
			urls = append(urls, "http://"+h.Addr+":"+strconv.Itoa(v.Port))
		}
	}
	return urls
}

// promtail is what releases before v4 have. It is started anew when its configuration changes, and goes on
// where it was; files of further logs it finds by itself.
func (c *compiler) promtail(repos []resource.ID) {
	pos, node := c.bound.Pos("vector_enabled"), c.host.Addr
	port := promtailPort
	if c.bound.Has("vector_port") {
		port = c.vars.VectorPort
	}
	pkg := c.install(pos, "promtail", repos)
	dir := c.Keep(pos, modules.DirOf("/etc/promtail", node), resource.Dir{Mode: 0o755, Owner: "root", Group: "root"})
	targets := c.Keep(pos, modules.DirOf(targetsDir, node), resource.Dir{Mode: 0o755, Owner: "root", Group: "root"}, dir)
	conf := modules.Loaded{Path: promtailPath, Content: render("promtail.yml", map[string]any{
		"Port": port, "Stores": c.lokis(), "IP": node, "Cluster": c.vars.cluster(), "Name": c.called(), "Targets": targetsDir,
	})}
	args := modules.Loaded{Path: "/etc/default/promtail", Content: Environment("PROMTAIL_OPTS", "-config.file="+promtailPath)}
	service := modules.Loaded{Path: "/etc/systemd/system/promtail.service", Content: render("promtail.service", nil)}
	file := resource.NewFile(conf.Content, 0o644, "root", "root")
	file.Validate = []string{"promtail", "-check-syntax", "-config.file={}"}
	after := []resource.ID{
		targets, c.Tend(pos, modules.FileOf(promtailPath, node), file, pkg, dir),
		c.Tend(pos, modules.FileOf(args.Path, node), resource.NewFile(args.Content, 0o644, "root", "root"), pkg),
		c.Tend(pos, modules.FileOf(service.Path, node), resource.NewFile(service.Content, 0o644, "root", "root"), pkg),
	}
	unit := modules.Reads(resource.Unit{Active: true, Enabled: true, Noted: true, Settle: settle}, conf, args, service)
	c.Tend(pos, modules.UnitOf("promtail", node), unit, after...)
}

// lokis are the log stores of all infra hosts in releases before v4, unless others are named.
func (c *compiler) lokis() (urls []string) {
	if c.bound.Has("vector_log_endpoint") && !slices.Equal(c.vars.VectorEndpoint, []string{"infra"}) {
		return c.sinks()
	}
	if group := c.Inventory.Group("infra"); group != nil {
		for _, h := range group.Hosts() {
			urls = append(urls, fmt.Sprintf("http://%s:%d/loki/api/v1/push", h.Addr, lokiPort))
		}
	}
	return urls
}
