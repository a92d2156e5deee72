package pgsql

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/modules/notation"
	"github.com/pigsync/pigsync/modules/pgsql/catalog"
)

// checkVersion wants a release that Pigsty has packages for.
func (c *cluster) checkVersion() {
	for _, m := range c.views("pg_version") {
		switch v := m.vars.Version; {
		case v < catalog.First || v > catalog.Last:
			c.Errorf(m.pos("pg_version"), CodeVersion, "pg_version: want a major release in %d..%d, got %d", catalog.First+1, catalog.Last, v) // the first gets no more corrections
		case v == catalog.First:
			c.Warnf(m.pos("pg_version"), CodeVersion, "pg_version: PostgreSQL %d gets no more corrections: want %d or later", v, v+1)
		}
	}
}

// templates are the presets that come with Pigsty; engines with ones of their own have them called so.
var templates = []string{"oltp", "olap", "crit", "tiny"}

// checkTemplate wants a preset that somebody has.
func (c *cluster) checkTemplateName() {
	for _, m := range c.views("pg_conf", "pg_mode") {
		name, ending := strings.CutSuffix(m.vars.Conf, ".yml")
		switch {
		case !ending && slices.Contains(templates, name):
			c.Errorf(m.pos("pg_conf"), CodeTemplate, "pg_conf: want %s.yml: the name of the template's file", name)
		case !slices.Contains(templates, name) && name != m.vars.Mode:
			c.Warnf(m.pos("pg_conf"), CodeTemplate, "pg_conf: %s is none of oltp.yml, olap.yml, crit.yml and tiny.yml%s", m.vars.Conf, suggest(m.vars.Conf, []string{"oltp.yml", "olap.yml", "crit.yml", "tiny.yml"}))
		}
	}
}

// checkSync finds a cluster that waits for a replica it does not have.
func (c *cluster) checkSync() {
	m := c.head()
	switch {
	case len(c.members) > 1:
		return
	case m.vars.Conf == "crit.yml":
		c.Warnf(m.pos("pg_conf"), CodeMembers, "pg_conf: crit.yml lets a write wait until a replica has it, and %s has one member: every write would wait", c.name)
	case m.vars.RPO == 0:
		c.Warnf(m.pos("pg_rpo"), CodeMembers, "pg_rpo: 0 makes replication synchronous, and %s has one member: nothing is kept twice", c.name)
	}
}

// checkEtcd wants the store that Patroni keeps the leader in.
func (c *cluster) checkEtcd() {
	g := c.Inventory.Group("etcd")
	if m := c.head(); m.vars.PatroniEnabled && (g == nil || len(g.Hosts()) == 0) {
		c.Errorf(m.pos("pg_cluster"), CodeNoEtcd, "pg_cluster: %s wants Patroni, and Patroni an etcd: there is no group etcd with hosts", c.name)
	}
}

// checkPlans wants timings with which a leader neither falls without need nor stays though it is gone.
func (c *cluster) checkPlans() {
	for _, m := range c.views("pg_rto", "pg_rto_plan") {
		pos := m.pos("pg_rto_plan")
		for name, plan := range m.vars.RTOPlan {
			at := m.pos("pg_rto_plan." + name)
			numbers, ok := patroniTimes(plan)
			switch {
			case len(plan) != 10 || !ok:
				c.Errorf(at, CodePlan, "pg_rto_plan.%s: want ten values: ttl, loop, retry, start and margin in seconds, then HAProxy's inter, fastinter, downinter, rise and fall", name)
			case numbers[0] < numbers[1]+2*numbers[2]:
				c.Errorf(at, CodePlan, "pg_rto_plan.%s: the ttl is %d, less than the loop and twice the retry, %d + 2 × %d: a leader would fall while it still tries", name, numbers[0], numbers[1], numbers[2])
			}
		}
		if _, ok := m.vars.RTOPlan[m.vars.RTO]; !ok && !m.bad["pg_rto_plan"] {
			if m.bound.Has("pg_rto") {
				pos = m.pos("pg_rto")
			}
			c.Warnf(pos, CodePlan, "pg_rto: pg_rto_plan has no plan %s, so norm is taken", m.vars.RTO)
		}
	}
}

// patroniTimes are the first five values of a plan, which are whole seconds.
func patroniTimes(plan []string) (n [5]int, ok bool) {
	if len(plan) < len(n) {
		return n, false
	}
	for i := range n {
		v, err := strconv.Atoi(plan[i])
		if err != nil || v < 0 {
			return n, false
		}
		n[i] = v
	}
	return n, true
}

// checkListen wants addresses that PostgreSQL can listen on, and one that others reach.
func (c *cluster) checkListen() {
	for _, m := range c.members {
		reachable := false
		for _, item := range strings.Split(m.vars.Listen, ",") {
			item = strings.TrimSpace(item)
			a, err := netip.ParseAddr(item)
			switch {
			case item == "*" || item == "${ip}":
				reachable = true
			case item == "${lo}" || item == "${vip}" || item == "localhost":
				continue
			case err != nil:
				c.Errorf(m.pos("pg_listen"), CodeListen, "pg_listen: want addresses, *, ${ip}, ${lo} or ${vip}, separated by commas, got %q", item)
				reachable = true
			default:
				reachable = reachable || a.IsUnspecified() || a == m.host.IP
			}
		}
		if !reachable {
			c.Warnf(m.pos("pg_listen"), CodeListen, "pg_listen: does not include %s, where the other members and the services look for this one", m.addr())
		}
	}
}

// checkCrontab wants lines that cron takes. They have no user, unlike those of the system's crontab.
func (c *cluster) checkCrontab() {
	for _, m := range c.views("pg_crontab") {
		for i, line := range m.vars.Crontab {
			pos := m.pos("pg_crontab[" + strconv.Itoa(i) + "]")
			job, err := notation.ParseCron(line, false)
			command, _, _ := strings.Cut(job.Command, " ")
			switch {
			case err != nil:
				c.Errorf(pos, CodeCron, "pg_crontab[%d]: %v", i, err)
			case command != "" && (command == m.vars.Dbsu || command == "root"):
				c.Errorf(pos, CodeCron, "pg_crontab[%d]: names the user %s, which would be taken for the command: the lines are %s's own", i, command, m.vars.Dbsu)
			}
		}
	}
}
