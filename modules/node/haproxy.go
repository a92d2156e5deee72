package node

import (
	"bytes"
	"embed"
	"net/netip"
	"strconv"
	"strings"
	"text/template"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

//go:embed templates
var files embed.FS

var templates = template.Must(template.ParseFS(files, "templates/*"))

func render(name string, data any) []byte {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		panic(err) // the template and its data are both ours
	}
	return b.Bytes()
}

const (
	haproxyPath    = "/etc/haproxy/haproxy.cfg"
	servicesPath   = "/etc/haproxy/conf.d"
	haproxyService = "/etc/systemd/system/haproxy.service"
	// haproxyConns is how many connections one HAProxy takes, as Pigsty's.
	haproxyConns = 65535
	// haproxySettle is how long, in seconds, a started HAProxy must stay up.
	haproxySettle = 2
)

// haproxy wants the load balancer of the node. All that changes while it runs is read again by a
// reload, which leaves the connections that stand to the process that has them.
func (c *compiler) haproxy(repos []resource.ID) {
	if !c.vars.HAProxyEnabled {
		return
	}
	pos, node := c.bound.Pos("haproxy_enabled"), c.host.Addr
	pkg := c.install(pos, "haproxy", repos)
	// The package has it too, with another mode: what is there before is left as it is.
	dir := c.Keep(pos, modules.DirOf("/etc/haproxy", node), resource.Dir{Mode: 0o700, Owner: "root", Group: "root"})
	conf := c.Keep(pos, modules.DirOf(servicesPath, node), resource.Dir{Mode: 0o700, Owner: "root", Group: "root"}, dir)
	base := c.haproxyBase(pkg, dir)
	read := []modules.Loaded{base, {Path: haproxyService, Content: render("haproxy.service", nil)}}
	after := []resource.ID{
		conf, modules.FileOf(haproxyPath, node),
		c.Tend(pos, modules.FileOf(haproxyService, node), resource.NewFile(read[1].Content, 0o644, "root", "root"), pkg),
	}
	for _, s := range c.vars.Services {
		if c.Declared(modules.FileOf(servicePath(s), node)) {
			continue // a second one of this name is reported by check
		}
		f := c.haproxyFor(s, conf)
		read, after = append(read, f), append(after, modules.FileOf(f.Path, node))
	}
	unit := modules.Reads(resource.Unit{Active: true, Enabled: true, Noted: true, Settle: haproxySettle}, read...)
	unit.Loads = append(unit.Loads, resource.Load{Path: servicesPath, Files: "*.cfg", Conf: true})
	c.Tend(pos, modules.UnitOf("haproxy", node), unit, after...)
}

// haproxyBase is what all services share, and the page. It holds a password.
func (c *compiler) haproxyBase(after ...resource.ID) modules.Loaded {
	text := render("haproxy.cfg", map[string]any{
		"MaxConn": haproxyConns, "Port": c.vars.HAProxyPort, "Page": "/haproxy/" + c.called() + "/",
		"ClientTimeout": c.vars.ClientTimeout, "ServerTimeout": c.vars.ServerTimeout,
		"Auth": c.vars.HAProxyAuth, "Login": quoteWord(c.vars.HAProxyUser + ":" + c.vars.HAProxyPass.Reveal()),
	})
	file := resource.NewFile(text, 0o600, "root", "root")
	file.Secret = true
	file.Validate = haproxyJudge(haproxyPath, "*", c.vars.HAProxyPort)
	c.Tend(c.bound.Pos("haproxy_enabled"), modules.FileOf(haproxyPath, c.host.Addr), file, after...)
	return modules.Loaded{Path: haproxyPath, Content: text, Conf: true}
}

// judgeScript lets haproxy judge all that it will read, with $2 in place of the file $1. It also wants nobody
// else to listen at the port $3 ($4 narrows it to an address): that a configuration is well written does not
// mean that it can be loaded.
const judgeScript = `base=` + haproxyPath + `; own=$1; new=$2; ` +
	`if others=$(ss -Hltnp "sport = :$3 $4" | grep -v '"haproxy"'); then echo "port $3 is taken: $others"; exit 1; fi; set --; ` +
	`for f in ` + servicesPath + `/*.cfg; do if [ "$f" != "$own" ] && [ -e "$f" ]; then set -- "$@" -f "$f"; fi; done; ` +
	`if [ "$own" = "$base" ]; then base=$new; else set -- "$@" -f "$new"; fi; exec haproxy -c -q -f "$base" "$@"`

func haproxyJudge(path, ip string, port int) []string {
	where := ""
	if a, err := netip.ParseAddr(ip); err == nil && !a.IsUnspecified() {
		where = "and ( src " + ip + " or src 0.0.0.0 or src [::] )"
	}
	return []string{"sh", "-c", judgeScript, "haproxy", path, "{}", strconv.Itoa(port), where}
}

func servicePath(s Service) string { return servicesPath + "/" + s.Name + ".cfg" }

// haproxyFor is the file of a service.
func (c *compiler) haproxyFor(s Service, dir resource.ID) modules.Loaded {
	text := render("service.cfg", s)
	path := servicePath(s)
	file := resource.NewFile(text, 0o600, "root", "root")
	file.Validate = haproxyJudge(path, s.IP, s.Port)
	c.Tend(c.bound.Pos("haproxy_services"), modules.FileOf(path, c.host.Addr), file, dir, modules.FileOf(haproxyPath, c.host.Addr))
	return modules.Loaded{Path: path, Content: text, Conf: true}
}

// quoteWord writes one word of HAProxy's configuration, whatever is in it. Nothing can stand for a line
// break, which would end the line.
func quoteWord(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == 0:
			continue
		case strings.ContainsRune(" \t#\\\"'$", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
