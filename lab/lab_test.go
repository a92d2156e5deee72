package lab

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sandbox opens a lab of its own for the test, or skips where none can run. It is taken down
// when the test ends, and must then have left nothing.
func sandbox(t *testing.T, name string, suites ...Suite) *Lab {
	t.Helper()
	if os.Getenv("PIGSYNC_LAB") != "1" {
		t.Skip("real nodes are started only with PIGSYNC_LAB=1")
	}
	if err := Check(); err != nil {
		t.Skip(err)
	}
	left, err := Open(Config{Name: name}) // by a test that was killed
	must(t, err)
	must(t, left.Down(t.Context()))
	cfg := Config{Name: name, Dir: filepath.Join(t.TempDir(), "lab"), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, s := range suites {
		cfg.Nodes = append(cfg.Nodes, NodeConfig{Suite: s})
	}
	l, err := Open(cfg)
	must(t, err)
	t.Cleanup(func() {
		must(t, l.Down(context.Background()))
		nothingLeft(t, l)
	})
	must(t, l.Build(t.Context()))
	return l
}

// up is sandbox, started.
func up(t *testing.T, name string, suites ...Suite) *Lab {
	t.Helper()
	l := sandbox(t, name, suites...)
	must(t, l.Up(t.Context()))
	return l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sh runs a shell script on a node as root and returns what it printed.
func sh(t *testing.T, n *Node, script string) string {
	t.Helper()
	out, err := n.Run(t.Context(), "sh", "-ec", script)
	must(t, err)
	return strings.TrimSpace(out)
}

// nothingLeft fails when the machine shows any trace of the lab.
func nothingLeft(t *testing.T, l *Lab) {
	t.Helper()
	if exists(l.Dir()) {
		t.Errorf("directory %s is left", l.Dir())
	}
	if paths, err := mountsBelow(l.Dir()); err != nil || len(paths) > 0 {
		t.Errorf("mounts %v are left (%v)", paths, err)
	}
	if devices := loops(l.Dir()); len(devices) > 0 {
		t.Errorf("loop devices %v are left", devices)
	}
	for _, p := range processes() {
		if strings.Contains(strings.Join(p.args, " "), l.prefix()) {
			t.Errorf("process %d %v is left", p.pid, p.args)
		}
	}
	for _, root := range groupRoots() {
		if groups, err := filepath.Glob(filepath.Join(root, l.prefix()+"-*")); err != nil || len(groups) > 0 {
			t.Errorf("control groups %v are left (%v)", groups, err)
		}
	}
}

func TestSandboxBootsFourNodesInUnderAMinute(t *testing.T) {
	l := sandbox(t, "t-boot")
	start := time.Now()
	must(t, l.Up(t.Context()))
	took := time.Since(start)
	t.Logf("four built nodes accept logins after %s", took)
	if took > time.Minute {
		t.Errorf("took %s, want less than a minute", took)
	}
	if len(l.Nodes()) != 4 {
		t.Fatalf("%d nodes, want 4", len(l.Nodes()))
	}
	for i, n := range l.Nodes() {
		out, err := n.SSH(t.Context(), "echo $(hostname) $(id -un) $(id -u) $(sudo -n id -u) $(cat /proc/1/comm) $(systemctl is-system-running --wait)")
		must(t, err)
		if want := fmt.Sprintf("node-%d dba 88 0 systemd running", i+1); strings.TrimSpace(out) != want {
			t.Errorf("%s says %q, want %q", n.Name, out, want)
		}
	}
	t.Run("nothing leaves", func(t *testing.T) {
		if out := sh(t, l.nodes[0], "ip route"); strings.Contains(out, "default") {
			t.Errorf("a node has a default route: %s", out)
		}
		out, err := output(l.Command(t.Context(), "ip", "route"))
		must(t, err)
		if strings.Contains(out, "default") {
			t.Errorf("the lab's network has a default route: %s", out)
		}
	})
	t.Run("host programs see the nodes", func(t *testing.T) {
		out, err := output(l.Command(t.Context(), "getent", "hosts", "node-3"))
		must(t, err)
		if !strings.HasPrefix(out, "10.10.10.12") {
			t.Errorf("node-3 is %q", out)
		}
	})
	start = time.Now()
	must(t, l.Up(t.Context()))
	t.Logf("up again after %s", time.Since(start))
	start = time.Now()
	must(t, l.Down(t.Context()))
	t.Logf("down after %s", time.Since(start))
	nothingLeft(t, l)
}

func TestSandboxesRunSideBySide(t *testing.T) {
	a, b := up(t, "t-side-a", Trixie), up(t, "t-side-b", Trixie)
	sh(t, a.nodes[0], "touch /root/mark")
	if sh(t, b.nodes[0], "ls /root") != "" {
		t.Error("a file of one lab is in the other")
	}
	if sh(t, a.nodes[0], "cat /etc/machine-id") == sh(t, b.nodes[0], "cat /etc/machine-id") {
		t.Error("two nodes have the same machine id")
	}
	must(t, a.Down(t.Context()))
	nothingLeft(t, a)
	out, err := b.nodes[0].SSH(t.Context(), "hostname")
	if err != nil || strings.TrimSpace(out) != "node-1" {
		t.Errorf("after one lab went down the other says %q, %v", out, err)
	}
}

func TestSandboxPower(t *testing.T) {
	l := up(t, "t-power", Trixie)
	n := l.nodes[0]
	sh(t, n, "echo kept >/root/synced && sync && echo gone >/root/unsynced; echo kept >/data/synced; sync /data/synced")
	boot := sh(t, n, "cat /proc/1/stat | cut -d' ' -f22")

	must(t, n.PowerCut(t.Context()))
	if s := n.State(); s != Off {
		t.Fatalf("state %s after a power cut", s)
	}
	if _, err := n.Run(t.Context(), "true"); err == nil {
		t.Fatal("a command ran on a node without power")
	}
	start := time.Now()
	must(t, n.PowerOn(t.Context()))
	t.Logf("a node is back after %s", time.Since(start))
	if got := sh(t, n, "cat /root/synced /data/synced; cat /root/unsynced 2>/dev/null || true"); got != "kept\nkept" {
		t.Errorf("after a power cut the files say %q", got)
	}
	if sh(t, n, "cat /proc/1/stat | cut -d' ' -f22") == boot {
		t.Error("the node did not boot anew")
	}

	sh(t, n, "echo orderly >/root/unsynced")
	must(t, n.PowerOff(t.Context()))
	if s := n.State(); s != Off {
		t.Fatalf("state %s after power off", s)
	}
	must(t, n.PowerOn(t.Context()))
	if got := sh(t, n, "cat /root/unsynced"); got != "orderly" {
		t.Errorf("after an orderly power off the file says %q", got)
	}
}

// Whoever starts a mount namespace of its own beside a lab keeps copies of its mounts, as a second lab
// does for a while.
func TestSandboxResetsWhileAForeignNamespaceKeepsItsDisks(t *testing.T) {
	l := up(t, "t-kept", Trixie)
	n := l.nodes[0]
	holder := exec.CommandContext(t.Context(), "unshare", "--mount", "--propagation=private", "sleep", "60")
	must(t, holder.Start())
	defer func() { holder.Process.Kill(); holder.Wait() }()
	kept := func() bool {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", holder.Process.Pid)) // it has not begun, then
		return strings.TrimSpace(string(text)) == "sleep"
	}
	must(t, await(t.Context(), killLimit, "the foreign namespace", kept))
	sh(t, n, "touch /root/before")
	must(t, l.Reset(t.Context(), ""))
	if got := sh(t, n, "ls /root"); got != "" {
		t.Errorf("after the reset there is %s", got)
	}
	sh(t, n, "touch /root/kept; sync")
	must(t, n.PowerCut(t.Context()))
	must(t, n.PowerOn(t.Context()))
	if got := sh(t, n, "ls /root"); got != "kept" {
		t.Errorf("after a power cut there is %q", got)
	}
}

func TestSandboxNetworkCut(t *testing.T) {
	l := up(t, "t-cut", Trixie, Trixie)
	n, other := l.nodes[0], l.nodes[1]
	reaches := func() bool {
		_, err := other.Run(t.Context(), "timeout", "2", "bash", "-c", "exec 3<>/dev/tcp/10.10.10.10/22")
		return err == nil
	}
	if !reaches() {
		t.Fatal("no connection before the cut")
	}
	must(t, n.Cut(t.Context()))
	if reaches() {
		t.Error("a connection in spite of the cut")
	}
	if n.State() != CutOff || sh(t, n, "hostname") != "node-1" {
		t.Error("the node is not there any more")
	}
	must(t, n.PowerCut(t.Context()))
	must(t, n.PowerOn(t.Context()))
	if reaches() {
		t.Error("a connection in spite of the cut, after a restart")
	}
	must(t, n.Mend(t.Context()))
	must(t, l.WaitReady(t.Context()))
	if !reaches() {
		t.Error("no connection after mending")
	}
}

func TestSandboxDisks(t *testing.T) {
	l := up(t, "t-disk", Trixie)
	n := l.nodes[0]
	for d, path := range map[Disk]string{Data: "/data/file", Root: "/root/file"} {
		write := func() error {
			_, err := n.Run(t.Context(), "dd", "if=/dev/zero", "of="+path, "bs=1M", "count=8", "conv=fsync")
			return err
		}
		must(t, n.FillDisk(t.Context(), d))
		if err := write(); err == nil || !strings.Contains(err.Error(), "No space left on device") {
			t.Errorf("%s disk full: %v", d, err)
		}
		must(t, n.FreeDisk(t.Context(), d))
		must(t, write())
		must(t, n.ReadOnlyDisk(t.Context(), d))
		if err := write(); err == nil || !strings.Contains(err.Error(), "Read-only file system") {
			t.Errorf("%s disk read-only: %v", d, err)
		}
		if err := n.WritableDisk(t.Context(), d); err != nil {
			t.Log(err)
			must(t, n.PowerCut(t.Context()))
			must(t, n.PowerOn(t.Context()))
		}
		must(t, write())
		must(t, n.LoseDisk(t.Context(), d))
		if err := write(); err == nil {
			t.Errorf("%s disk lost: a write succeeded", d)
		}
		must(t, n.PowerCut(t.Context()))
		must(t, n.PowerOn(t.Context()))
		if got := sh(t, n, "ls "+filepath.Dir(path)); got != "" {
			t.Errorf("%s disk replaced: %q is on it", d, got)
		}
	}
}

func TestSandboxInstallsFromTheOfflineRepository(t *testing.T) {
	l := up(t, "t-mixed", Trixie, Bookworm)
	must(t, l.each(func(n *Node) error {
		release := sh(t, n, ". /etc/os-release; echo $VERSION_CODENAME")
		if release != string(n.Suite) {
			t.Errorf("%s runs %s, want %s", n.Name, release, n.Suite)
		}
		if got := sh(t, n, "apt-get -qq update; apt-cache policy etcd-server"); strings.Contains(got, "http") {
			t.Errorf("%s knows a repository before it is told of one: %s", n.Name, got)
		}
		for _, source := range []string{l.Repository(n.Suite), "http://" + Gateway + "/pigsty", "file:/www/pigsty"} {
			list := "deb [trusted=yes] " + source + " ./\n"
			must(t, n.WriteFile(t.Context(), "/etc/apt/sources.list", []byte(list), 0o644))
			sh(t, n, "apt-get -qq update && apt-get -qq install --print-uris --no-install-recommends etcd-server etcd-client")
		}
		sh(t, n, "apt-get -qq install --no-install-recommends etcd-server etcd-client >/dev/null 2>&1")
		must(t, n.WriteFile(t.Context(), "/etc/apt/sources.list", []byte("deb [trusted=yes] "+l.Repository(n.Suite)+" ./\n"), 0o644))
		sh(t, n, "apt-get -qq update && apt-get -qq install chrony haproxy keepalived curl >/dev/null 2>&1")
		if got := sh(t, n, "systemctl is-active chrony haproxy etcd ssh"); got != "active\nactive\nactive\nactive" {
			t.Errorf("%s: chrony, haproxy, etcd, ssh are %q", n.Suite, got)
		}
		if failed := sh(t, n, "systemctl list-units --failed --no-legend --plain"); failed != "" && !strings.HasPrefix(failed, "keepalived") {
			t.Errorf("%s: units failed: %s", n.Suite, failed)
		}
		t.Logf("%s: %s", n.Suite, sh(t, n, "etcd --version | head -1; ETCDCTL_API=3 etcdctl endpoint health 2>&1"))
		return nil
	}))

	t.Run("reset to bare", func(t *testing.T) {
		n := l.nodes[0]
		key := sh(t, n, "cat /etc/ssh/ssh_host_ed25519_key.pub")
		sh(t, n, "touch /root/mark /data/mark")
		start := time.Now()
		must(t, n.Reset(t.Context(), ""))
		t.Logf("a node is bare after %s", time.Since(start))
		if got := sh(t, n, "ls /root /data; command -v etcd || echo none"); got != "/data:\n\n/root:\nnone" {
			t.Errorf("a bare node has %q", got)
		}
		if sh(t, n, "cat /etc/ssh/ssh_host_ed25519_key.pub") != key {
			t.Error("the host key changed")
		}
	})
	t.Run("reset to a snapshot", func(t *testing.T) {
		n := l.nodes[1]
		sh(t, n, "echo before >/root/mark; echo before >/data/mark")
		start := time.Now()
		must(t, l.Snapshot(t.Context(), "before"))
		t.Logf("snapshot after %s", time.Since(start))
		sh(t, n, "echo after >/root/mark; echo after >/data/mark; apt-get -qq purge etcd-server >/dev/null")
		must(t, l.Reset(t.Context(), "before"))
		if got := sh(t, n, "systemctl is-system-running --wait >/dev/null; cat /root/mark /data/mark; systemctl is-active etcd"); got != "before\nbefore\nactive" {
			t.Errorf("after the reset the node says %q", got)
		}
	})
}

func TestSandboxDownAfterACrash(t *testing.T) {
	before := mountTable(t)
	l := up(t, "t-crash", Trixie, Bookworm)
	inside := l.Command(context.Background(), "sleep", "600")
	must(t, inside.Start())
	go inside.Wait()
	must(t, func() error { _, err := l.nodes[0].freeze(t.Context()); return err }())
	for _, n := range l.nodes {
		for _, p := range processes() {
			if n.spawned(p) {
				must(t, syscall.Kill(p.pid, syscall.SIGKILL))
			}
		}
	}
	l.stopServing()
	other, err := Open(Config{Name: "t-crash"}) // by name alone, as the command line does
	must(t, err)
	if other.Dir() != l.Dir() {
		t.Fatalf("the lab is found in %s, want %s", other.Dir(), l.Dir())
	}
	must(t, other.Down(t.Context()))
	nothingLeft(t, l)
	for _, path := range mountTable(t) {
		if !slices.Contains(before, path) {
			t.Errorf("mount %s is left", path)
		}
	}
}

// mountTable is what is mounted on this machine, but for other labs, which come and go.
func mountTable(t *testing.T) []string {
	t.Helper()
	names, err := Names()
	must(t, err)
	paths, err := mountsBelow("")
	must(t, err)
	later, err := Names()
	must(t, err)
	return slices.DeleteFunc(paths, func(path string) bool {
		return slices.ContainsFunc(append(names, later...), func(name string) bool {
			dir := registered(name)
			return dir != "" && within(path, dir)
		})
	})
}

func TestSandboxCancelledCommandEnds(t *testing.T) {
	l := up(t, "t-cancel", Trixie)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := l.nodes[0].Run(ctx, "sleep", "1234"); err == nil {
		t.Fatal("a command outlived its context")
	}
	gone := func() bool { return sh(t, l.nodes[0], "pgrep -x sleep || true") == "" }
	if err := await(t.Context(), killLimit, "end of the command on the node", gone); err != nil {
		t.Error(err, sh(t, l.nodes[0], "ps -ef"))
	}
}

func TestSandboxRestartsAfterACrash(t *testing.T) {
	l := up(t, "t-again", Trixie)
	n := l.nodes[0]
	for _, pid := range n.processes() {
		if p, ok := readProcess(fmt.Sprint("/proc/", pid)); ok && n.spawned(p) {
			must(t, syscall.Kill(pid, syscall.SIGKILL))
		}
	}
	must(t, await(t.Context(), killLimit, "crash", func() bool { return n.State() == Off }))
	must(t, l.Up(t.Context()))
	if got := sh(t, n, "hostname"); got != "node-1" {
		t.Errorf("after the crash the node says %q", got)
	}
}
