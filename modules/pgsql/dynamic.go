package pgsql

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pigsync/pigsync/inventory"
)

// dynamic is what Patroni keeps for the whole cluster in etcd.
func (c *cluster) dynamic() tree {
	v, t := &c.head().vars, c.times(&c.head().vars)
	out := tree{
		{"ttl", t[0]}, {"loop_wait", t[1]}, {"retry_timeout", t[2]}, {"primary_start_timeout", t[3]},
		{"primary_stop_timeout", 30},
		{"maximum_lag_on_failover", c.lag(v)},
		{"maximum_lag_on_syncnode", -1},
		{"synchronous_mode", v.RPO == 0 || v.template() == "crit"},
		{"synchronous_mode_strict", v.template() == "crit"},
		{"failsafe_mode", true},
	}
	if up := c.head().vars.Up; up.IsValid() {
		out = append(out, branch{"standby_cluster", c.following()})
	}
	return append(out, branch{"postgresql", tree{
		{"use_slots", true}, {"use_pg_rewind", true}, {"remove_data_directory_on_rewind_failure", true},
		{"parameters", c.parameters()},
	}})
}

// lag is by how much a replica may be behind and still take the lead. Where nothing may be lost Patroni
// chooses among those that have everything, and the number says how much it may not know of.
func (c *cluster) lag(v *Vars) int {
	if v.RPO == 0 {
		return 1048576
	}
	return v.RPO
}

// following is the cluster that a standby cluster follows.
func (c *cluster) following() tree {
	v := &c.head().vars
	port := v.Port
	if up := c.fleet.byAddr[v.Up]; up != nil {
		port = up.vars.Port
	}
	t := tree{{"host", v.Up.String()}, {"port", port}, {"create_replica_methods", []string{"basebackup"}}}
	if v.Delay > 0 {
		t = append(t, branch{"recovery_min_apply_delay", milliseconds(v.Delay)})
	}
	return t
}

// milliseconds is a time as PostgreSQL reads it: of Go's "1h30m0s" it would refuse all but the first part.
func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + "ms" }

// times are ttl, loop, retry, start and margin of the plan in force, in seconds.
func (c *cluster) times(v *Vars) [5]int {
	plan, ok := v.RTOPlan[v.RTO]
	if !ok {
		plan = v.RTOPlan["norm"]
	}
	if n, ok := patroniTimes(plan); ok {
		return n
	}
	return [5]int{30, 5, 10, 25, 5} // norm, as Pigsty has it
}

// parameters are PostgreSQL's, in the order of their names.
func (c *cluster) parameters() tree {
	var t tree
	for _, s := range c.ledger.shared {
		t = append(t, branch{s.name, number(s.value)})
	}
	return t
}

// number is a text that is a whole number as one: Patroni 3.0.3 refuses those with quotes. One that begins
// with a zero is octal.
func number(s string) any {
	if n, err := strconv.Atoi(s); err == nil && strconv.Itoa(n) == s {
		return n
	}
	return s
}

// written are settings as the inventory has them: lists are joined by commas.
func written(params map[string]inventory.Value) (out []setting) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		v := params[name]
		if v.IsNull() {
			continue
		}
		text, err := v.Text()
		if items, listed := v.List(); listed == nil && v.Kind() == inventory.List {
			var parts []string
			for _, i := range items {
				part, _ := i.Text() // what is no text, checkSettings reports
				parts = append(parts, part)
			}
			text, err = strings.Join(parts, ", "), nil
		}
		if err == nil {
			out = append(out, setting{name, text})
		}
	}
	return out
}

// measure finds the smallest of the members; ok is false while one of them was never seen.
func (c *cluster) measure() (s size, ok bool) {
	for i, m := range c.members {
		f, known := c.Machine(m.addr())
		if !known {
			return s, false
		}
		here := size{f.CPU, f.MemMB, f.DiskMB}
		if i == 0 {
			s = here
		}
		s = size{min(s.cpu, here.cpu), min(s.memMB, here.memMB), min(s.diskMB, here.diskMB)}
	}
	return s, true
}
