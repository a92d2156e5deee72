package node

import (
	"bytes"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pigsync/pigsync/resource"
)

// What the kernel calls the processes that have tasks done on other machines: the first fifteen bytes of the program's name.
var ansiblePrograms = []string{"ansible", "ansible-playboo", "ansible-pull"}

const (
	// ansibleRests is for how long somebody's Ansible may be between two tasks.
	ansibleRests = 10 * time.Second
	// maxCommand bounds what is read of a process's arguments, in bytes.
	maxCommand = 4096
)

// ansibleMarks are in the arguments of every task: the module it runs, which comes as a file, or that it became root.
var ansibleMarks = [][]byte{[]byte("AnsiballZ_"), []byte("BECOME-SUCCESS-")}

// ansible finds out whether Ansible is at work. Of nearly all processes it reads no more than the name. A task that it saw
// running is remembered: with pipelining most tasks leave nothing in a home.
func (v *view) ansible() (a resource.Ansible, err error) {
	dir, err := v.open("/proc")
	if err != nil {
		return a, err
	}
	proc, err := dir.Open(".")
	if err != nil {
		return a, err
	}
	defer shut(proc)
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return a, err
	}
	text := make([]byte, maxCommand)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		switch program := string(bytes.TrimSpace(glimpse(proc, name+"/comm", text))); {
		case slices.Contains(ansiblePrograms, program):
			a.Runs = pid
		case mayBeTask(program) && isTask(glimpse(proc, name+"/cmdline", text)):
			v.l.tasked.Store(time.Now().UnixNano())
		}
	}
	a.Tasks = lately(time.Unix(0, v.l.tasked.Load())) || v.hadTasks()
	return a, nil
}

func lately(when time.Time) bool { return time.Since(when).Abs() < ansibleRests }

func mayBeTask(program string) bool {
	return strings.Contains(program, "python") || slices.Contains([]string{"sh", "bash", "dash", "sudo"}, program)
}

func isTask(command []byte) bool {
	return slices.ContainsFunc(ansibleMarks, func(mark []byte) bool { return bytes.Contains(command, mark) })
}

// glimpse reads the beginning of a file in /proc: nothing, where the process has ended. The kernel's files need no care
// with links, and there may be thousands.
func glimpse(proc *os.File, name string, text []byte) []byte {
	fd, err := unix.Openat(int(proc.Fd()), name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = unix.Close(fd) }() // only read
	n, _ := unix.Read(fd, text)
	return text[:max(n, 0)]
}

// hadTasks tells whether a task was brought here, or cleared away, a moment ago: in the home of who logged in (remote_tmp).
// A home that another machine serves is not looked at: that machine may not answer.
func (v *view) hadTasks() bool {
	a, err := v.accounts()
	if err != nil {
		return false
	}
	mounts, err := v.small("/proc/self/mounts")
	if err != nil {
		return false
	}
	for _, u := range a.users {
		tmp := path.Join(u.home, ".ansible/tmp")
		if !path.IsAbs(tmp) || u.home == "/" || !onOwnDisk(string(mounts), tmp) {
			continue
		}
		if _, info, err := v.stat(tmp); err == nil && info != nil && lately(info.ModTime()) {
			return true
		}
	}
	return false
}

// ownDisks are the file systems that need no other machine.
var ownDisks = []string{"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "overlay", "tmpfs"}

// onOwnDisk tells whether a path is on one of them, by the table of mounts.
func onOwnDisk(mounts, name string) bool {
	kind, longest := "", 0
	for line := range strings.Lines(mounts) {
		f := strings.Fields(line)
		if len(f) > 2 && len(f[1]) >= longest && strings.HasPrefix(name+"/", strings.TrimSuffix(f[1], "/")+"/") {
			kind, longest = f[2], len(f[1])
		}
	}
	return slices.Contains(ownDisks, kind)
}
