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
	// sysctlPrefix begins the names of files that are read at boot after what packages bring, and before
	// /etc/sysctl.conf.
	sysctlPrefix = "/etc/sysctl.d/95-pigsync-"
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
	for _, name := range slices.Sorted(maps.Keys(params)) {
		c.sysctl(name, strings.Join(strings.Fields(params[name]), " "))
	}
}

// sysctl wants a parameter to be so now and at the next boot. Each has a file of its own, which waits until
// the kernel has taken the value: what it refuses does not come back with the next boot either.
func (c *compiler) sysctl(name, value string) {
	pos, node := c.keyPos("node_sysctl_params", name), c.host.Addr
	set := c.Tend(pos, resource.ID{Kind: resource.KindSysctl, Name: name, At: node}, resource.Sysctl{Value: value})
	file := resource.NewFile([]byte(name+" = "+value+"\n"), 0o644, "root", "root")
	c.Tend(pos, modules.FileOf(sysctlFile(name), node), file, set)
}

// sysctlFile is where a parameter is kept; a slash stands for a dot in the name of an interface.
func sysctlFile(name string) string {
	return sysctlPrefix + strings.ReplaceAll(name, "/", "%") + ".conf"
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
