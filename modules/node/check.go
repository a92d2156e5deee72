package node

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/notation"
)

// longestHostname is what a Linux kernel keeps.
const longestHostname = 64

var errHostnameLength = errors.New("is longer than the 64 characters a kernel keeps")

// check reports what is wrong with one node, whatever the others are.
func (c *compiler) check() {
	c.checkName()
	c.lines("node_crontab", c.vars.Crontab, CodeCron, func(line string) error {
		_, err := notation.ParseCron(line, true)
		return err
	})
	c.lines("node_default_etc_hosts", c.vars.DefaultHosts, CodeHosts, hostLine)
	c.lines("node_etc_hosts", c.vars.Hosts, CodeHosts, hostLine)
	c.lines("node_ntp_servers", c.vars.NTPServers, CodeTime, notation.TimeSource)
	c.lines("node_dns_servers", c.vars.DNSServers, CodeResolver, notation.Resolver)
	c.lines("node_dns_options", c.vars.DNSOptions, CodeResolver, notation.ResolvOption)
	c.lines("node_admin_pk_list", c.vars.PKList, CodeKey, notation.PublicKey)
	c.names("node_sysctl_params", c.vars.Sysctl, CodeSysctl, notation.Sysctl, "want the name of a kernel setting such as vm.swappiness")
	c.names("node_aliases", c.vars.Aliases, CodeAlias, notation.Alias, "want a name of letters, digits, hyphens and dots, as a shell takes for an alias")
	if zone := c.vars.Zone; zone != "" && !notation.Zone(zone) {
		c.Errorf(c.bound.Pos("node_timezone"), CodeZone, "node_timezone: want a time zone such as UTC or Europe/Berlin, got %q", zone)
	}
	c.checkServices()
	c.checkFirewall()
}

func (c *compiler) checkName() {
	name := c.vars.name()
	if name == "" {
		return
	}
	err := notation.HostName(name)
	if len(name) > longestHostname && c.vars.NameOverwrite {
		err = errHostnameLength
	}
	if err != nil && !(c.vars.namedByPG() && errors.Is(err, notation.ErrNameLetters)) { // that name is PGSQL's affair
		c.Errorf(c.namePos(), CodeName, "nodename: %q %v", name, err)
	}
}

// lines judges each line of a parameter that the inventory gives. What ${admin_ip} stands for is
// judged elsewhere; here it is as good as an address.
func (c *compiler) lines(param string, lines []string, code string, judge func(string) error) {
	if !c.bound.Has(param) {
		return
	}
	for i, line := range lines {
		line = inventory.Expand(line, map[string]string{"admin_ip": "0.0.0.0", "distro_codename": "x", "distro_name": "x"})
		if len(notation.Placeholders(line)) > 0 {
			continue
		}
		if err := judge(line); err != nil {
			item := fmt.Sprintf("%s[%d]", param, i)
			c.Errorf(c.bound.Pos(item), code, "%s: %v", item, err)
		}
	}
}

// hostLine takes what libc takes: an address and names of any letters, but no longer than DNS.
func hostLine(line string) error {
	host, err := notation.ParseHost(line)
	for _, name := range host.Names {
		if err := notation.HostName(name); err != nil && !errors.Is(err, notation.ErrNameLetters) {
			return fmt.Errorf("the name %q %w", name, err)
		}
	}
	return err
}

func (c *compiler) names(param string, m map[string]string, code string, ok func(string) bool, want string) {
	if !c.bound.Has(param) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !ok(name) {
			c.Errorf(c.keyPos(param, name), code, "%s: %s, got %q", param, want, name)
		}
	}
}

// checkNames reports nodes with one name. Two that are named by PostgreSQL have one pg_seq, and
// that is reported where it is written.
func checkNames(cs []*compiler) {
	first := map[string]*compiler{}
	for _, c := range cs {
		name := strings.ToLower(c.vars.name())
		other, taken := first[name]
		switch {
		case name == "":
		case !taken:
			first[name] = c
		case !c.vars.namedByPG() || !other.vars.namedByPG():
			c.Errorf(c.namePos(), CodeSameName, "nodename: %s is already the name of %s (%s)", name, other.host.Addr, other.namePos())
		}
	}
}

func (c *compiler) checkServices() {
	seen := map[string]int{}
	for i, s := range c.vars.Services {
		at := fmt.Sprintf("haproxy_services[%d]", i)
		if j, again := seen[s.Name]; again {
			c.Errorf(c.bound.Pos(at+".name"), CodeService, "%s.name: %s is already the name of haproxy_services[%d]", at, s.Name, j)
		}
		seen[s.Name] = i
		c.checkServers(at, s)
	}
}

func (c *compiler) checkServers(at string, s Service) {
	seen := map[string]int{}
	inside := slices.ContainsFunc(s.Servers, func(x Server) bool { return c.Inventory.Host(x.IP) != nil })
	for i, x := range s.Servers {
		item := fmt.Sprintf("%s.servers[%d]", at, i)
		if j, again := seen[x.Name]; again {
			c.Errorf(c.bound.Pos(item+".name"), CodeService, "%s.name: %s is already the name of servers[%d]", item, x.Name, j)
		}
		seen[x.Name] = i
		c.checkServer(item, s, x, inside)
	}
}

// checkServer wonders about a server that is no host when others of the service are: a slip of the
// hand is likelier than half of a service being elsewhere.
func (c *compiler) checkServer(item string, s Service, x Server, inside bool) {
	addr, err := netip.ParseAddr(x.IP)
	switch pos := c.bound.Pos(item + ".ip"); {
	case err != nil && notation.HostName(x.IP) != nil:
		c.Errorf(pos, CodeServer, "%s.ip: want an address, got %q", item, x.IP)
	case err == nil && inside && !addr.IsLoopback() && c.Inventory.Host(addr.String()) == nil:
		c.Warnf(pos, CodeServer, "%s.ip: %s is no host of this inventory, as other servers of %s are", item, x.IP, s.Name)
	}
}
