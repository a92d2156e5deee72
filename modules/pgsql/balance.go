package pgsql

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

const (
	balancerConf = "/etc/haproxy/haproxy.cfg"
	balancerDir  = "/etc/haproxy/conf.d"
)

// services declares a file for each of the cluster's services on every host that balances for it. HAProxy
// itself is the node's: it reads its directory again when a file comes, changes or goes.
func (c *cluster) services() {
	for _, s := range c.serviceList() {
		text := c.service(s)
		for _, h := range c.balancers() {
			c.serviceOn(h, s, text)
		}
	}
}

// serviceList are the default services and the cluster's own.
func (c *cluster) serviceList() (all []*Service) {
	v := &c.head().vars
	for _, list := range [][]Service{v.DefaultServices, v.Services} {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	return all
}

func (c *cluster) serviceOn(h *inventory.Host, s *Service, text []byte) {
	id := modules.FileOf(balancerDir+"/"+c.name+"-"+s.Name+".cfg", h.Addr)
	after := []resource.ID{}
	for _, need := range []resource.ID{modules.DirOf(balancerDir, h.Addr), modules.FileOf(balancerConf, h.Addr), c.authority(h)} {
		if c.Declared(need) {
			after = append(after, need)
		}
	}
	if c.Declared(id) || len(after) == 0 {
		return // a second one of the name is reported, and without a balancer there is nowhere to put it
	}
	file := resource.NewFile(text, 0o600, "root", "root")
	file.Validate = []string{"haproxy", "-c", "-q", "-f", balancerConf, "-f", "{}"}
	c.Tend(c.head().at(s.Pos), id, file, after...)
}

// authority is the certificate by which a balancer knows a member's Patroni, where that speaks TLS.
func (c *cluster) authority(h *inventory.Host) resource.ID {
	return modules.FileOf(nodeCA, h.Addr)
}

// backend is a member behind a service.
type backend struct {
	*member
	Name, Addr  string
	Port, Check int
	Weight      int
	Backup      bool
	TLS         bool
}

func (c *cluster) service(s *Service) []byte {
	times := c.balancing()
	return render("service.cfg", map[string]any{
		"Name": c.name + "-" + s.Name, "IP": s.IP, "Port": s.Port, "MaxConn": s.MaxConn, "Balance": s.Balance, "Check": s.Check,
		"Options": cmp.Or(s.Options, times), "Servers": c.backends(s),
	})
}

// balancing are the timings of the health checks: how soon a balancer follows a failover.
func (c *cluster) balancing() string {
	v := &c.head().vars
	plan := v.RTOPlan[v.RTO]
	if len(plan) != 10 {
		if plan = v.RTOPlan["norm"]; len(plan) != 10 {
			plan = strings.Fields("30 5 10 25 5 2s 1s 2s 3 3")
		}
	}
	return "inter " + plan[5] + " fastinter " + plan[6] + " downinter " + plan[7] + " rise " + plan[8] + " fall " + plan[9] +
		" on-marked-down shutdown-sessions slowstart 30s maxconn 3000 maxqueue 128"
}

// backends are the members that a service picks, and after them those it has as a last resort.
func (c *cluster) backends(s *Service) (all []backend) {
	picked, spare := c.picks(s.Selector), c.picks(s.Backup)
	for _, m := range c.members {
		if slices.Contains(picked, m) {
			all = append(all, c.backend(m, s, slices.Contains(spare, m)))
		}
	}
	for _, m := range spare {
		if !slices.Contains(picked, m) {
			all = append(all, c.backend(m, s, true))
		}
	}
	return all
}

func (c *cluster) backend(m *member, s *Service, spare bool) backend {
	return backend{
		member: m, Name: m.name(), Addr: m.addr(), Port: m.destination(s), Check: m.vars.PatroniPort,
		Weight: m.vars.Weight, Backup: spare, TLS: m.vars.PatroniSSL,
	}
}

// destination is the port of a member that a service leads to.
func (m *member) destination(s *Service) int {
	dest := s.Dest
	if dest == "default" {
		dest = m.vars.ServiceDest
	}
	switch dest {
	case "postgres":
		return m.vars.Port
	case "pgbouncer":
		return m.vars.PoolPort
	}
	n, _ := strconv.Atoi(dest) // its pattern lets nothing else through
	return n
}

// picks are the members that an expression selects; what is wrong with one, checkServices tells.
func (c *cluster) picks(expression string) (all []*member) {
	if expression == "" {
		return nil
	}
	sel, _, err := compileSelector(expression)
	if err != nil {
		return nil
	}
	found, err := sel.query.Search(c.hostvars())
	list, _ := found.([]any)
	if err != nil {
		return nil
	}
	for _, item := range list {
		vars, _ := item.(map[string]any)
		for _, m := range c.members {
			if vars["inventory_hostname"] == m.addr() {
				all = append(all, m)
			}
		}
	}
	return all
}
