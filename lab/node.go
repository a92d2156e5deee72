package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Node is one machine of a lab.
type Node struct {
	Name    string // host name: node-1
	Address string // 10.10.10.10
	Suite   Suite
	lab     *Lab
}

// State says what can be seen of a node from outside.
type State string

// The states of a node.
const (
	Off    State = "off"
	On     State = "on"
	CutOff State = "cut" // on, and off the network
)

// State looks whether the node runs. It does not ask the node.
func (n *Node) State() State {
	switch {
	case n.leader() == 0:
		return Off
	case exists(n.path("cut")):
		return CutOff
	}
	return On
}

// path is a path in the node's directory, outside of its disks.
func (n *Node) path(elem ...string) string {
	return n.lab.path(append([]string{n.Name}, elem...)...)
}

// machine is the node's name among all containers of the host.
func (n *Node) machine() string { return n.lab.prefix() + "-" + n.Name }

// Command is a command of the node, run as root by way of the host's kernel: it works
// whatever became of the node's network and sshd. It fails to start when the node is off.
func (n *Node) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	enter := []string{"--target", strconv.Itoa(n.leader()), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd",
		"--", "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root",
		"LOGNAME=root", "LANG=C.UTF-8", "TERM=" + os.Getenv("TERM"), "DEBIAN_FRONTEND=noninteractive", name}
	return exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
}

// Run runs a command of the node as root (see Command) and returns what it printed. The error
// wraps the *exec.ExitError and ends with what the command said on standard error.
func (n *Node) Run(ctx context.Context, name string, args ...string) (string, error) {
	if n.leader() == 0 {
		return "", fmt.Errorf("%s is off", n.Name)
	}
	cmd := n.Command(ctx, name, args...)
	// nsenter waits for the command; when ctx ends both must.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := output(cmd)
	if err != nil {
		return out, fmt.Errorf("%s: %s: %w", n.Name, name, err)
	}
	return out, nil
}

// SSHCommand is a login of the admin user by ssh, from inside the lab's network; args are the
// remote command, none for a shell.
func (n *Node) SSHCommand(ctx context.Context, args ...string) *exec.Cmd {
	ssh := []string{"--net=" + n.lab.Netns(), "--", "ssh", "-F", "none", "-i", n.lab.Key(), "-l", User,
		"-o", "UserKnownHostsFile=" + n.lab.KnownHosts(), "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes",
		"-o", "GlobalKnownHostsFile=none", "-o", "ConnectTimeout=5", "-o", "LogLevel=ERROR", n.Address}
	return exec.CommandContext(ctx, "nsenter", append(ssh, args...)...)
}

// SSH runs a shell command as the admin user by ssh and returns what it printed.
func (n *Node) SSH(ctx context.Context, command string) (string, error) {
	out, err := output(n.SSHCommand(ctx, command))
	if err != nil {
		return out, fmt.Errorf("%s: %w", n.Name, err)
	}
	return out, nil
}

// WriteFile puts a file on the node, as root, with the given permissions.
func (n *Node) WriteFile(ctx context.Context, path string, content []byte, mode os.FileMode) error {
	cmd := n.Command(ctx, "sh", "-c", `umask 077; cat >"$1" && chmod "$2" "$1"`, "sh", path, fmt.Sprintf("%o", mode.Perm()))
	cmd.Stdin = strings.NewReader(string(content))
	if _, err := output(cmd); err != nil {
		return fmt.Errorf("%s: write %s: %w", n.Name, path, err)
	}
	return nil
}

const bootLimit = 2 * time.Minute

// waitReady waits for a login to succeed.
func (n *Node) waitReady(ctx context.Context) error {
	var last error
	died := false
	err := await(ctx, bootLimit, "login", func() bool {
		leader := n.leader()
		if died = leader == 0 && len(n.processes()) == 0; died {
			return true
		}
		if !n.listens(leader) {
			return false
		}
		_, last = n.SSH(ctx, "true")
		return last == nil
	})
	if died {
		return n.deathNote()
	}
	return errors.Join(err, last)
}

// deathNote says what the node's console said last.
func (n *Node) deathNote() error {
	log, err := os.ReadFile(n.path("log"))
	if err != nil {
		return err
	}
	return fmt.Errorf("died while starting: %s", lastLines(string(log), stderrLines))
}

// listens says whether sshd listens and the node has its address. It looks from outside: a
// connection made too early would leave traces in the node's journal.
func (n *Node) listens(leader int) bool {
	dir := filepath.Join("/proc", strconv.Itoa(leader), "net")
	sockets, err := os.ReadFile(filepath.Join(dir, "tcp"))
	if err != nil {
		return false
	}
	addresses, err := os.ReadFile(filepath.Join(dir, "fib_trie"))
	if err != nil {
		return false
	}
	return listensTo(string(sockets), 22) && slices.Contains(strings.Fields(string(addresses)), n.Address)
}

// listensTo looks for a listening port in /proc/net/tcp; see proc_pid_net(5).
func listensTo(sockets string, port int) bool {
	const listening = "0A"
	for line := range strings.Lines(sockets) {
		fields := strings.Fields(line)
		if len(fields) > 3 && fields[3] == listening && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
			return true
		}
	}
	return false
}
