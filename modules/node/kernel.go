package node

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

const (
	// sysctlPath is read at boot after what packages bring, and before /etc/sysctl.conf.
	sysctlPath = "/etc/sysctl.d/95-pigsync.conf"
	// hugePageMB is the size of a huge page on the architectures Pigsty knows.
	hugePageMB = 2
	// mostHugePages is the part of the memory that may become huge pages: nothing else can use them.
	mostHugePages = 0.9
)

// kernel wants modules and parameters, in the running kernel and at the next boot.
func (c *compiler) kernel() {
	c.kernelModules()
	c.sysctls()
}

// kernelModules are never unloaded: something may use them. What goes is that they are loaded at boot.
func (c *compiler) kernelModules() {
	pos, node := c.bound.Pos("node_kernel_modules"), c.host.Addr
	for _, name := range slices.Compact(slices.Sorted(slices.Values(c.vars.KernelModules))) {
		file := resource.NewFile([]byte(name+"\n"), 0o644, "root", "root")
		c.Tend(pos, modules.FileOf("/etc/modules-load.d/"+name+".conf", node), file)
		c.Keep(pos, resource.ID{Kind: resource.KindKernelModule, Name: name, At: node}, resource.KernelModule{})
	}
}

func (c *compiler) sysctls() {
	params := map[string]string{}
	if n := c.hugePages(); n > 0 {
		params["vm.nr_hugepages"] = strconv.Itoa(n)
	}
	maps.Copy(params, c.vars.Sysctl) // what is said by name wins
	if len(params) == 0 {
		return
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(params)) {
		value := strings.Join(strings.Fields(params[name]), " ")
		fmt.Fprintf(&text, "%s = %s\n", name, value)
		id := resource.ID{Kind: resource.KindSysctl, Name: name, At: c.host.Addr}
		c.Tend(c.keyPos("node_sysctl_params", name), id, resource.Sysctl{Value: value})
	}
	file := resource.NewFile([]byte(text.String()), 0o644, "root", "root")
	c.Tend(c.bound.Pos("node_sysctl_params"), modules.FileOf(sysctlPath, c.host.Addr), file)
}

// hugePages is how many to reserve: a count, or a part of the memory.
func (c *compiler) hugePages() int {
	most := int(float64(c.facts.MemMB) * mostHugePages / hugePageMB)
	if c.vars.HugepageCount > 0 {
		return min(c.vars.HugepageCount, most)
	}
	return min(int(math.Ceil(float64(c.facts.MemMB)*c.vars.HugepageRatio/hugePageMB)), most)
}

// limits gives every account what a database needs: files and processes by the hundred thousand, and
// memory that is not swapped. They hold from the next login on.
func (c *compiler) limits() {
	var text strings.Builder
	for _, who := range []string{"*", "root"} {
		for _, what := range []string{"nofile 655360", "nproc 655360", "memlock unlimited"} {
			fmt.Fprintf(&text, "%s - %s\n", who, what)
		}
	}
	file := resource.NewFile([]byte(text.String()), 0o644, "root", "root")
	c.Tend(c.host.Pos, modules.FileOf("/etc/security/limits.d/limits.conf", c.host.Addr), file)
}
