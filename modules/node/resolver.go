package node

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

const (
	// resolverMarker is around our part of resolv.conf, or of the file it is made from.
	resolverMarker = "pigsty dns"
	resolvedConf   = "/etc/systemd/resolved.conf.d/pigsty.conf"
	networkConf    = resource.NetworkManagerDNS
	dhclientHook   = "/etc/dhcp/dhclient-enter-hooks.d/pigsty"
)

// resolver has names looked up by the servers of the inventory. Whoever writes resolv.conf on the node is
// told of them, and never written over: what is written twice is never settled. All of it is guarded.
func (c *compiler) resolver() {
	if c.vars.DNSMethod == "none" {
		return
	}
	d := dns{servers: c.dnsServers(), alone: c.vars.DNSMethod == "overwrite", lines: map[string][]string{}}
	for _, line := range c.vars.DNSOptions {
		if words := strings.Fields(line); len(words) > 1 {
			d.lines[words[0]] = append(d.lines[words[0]], words[1:]...)
		}
	}
	switch c.facts.Resolver {
	case "resolved":
		c.resolved(d)
	case "networkmanager":
		c.networkManager(d)
	case "resolvconf":
		c.dnsBlock("/etc/resolvconf/resolv.conf.d/head", d.resolvConf(), false, "resolvconf", "-u")
	case "openresolv":
		c.dnsBlock("/etc/resolvconf.conf", d.openresolv(), false, "resolvconf", "-u")
	default:
		c.dnsBlock("/etc/resolv.conf", d.resolvConf(), d.alone)
	}
	c.staticResolver()
}

// dns is what the inventory says of the resolver.
type dns struct {
	servers []string
	alone   bool                // no other server counts
	lines   map[string][]string // the words of other lines by the first one: options, search, domain, sortlist
}

func (c *compiler) dnsServers() (servers []string) {
	for _, s := range c.vars.DNSServers {
		if s = strings.TrimSpace(c.vars.expand(s, c.facts)); s != "" && !slices.Contains(servers, s) {
			servers = append(servers, s)
		}
	}
	return servers
}

func (d dns) searches() []string { return append(d.lines["search"], d.lines["domain"]...) }

// resolvConf are lines of resolv.conf itself.
func (d dns) resolvConf() string {
	var b strings.Builder
	for _, s := range d.servers {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	for _, word := range []string{"domain", "search", "sortlist", "options"} {
		if values := d.lines[word]; len(values) > 0 {
			fmt.Fprintf(&b, "%s %s\n", word, strings.Join(values, " "))
		}
	}
	return b.String()
}

// openresolv are lines of resolvconf.conf, which is a shell script.
func (d dns) openresolv() string {
	var b strings.Builder
	for _, v := range []struct {
		name  string
		words []string
	}{{"name_servers", d.servers}, {"search_domains", d.searches()}, {"resolv_conf_options", d.lines["options"]}} {
		if len(v.words) > 0 {
			fmt.Fprintf(&b, "%s='%s'\n", v.name, strings.ReplaceAll(strings.Join(v.words, " "), "'", ""))
		}
	}
	return b.String()
}

// dnsBlock puts our lines before those of others. Without activate the file is read each time.
func (c *compiler) dnsBlock(path, text string, alone bool, activate ...string) {
	block := resource.NewGuarded([]byte(text), 0, "", "")
	block.Alone, block.Activate, block.Deactivate = alone, activate, activate
	id := resource.ID{Kind: resource.KindGuarded, Name: resource.LinesName(path, resolverMarker), At: c.host.Addr}
	c.Tend(c.bound.Pos("node_dns_servers"), id, block)
}

// resolved tells systemd-resolved, which asks ours and those of the links; with the domain "~." only ours.
// The options of resolv.conf are not its own.
func (c *compiler) resolved(d dns) {
	text, domains := "# written by pigsync\n[Resolve]\n", d.searches()
	if d.alone {
		text += "DNS=\n"
		domains = append([]string{"~."}, domains...)
	}
	text += fmt.Sprintf("DNS=%s\n", strings.Join(d.servers, " "))
	if len(domains) > 0 {
		text += fmt.Sprintf("Domains=%s\n", strings.Join(domains, " "))
	}
	dir := c.Keep(c.bound.Pos("node_dns_servers"), modules.DirOf("/etc/systemd/resolved.conf.d", c.host.Addr), resource.Dir{})
	c.dnsFile(resolvedConf, text, []string{"systemctl", "reload-or-restart", "systemd-resolved.service"}, dir)
}

// networkManager tells NetworkManager, which knows servers for all connections or for each: the ones it had
// before us are kept beside ours when ours are added.
func (c *compiler) networkManager(d dns) {
	servers := d.servers
	before := strings.Fields(c.facts.Nameservers)
	before = slices.DeleteFunc(before, func(s string) bool { return slices.Contains(servers, s) })
	if !d.alone {
		servers = append(slices.Clone(servers), before...)
	}
	text := resource.BeforeUs + strings.Join(before, " ") + "\n[global-dns]\n"
	if domains := d.searches(); len(domains) > 0 {
		text += fmt.Sprintf("searches=%s\n", strings.Join(domains, ","))
	}
	if options := d.lines["options"]; len(options) > 0 {
		text += fmt.Sprintf("options=%s\n", strings.Join(options, ","))
	}
	text += fmt.Sprintf("[global-dns-domain-*]\nservers=%s\n", strings.Join(servers, ","))
	c.dnsFile(networkConf, text, []string{"systemctl", "reload", "NetworkManager.service"})
}

func (c *compiler) dnsFile(path, text string, activate []string, after ...resource.ID) {
	file := resource.NewGuarded([]byte(text), 0o644, "root", "root")
	file.Activate, file.Deactivate = activate, activate
	id := resource.ID{Kind: resource.KindGuarded, Name: path, At: c.host.Addr}
	c.Tend(c.bound.Pos("node_dns_servers"), id, file, after...)
}

// staticResolver keeps dhclient from writing over a resolv.conf that is ours.
func (c *compiler) staticResolver() {
	if !c.vars.StaticNetwork || c.facts.Resolver != "dhclient" {
		return
	}
	hook := resource.NewFile([]byte("# written by pigsync: resolv.conf is managed\nmake_resolv_conf() { :; }\n"), 0o644, "root", "root")
	c.Tend(c.bound.Pos("node_static_network"), modules.FileOf(dhclientHook, c.host.Addr), hook)
}
