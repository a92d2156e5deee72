package node

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

const (
	// memoryStep rounds what a profile says of the memory, of which a kernel shows a little less or more
	// after each start.
	memoryStep = 64
	pagesPerMB = 256
	bytesPerMB = 1 << 20
)

// profiles are the tuned profiles, and how each differs from what all have: oltp is for many short
// transactions, olap for few large queries, crit keeps less unwritten that a crash could lose, and tiny
// leaves memory on small machines.
var profiles = map[string]map[string]string{
	"oltp": {},
	"olap": {"vm.dirty_background_ratio": "10", "vm.dirty_ratio": "80"},
	"crit": {"vm.dirty_background_ratio": "5", "vm.dirty_ratio": "10"},
	"tiny": {
		"vm.dirty_background_ratio": "5", "vm.dirty_ratio": "20", "net.core.somaxconn": "4096",
		"net.ipv4.tcp_max_syn_backlog": "1024", "net.netfilter.nf_conntrack_max": "262144",
	},
}

var everyProfile = map[string]string{
	"vm.swappiness": "1", "vm.zone_reclaim_mode": "0", "vm.dirty_background_ratio": "10", "vm.dirty_ratio": "40",
	"net.core.somaxconn": "65535", "net.ipv4.tcp_max_syn_backlog": "8192", "net.ipv4.ip_forward": "1", "net.ipv4.ip_nonlocal_bind": "1",
	"net.ipv4.ip_local_port_range": "10000 64999", "net.netfilter.nf_conntrack_max": "1048576",
	"net.ipv4.tcp_keepalive_time": "60", "net.ipv4.tcp_keepalive_intvl": "10", "net.ipv4.tcp_keepalive_probes": "6",
}

// tuned writes all profiles, so that an administrator may try another, and has one in force.
func (c *compiler) tuned(repos []resource.ID) {
	if c.vars.Tune == "none" {
		return
	}
	pos, node := c.bound.Pos("node_tune"), c.host.Addr
	pkg := c.install(pos, "tuned", repos)
	var own resource.ID
	above := append([]resource.ID{pkg}, c.Parents(pos, node, c.profileDir()+"/"+c.vars.Tune)...)
	for _, name := range slices.Sorted(maps.Keys(profiles)) {
		dir := c.Tend(pos, modules.DirOf(c.profileDir()+"/"+name, node), resource.Dir{Mode: 0o755, Owner: "root", Group: "root"}, above...)
		file := resource.NewFile([]byte(c.profileText(name)), 0o644, "root", "root")
		id := c.Tend(pos, modules.FileOf(dir.Name+"/tuned.conf", node), file, dir)
		if name == c.vars.Tune {
			own = id
		}
	}
	unit := c.Keep(pos, modules.UnitOf("tuned", node), resource.Unit{Active: true, Enabled: true, Noted: true}, pkg)
	settings := c.settings(c.vars.Tune)
	settings["transparent_hugepages"] = "never"
	spec := resource.Tuned{Profile: c.vars.Tune, Settings: settings}
	spec.Sum = resource.NewFile([]byte(c.profileText(c.vars.Tune)), 0, "", "").Sum
	c.Tend(pos, resource.ID{Kind: resource.KindTuned, Name: "node", At: node}, spec, unit, own)
}

// profileDir is where tuned looks for profiles: since 2.24 it wants a directory more.
func (c *compiler) profileDir() string {
	release, err := strconv.Atoi(strings.Split(c.facts.Release, ".")[0])
	newer := c.facts.Distro == "debian" && release >= 13 || c.facts.Packages == "rpm" && release >= 10
	if !c.bound.Has("node_tuned_profile_dir") && err == nil && newer {
		return c.vars.ProfileDir + "/profiles"
	}
	return c.vars.ProfileDir
}

func (c *compiler) profileText(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[main]\nsummary=pigsty %s\n\n[cpu]\ngovernor=performance\nenergy_perf_bias=performance\n\n[vm]\ntransparent_hugepages=never\n\n[sysctl]\n", name)
	settings := c.settings(name)
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s=%s\n", key, settings[key])
	}
	return b.String()
}

// settings are the kernel parameters of a profile. What the inventory sets by name, and huge pages, it
// leaves out: that is set by us, and two owners would fight.
func (c *compiler) settings(name string) map[string]string {
	mb := c.facts.MemMB / memoryStep * memoryStep
	all := maps.Clone(everyProfile)
	maps.Copy(all, profiles[name])
	all["kernel.shmall"], all["kernel.shmmax"] = strconv.Itoa(mb*pagesPerMB), strconv.Itoa(mb*bytesPerMB)
	if ratio := int(c.vars.OvercommitRatio); ratio > 0 {
		all["vm.overcommit_memory"], all["vm.overcommit_ratio"] = "2", strconv.Itoa(ratio)
	}
	for key := range c.vars.Sysctl {
		delete(all, key)
	}
	return all
}
