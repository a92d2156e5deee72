package lab

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// process is what /proc says about one.
type process struct {
	pid   int
	inner int // its pid in the innermost namespace
	args  []string
}

// processes lists those of the whole machine that are not dead.
func processes() []process {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var all []process
	for _, dir := range dirs {
		if p, ok := readProcess(dir); ok {
			all = append(all, p)
		}
	}
	return all
}

// readProcess reads one; not ok when it has ended.
func readProcess(dir string) (p process, ok bool) {
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return p, false
	}
	cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil {
		return p, false
	}
	p.args = strings.Split(strings.TrimRight(string(cmdline), "\x00"), "\x00")
	return p, p.parseStatus(string(status))
}

// parseStatus fills p from /proc/PID/status; false when the process is dead.
func (p *process) parseStatus(status string) bool {
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		last, _ := strconv.Atoi(fields[len(fields)-1]) // 0 where the value is no number
		switch key {
		case "State":
			if fields[0] == "Z" || fields[0] == "X" {
				return false
			}
		case "Pid":
			p.pid = last
		case "NSpid":
			p.inner = last
		}
	}
	return p.pid != 0
}

// processes are those that keep the node on, by pid: nspawn and all in the node's control
// group, such as an init whose nspawn has died.
func (n *Node) processes() []int {
	var pids []int
	for _, p := range processes() {
		if n.spawned(p) {
			pids = append(pids, p.pid)
		}
	}
	for _, root := range groupRoots() {
		pids = append(pids, members(filepath.Join(root, n.machine()))...)
	}
	return pids
}

// spawned says whether p is the container manager of the node, or a stage of its start.
func (n *Node) spawned(p process) bool {
	tree := "--directory=" + n.path("tree")
	for _, arg := range p.args {
		if arg == tree {
			return p.inner == p.pid // not yet, or never, in a namespace of its own
		}
	}
	return false
}

// leader is the pid of the node's init, 0 when it does not run.
func (n *Node) leader() int {
	text, err := os.ReadFile(n.path("pid"))
	if err != nil {
		return 0
	}
	manager, err := strconv.Atoi(string(text))
	if err != nil {
		return 0
	}
	p, ok := readProcess(filepath.Join("/proc", string(text)))
	if !ok || !n.spawned(p) {
		return 0
	}
	for _, pid := range children(manager) {
		if c, ok := readProcess(filepath.Join("/proc", strconv.Itoa(pid))); ok && isInit(c) {
			return pid
		}
	}
	return 0
}

// children are the pids of a process's children.
func children(pid int) []int {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "task", strconv.Itoa(pid))
	text, err := os.ReadFile(filepath.Join(dir, "children"))
	if err != nil {
		return nil
	}
	return numbers(string(text))
}

// numbers are the numbers of a text, in order.
func numbers(text string) []int {
	var out []int
	for field := range strings.FieldsSeq(text) {
		if n, err := strconv.Atoi(field); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// isInit says whether p is the first process of a container and no longer nspawn's own child,
// which it is for a moment.
func isInit(p process) bool {
	return p.inner == 1 && p.pid != 1 && !strings.HasPrefix(p.args[0], "(") && !strings.Contains(p.args[0], "nspawn")
}
