package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	powerOffLimit = 90 * time.Second // as long as systemd gives a unit to stop
	tidyLimit     = 3 * time.Second
	killLimit     = 10 * time.Second
	startLimit    = 20 * time.Second

	powerOffSignal = syscall.Signal(38) // SIGRTMIN+4, systemd's for poweroff.target
)

// PowerOn starts a node that is off and returns when it accepts logins, or when it has booted
// if its network is cut. A node that is on is left alone.
func (n *Node) PowerOn(ctx context.Context) error {
	release, err := n.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	return n.powerOn(ctx)
}

// PowerOff shuts a node down in order. One that does not stop in 90 seconds loses power, and
// that is an error.
func (n *Node) PowerOff(ctx context.Context) error {
	release, err := n.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	leader := n.leader()
	if leader == 0 {
		return n.kill(ctx)
	}
	if err := syscall.Kill(leader, powerOffSignal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	slow := await(ctx, powerOffLimit, n.Name+" to power off", func() bool { return len(n.processes()) == 0 })
	return errors.Join(slow, n.kill(ctx))
}

// PowerCut ends every process of the node at once. What was not synced to disk is lost, as
// with a real machine.
func (n *Node) PowerCut(ctx context.Context) error {
	release, err := n.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	return n.powerCut(ctx)
}

func (n *Node) powerCut(ctx context.Context) error {
	for _, d := range Disks() {
		if n.wantMounted(d) == nil {
			if err := shutDown(n.mounted(d)); err != nil {
				return err
			}
		}
	}
	return n.kill(ctx)
}

// lock keeps other changes of this node out, and those of the whole lab.
func (n *Node) lock(ctx context.Context) (func(), error) {
	all, err := n.lab.lock(ctx, true)
	if err != nil {
		return nil, err
	}
	if err := n.lab.WantUp(); err != nil {
		all()
		return nil, err
	}
	one, err := lock(ctx, n.path("lock"), false)
	if err != nil {
		all()
		return nil, err
	}
	return func() { one(); all() }, nil
}

func (n *Node) powerOn(ctx context.Context) error {
	if n.leader() == 0 {
		if err := n.start(ctx); err != nil {
			return err
		}
	}
	if n.State() == CutOff {
		_, err := n.Run(ctx, "sh", "-c", "systemctl is-system-running --wait || true")
		return err
	}
	return n.waitReady(ctx)
}

// start mounts what the node boots from and boots it.
func (n *Node) start(ctx context.Context) error {
	if err := n.kill(ctx); err != nil { // remains of a node that died
		return err
	}
	st, err := n.lab.load()
	if err != nil {
		return err
	}
	for _, d := range Disks() {
		if err := n.attach(ctx, d); err != nil {
			return err
		}
	}
	if err := n.mountTree(ctx, st.Bases[n.Suite]); err != nil {
		return err
	}
	if err := n.spawn(ctx, st.Repos[n.Suite]); err != nil {
		return err
	}
	// nspawn gives the node its end of the cable after it has made the node.
	plugged := func() bool {
		_, err := n.port(ctx, n.leader())
		return err == nil || len(n.processes()) == 0
	}
	if err := await(ctx, startLimit, "the cable of "+n.Name, plugged); err != nil {
		return err
	}
	if n.leader() == 0 {
		return n.deathNote()
	}
	return n.setCable(ctx)
}

// mountTree lays the node's disk over its identity over the bare system.
func (n *Node) mountTree(ctx context.Context, base string) error {
	if err := os.MkdirAll(n.path("tree"), 0o755); err != nil {
		return err
	}
	layers := fmt.Sprintf("lowerdir=%s:%s,upperdir=%s,workdir=%s", n.path("seed"), base,
		filepath.Join(n.mounted(Root), "files"), filepath.Join(n.mounted(Root), "work"))
	_, err := run(ctx, "mount", "-t", "overlay", "overlay", "-o", layers, n.path("tree"))
	return err
}

// spawn starts the container in the lab's network. nsenter, not "ip netns exec", which hides
// the control groups.
func (n *Node) spawn(ctx context.Context, repo string) error {
	log, err := os.Create(n.path("log"))
	if err != nil {
		return err
	}
	defer log.Close()
	group, err := n.makeGroup()
	if err != nil {
		return err
	}
	if group != nil {
		defer group.Close()
	}
	args := append([]string{"--net=" + n.lab.Netns(), "--", "systemd-nspawn"}, n.nspawnArgs(ctx, repo)...)
	cmd := exec.Command("nsenter", args...) // outlives ctx
	cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1")
	cmd.Stdout, cmd.Stderr = log, log
	detach(cmd, group)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start nspawn: %w", err)
	}
	go func() { _ = cmd.Wait() }() // reaps it, if this process is still there when it ends; its fate is seen in /proc
	return os.WriteFile(n.path("pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o644)
}

// nspawnArgs describe the container.
func (n *Node) nspawnArgs(ctx context.Context, repo string) []string {
	args := []string{
		"--quiet", "--boot", "--settings=no", "--register=no", "--keep-unit", "--link-journal=no", "--timezone=off",
		"--resolv-conf=off", "--directory=" + n.path("tree"), "--machine=" + n.machine(), "--hostname=" + n.Name,
		"--network-bridge=" + bridge, "--capability=CAP_NET_ADMIN,CAP_NET_RAW",
		"--system-call-filter=add_key keyctl bpf", // Docker in a node wants them
		"--bind=" + filepath.Join(n.mounted(Data), "files") + ":/data", "--bind-ro=" + repo + ":/www/pigsty",
	}
	// Services ask for more open files than a host may allow by default.
	if limit, err := os.ReadFile("/proc/sys/fs/nr_open"); err == nil {
		max := strings.TrimSpace(string(limit))
		if _, err := run(ctx, "prlimit", "--nofile="+max+":"+max, "true"); err == nil {
			args = append(args, "--rlimit=RLIMIT_NOFILE="+max)
		}
	}
	return args
}

// kill ends what is left of the node's processes and lets go of its disks.
func (n *Node) kill(ctx context.Context) error {
	if leader := n.leader(); leader != 0 {
		// With it ends all that is in the container, and nspawn then cleans up behind it.
		_ = syscall.Kill(leader, syscall.SIGKILL) // it may be gone already
		_ = await(ctx, tidyLimit, n.Name+" to die", func() bool { return len(n.processes()) == 0 })
	}
	gone := func() bool {
		pids := n.processes()
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone already
		}
		return len(pids) == 0
	}
	if err := await(ctx, killLimit, n.Name+" to die", gone); err != nil {
		return err
	}
	if err := n.detachDisks(ctx); err != nil {
		return err
	}
	return n.removeGroups()
}
