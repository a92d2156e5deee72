package node

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/register"
	"github.com/pigsync/pigsync/resource"
)

const (
	keepalivedPath = "/etc/keepalived/keepalived.conf"
	// longestAuth is how much of a password a packet of VRRP has room for.
	longestAuth = 8
	// The priorities of a node that should hold the address at first, and of the others: of equals the one
	// with the higher address of its own takes it.
	masterPriority, backupPriority = 150, 100
)

// sharers are the nodes that share the address of c, itself included, in the order of the inventory.
func sharers(cs []*compiler) map[netip.Addr][]*compiler {
	by := map[netip.Addr][]*compiler{}
	for _, c := range cs {
		if c.vars.VIPEnabled && c.vars.VIPAddress.IsValid() && c.vars.VRID > 0 {
			by[c.vars.VIPAddress] = append(by[c.vars.VIPAddress], c)
		}
	}
	return by
}

// keepalived wants the node's part in the virtual router. All that changes while it runs is read again by a
// reload, through which the address stays where it is.
func (c *compiler) keepalived(repos []resource.ID) {
	if len(c.sharers) == 0 {
		return
	}
	pos, node := c.bound.Pos("vip_enabled"), c.host.Addr
	pkg := c.install(pos, "keepalived", repos)
	dir := c.Keep(pos, modules.DirOf("/etc/keepalived", node), resource.Dir{Mode: 0o755, Owner: "root", Group: "root"})
	nic, ok := c.vipInterface()
	var spec, unit resource.Spec
	if ok {
		file := resource.NewFile(c.router(nic), 0o600, "root", "root")
		file.Secret = true
		file.Validate = []string{"keepalived", "-t", "-f", "{}"}
		spec = file
		unit = modules.Reads(resource.Unit{Active: true, Enabled: true, Noted: true, Settle: settle},
			modules.Loaded{Path: keepalivedPath, Content: file.Content, Conf: true})
	}
	file := c.Tend(pos, modules.FileOf(keepalivedPath, node), spec, pkg, dir)
	c.vipExporter(repos, c.Tend(pos, modules.UnitOf("keepalived", node), unit, file))
	c.vipName()
}

// namers are, by cluster, the first node with a shared address: a cluster has one name, which is the first's.
func namers(cs []*compiler, shared map[netip.Addr][]*compiler) map[string]*compiler {
	by := map[string]*compiler{}
	for _, c := range cs {
		if cluster := c.vars.cluster(); by[cluster] == nil && len(shared[c.vars.VIPAddress]) > 0 && c.vars.VIPEnabled {
			by[cluster] = c
		}
	}
	return by
}

// vipName registers the name of the address in DNS.
func (c *compiler) vipName() {
	if !c.namer {
		return
	}
	param := "vip_address"
	if c.bound.Has("vip_dns_suffix") {
		param = "vip_dns_suffix"
	}
	cluster := c.vars.cluster()
	register.Record(c.Pass, c.bound.Pos(param), cluster+".vip", c.vars.VIPAddress.String(), cluster+c.vars.VIPSuffix)
}

// keepalivedExporter is Pigsty's own package: no distribution has one.
var keepalivedExporter = build{
	pkg: "keepalived-exporter", unit: "keepalived_exporter", variable: "KEEPALIVED_EXPORTER_OPTS", own: "keepalived_exporter.service",
}

// vipExporter wants the metrics of keepalived, where a package source of the node offers the program. The
// address itself is no worse without them, so that there is a word of it, and the rest goes on.
func (c *compiler) vipExporter(repos []resource.ID, keepalived resource.ID) {
	param := "vip_enabled"
	if c.bound.Has("vip_exporter_port") {
		param = "vip_exporter_port"
	}
	pos, id := c.bound.Pos(param), modules.PackageOf(keepalivedExporter.pkg, c.host.Addr)
	if !c.Declared(id) {
		c.Keep(pos, id, resource.Package{Optional: true}, repos...)
	}
	have, there := c.Known[id].Spec.(resource.Package)
	if have.Unoffered {
		c.Warnf(pos, CodeLeftOut, "%s: no package source of %s offers %s: there are no metrics of keepalived", param, c.host.Addr, id.Name)
		return
	}
	args := "--web.listen-address=:" + strconv.Itoa(c.vars.VIPExporter)
	c.exporter(keepalivedExporter, there, param, args, id, keepalived)
}

// surveyVIP asks whether a node has the exporter, or nobody offers it.
func surveyVIP(h *inventory.Host) (ids []resource.ID) {
	var v struct {
		Enabled bool `var:"vip_enabled" default:"false"`
	}
	if inventory.Bind(h, &v); v.Enabled {
		ids = append(ids, modules.PackageOf(keepalivedExporter.pkg, h.Addr))
	}
	return ids
}

// vipInterface is the network interface of the shared address: the one with the host's own, unless the
// inventory names another.
func (c *compiler) vipInterface() (string, bool) {
	if c.vars.VIPInterface != "auto" {
		return c.vars.VIPInterface, true
	}
	if _, known := c.Facts(c.host.Addr); !known {
		return "", false
	}
	nic := c.facts.NIC(c.host.IP)
	if nic == "" {
		c.Errorf(c.bound.Pos("vip_address"), CodeNoNIC, "vip_interface: no network interface of %s has that address: want the name of one", c.host.Addr)
	}
	return nic, nic != ""
}

// router is keepalived's configuration. Without preemption nobody may begin as the master.
func (c *compiler) router(nic string) []byte {
	state, priority := "BACKUP", backupPriority
	if c.vars.VIPRole == "master" {
		priority = masterPriority
		if c.vars.VIPPreempt {
			state = "MASTER"
		}
	}
	var peers []string
	for _, p := range c.sharers {
		if p != c && p.host.IP.Is4() == c.host.IP.Is4() {
			peers = append(peers, p.host.Addr)
		}
	}
	slices.Sort(peers) // the order of the inventory's lines is none of keepalived's business
	return render("keepalived.conf", map[string]any{
		"Router": c.called(), "VRID": c.vars.VRID, "State": state, "Priority": priority, "Preempt": c.vars.VIPPreempt,
		"Interface": nic, "Auth": c.vipAuth(), "Own": c.host.Addr, "Peers": peers, "Address": c.vars.VIPAddress,
	})
}

// vipAuth is what the nodes show each other; VRRP for IPv6 knows no passwords.
func (c *compiler) vipAuth() string {
	if c.vars.VIPAddress.Is6() {
		return ""
	}
	pass := c.vars.VIPAuthPass.Reveal()
	if pass == "" {
		pass = fmt.Sprintf("%s-%d", c.vars.cluster(), c.vars.VRID)
	}
	return pass[:min(len(pass), longestAuth)]
}

// checkAuth reports a password that cannot be written, or of which only the beginning counts. It is not shown.
func (c *compiler) checkAuth() {
	pass, pos := c.vars.VIPAuthPass.Reveal(), c.bound.Pos("vip_auth_pass")
	unwritten := func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }
	switch {
	case strings.ContainsFunc(pass, unwritten):
		c.Errorf(pos, CodeVIPAuth, "vip_auth_pass: want visible ASCII characters and spaces, but no quotation mark and no backslash, which keepalived could not read")
	case len(pass) > longestAuth:
		c.Warnf(pos, CodeVIPAuth, "vip_auth_pass: has %d characters, of which only the first %d count", len(pass), longestAuth)
	}
}

// called is the name of the node, that of the machine where the inventory gives none.
func (c *compiler) called() string {
	if own := c.vars.name(); own != "" {
		return own
	}
	return c.facts.Hostname
}
