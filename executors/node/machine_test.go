package node_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/exectest"
	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// machineEnv says that this machine, a Debian with systemd, may be changed: a node of the lab.
const machineEnv = "PIGSYNC_TEST_MACHINE"

func throwaway(t *testing.T) {
	if os.Getenv(machineEnv) == "" {
		t.Skipf("set %s=1 on a machine that may be changed", machineEnv)
	}
}

// archive is a package source in a directory, with packages of ours.
type archive struct {
	*testing.T
	dir   string
	index string
}

func (a *archive) add(name, version, fields, postinst string) {
	a.Helper()
	root := a.TempDir()
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: pigsync <pigsync@example.org>\nDescription: test\n%s", name, version, fields)
	write(a, root+"/DEBIAN/control", control)
	write(a, root+"/usr/share/"+name+"/version", version)
	write(a, root+"/usr/lib/systemd/system/"+name+".service", "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n")
	write(a, root+"/DEBIAN/postinst", "#!/bin/sh\nset -e\n"+postinst+"\n")
	if err := os.Chmod(root+"/DEBIAN/postinst", 0o755); err != nil {
		a.Fatal(err)
	}
	deb := fmt.Sprintf("%s/%s_%s.deb", a.dir, name, version)
	if out, err := exec.Command("dpkg-deb", "--root-owner-group", "--build", root, deb).CombinedOutput(); err != nil {
		a.Fatal(err, string(out))
	}
	b, err := os.ReadFile(deb)
	if err != nil {
		a.Fatal(err)
	}
	a.index += fmt.Sprintf("%sFilename: ./%s\nSize: %d\nSHA256: %x\n\n", control, filepath.Base(deb), len(b), sha256.Sum256(b))
	write(a, a.dir+"/Packages", a.index)
}

// shelf makes an archive with what the tests need.
func shelf(t *testing.T) *archive {
	a := &archive{T: t, dir: "/srv/pigsync-test"}
	t.Cleanup(func() { os.RemoveAll(a.dir) })
	write(t, a.dir+"/Packages", "")
	// As the snippets of debhelper do.
	start := "systemctl daemon-reload\ndeb-systemd-helper enable pigsync-a.service >/dev/null\ndeb-systemd-invoke start pigsync-a.service || true"
	a.add("pigsync-a", "1", "Depends: pigsync-b\n", start)
	a.add("pigsync-b", "1", "", "")
	a.add("pigsync-c", "1", "Conflicts: pigsync-b\n", "")
	a.add("pigsync-slow", "1", "", "sleep 3")
	a.add("pigsync-bad", "1", "", "echo no luck; exit 7")
	return a
}

func source() resource.Repo {
	return resource.NewRepo([]byte("deb [trusted=yes] file:/srv/pigsync-test ./\n"))
}

var sources = id(resource.KindRepo, "/etc/apt/sources.list.d/pigsync-test.list")

func shell(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// far is a helper process for this machine.
func far(t testing.TB, opts node.Options) *node.Remote { return connect(t, spawn(t, "/", nil), opts) }

func TestMachineSuite(t *testing.T) {
	throwaway(t)
	shelf(t)
	os.RemoveAll("/exectest")
	ca := newAuthority(t)
	at := func(i resource.ID) resource.ID { i.At = "node-1"; return i }
	unit := func(i string, on bool) resource.Unit {
		return resource.Unit{Active: true, Enabled: on, Inputs: i, Loads: []resource.Load{{Path: "/etc/hostname"}}, Settle: 1}
	}
	write(t, "/etc/systemd/system/pigsync-unit.service", "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n")
	t.Cleanup(func() { os.Remove("/etc/systemd/system/pigsync-unit.service") })
	if err := set(t, far(t, node.Options{}), id(resource.KindUnit, "pigsync-unit"), nil); err != nil { // or it would be there
		t.Fatal(err)
	}
	cert := wantCert(ca)
	cert.Owner, cert.Group = "daemon", "daemon"
	exectest.RunFiles(t, func(t testing.TB) executors.Executor {
		t.Cleanup(func() { os.RemoveAll("/exectest") })
		return far(t, node.Options{Signer: ca})
	}, exectest.Options{
		Tree: true, Owner: "daemon",
		Samples: []exectest.Sample{
			{ID: at(sources), Specs: []resource.Spec{source(), resource.NewRepo([]byte("# none\n")), source()}},
			{ID: at(id(resource.KindGroup, "pigsync-g")), Specs: []resource.Spec{resource.Group{System: true}}},
			{ID: at(id(resource.KindUser, "pigsync-u")), Specs: []resource.Spec{
				resource.User{System: true, Group: "daemon", Home: "/var/lib/x", Shell: "/bin/false"}, resource.User{Groups: []string{"adm"}, Home: "/y"},
			}},
			{ID: at(id(resource.KindTrust, "pigsync-ca")), Specs: []resource.Spec{
				resource.Trust{PEM: ca.pem(), Bundled: true}, resource.Trust{PEM: newAuthority(t).pem(), Bundled: true},
			}},
			{
				ID: at(id(resource.KindCert, "/exectest/{c,k}")), Specs: []resource.Spec{cert},
				Needs: []resource.Resource{{ID: at(id(resource.KindDir, "/exectest")), Spec: resource.Dir{Mode: 0o755}}},
			},
			{ID: at(id(resource.KindUnit, "pigsync-unit")), Late: true, Specs: []resource.Spec{
				unit("1", true), unit("2", true), unit("2", false), resource.Unit{Enabled: true}, unit("2", true),
			}},
		},
	})
}

func TestMachinePackages(t *testing.T) {
	throwaway(t)
	a := shelf(t)
	r := far(t, node.Options{})
	if err := set(t, r, sources, source()); err != nil {
		t.Fatal(err)
	}
	defer set(t, r, sources, nil)
	name := id(resource.KindPackage, "pigsync-none|pigsync-a")
	if err := set(t, r, name, resource.Package{}); err != nil {
		t.Fatal(err)
	}
	if got := shell(t, "systemctl is-active pigsync-a || true; ls /usr/sbin/policy-rc.d 2>&1 || true"); !strings.HasPrefix(got, "inactive") || !strings.Contains(got, "No such file") {
		t.Errorf("a service started by itself, or the policy stayed: %s", got)
	}
	if got := see(t, r, name); got != (resource.Package{Name: "pigsync-a", Version: "1"}) {
		t.Errorf("got %+v", got)
	}
	// What came with it is done, when the plan wanted it, too.
	if err := r.Apply(t.Context(), change(id(resource.KindPackage, "pigsync-b"), resource.Package{}, nil)); err != nil {
		t.Error(err)
	}
	fails(t, set(t, r, id(resource.KindPackage, "pigsync-c"), resource.Package{}), "would remove pigsync-")
	fails(t, set(t, r, id(resource.KindPackage, "pigsync-none|pigsync-nil"), resource.Package{}), "no package source offers pigsync-none or pigsync-nil")
	fails(t, set(t, r, id(resource.KindPackage, "pigsync-slow"), resource.Package{Version: "9"}), "E: Version '9' for 'pigsync-slow' was not found")
	fails(t, set(t, r, id(resource.KindPackage, "pigsync-b"), nil), "would also touch")
	a.add("pigsync-a", "2", "Depends: pigsync-b\n", "")
	stale := resource.NewRepo([]byte("# again\ndeb [trusted=yes] file:/srv/pigsync-test ./\n"))
	if err := errors.Join(set(t, r, sources, stale), set(t, r, name, resource.Package{Version: "2"})); err != nil {
		t.Fatal(err)
	}
	fails(t, set(t, r, name, resource.Package{Version: "1"}), "downgrade")
	if err := errors.Join(set(t, r, name, nil), set(t, r, id(resource.KindPackage, "pigsync-b"), nil)); err != nil {
		t.Error(err)
	}
}

func TestMachineBadPackage(t *testing.T) {
	throwaway(t)
	shelf(t)
	r := far(t, node.Options{})
	if err := set(t, r, sources, source()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		shell(t, "dpkg --purge pigsync-bad")
		set(t, r, sources, nil)
	}()
	bad := id(resource.KindPackage, "pigsync-bad")
	err := set(t, r, bad, resource.Package{})
	fails(t, err, "returned error exit status 7")
	t.Log(err)
	if p, _ := r.Observe(t.Context(), []resource.ID{bad})[bad].Spec.(resource.Package); p.Trouble != "half-configured" {
		t.Errorf("half an installation is not told: %+v", p)
	}
	if _, err := os.Stat("/usr/sbin/policy-rc.d"); err == nil {
		t.Error("the policy stayed")
	}
}

// A helper that is killed cuts no installation, and its policy is replaced.
func TestMachineKilledInstaller(t *testing.T) {
	throwaway(t)
	shelf(t)
	p := spawn(t, "/", nil)
	r := connect(t, p, node.Options{})
	if err := set(t, r, sources, source()); err != nil {
		t.Fatal(err)
	}
	slow := id(resource.KindPackage, "pigsync-slow")
	done := make(chan error)
	go func() { done <- r.Apply(t.Context(), change(slow, resource.Package{}, nil)) }()
	for shell(t, "pgrep -f [p]igsync-slow.postinst || true") == "" {
		time.Sleep(20 * time.Millisecond) // until dpkg has come so far
	}
	p.cmd.Process.Kill()
	fails(t, <-done, "not known whether it was done")
	other := far(t, node.Options{})
	if p, _ := other.Observe(t.Context(), []resource.ID{slow})[slow].Spec.(resource.Package); p.Trouble == "" {
		t.Errorf("half an installation is not told: %+v", p)
	}
	if got := shell(t, "cat /usr/sbin/policy-rc.d"); !strings.Contains(got, "pigsync") {
		t.Errorf("got %s", got)
	}
	// The next one waits for the lock of dpkg.
	if err := set(t, other, id(resource.KindPackage, "pigsync-b"), resource.Package{}); err != nil {
		t.Fatal(err)
	}
	if see(t, other, slow) == nil {
		t.Error("the installation was cut")
	}
	if _, err := os.Stat("/usr/sbin/policy-rc.d"); err == nil {
		t.Error("the policy stayed")
	}
	if err := errors.Join(set(t, other, slow, nil), set(t, other, id(resource.KindPackage, "pigsync-b"), nil), set(t, other, sources, nil)); err != nil {
		t.Error(err)
	}
}

func TestMachineBrokenSource(t *testing.T) {
	throwaway(t)
	r := far(t, node.Options{})
	broken := resource.NewRepo([]byte("deb [trusted=yes] file:/srv/no/such/place ./\n"))
	err := set(t, r, sources, broken)
	fails(t, err, "apt-get update")
	t.Log(err)
	if have := see(t, r, sources).(resource.Repo); have.Fetched || have.Sum != broken.Sum {
		t.Errorf("got %+v", have)
	}
	if err := set(t, r, sources, nil); err != nil {
		t.Error(err)
	}
}

// The lock of apt's lists, held by somebody else, is waited for.
func TestMachineLockedLists(t *testing.T) {
	throwaway(t)
	shelf(t)
	f, err := os.OpenFile("/var/lib/apt/lists/lock", os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK}); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(3*time.Second, func() { f.Close() })
	r := far(t, node.Options{})
	start := time.Now()
	if err := set(t, r, sources, source()); err != nil || time.Since(start) < 3*time.Second {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
	if err := set(t, r, sources, nil); err != nil {
		t.Error(err)
	}
}

// What systemd does by itself, by hand and in failure.
func TestMachineUnits(t *testing.T) {
	throwaway(t)
	r := far(t, node.Options{})
	file, unit := id(resource.KindFile, "/etc/systemd/system/pigsync-unit.service"), id(resource.KindUnit, "pigsync-unit")
	text := func(cmd string) resource.File {
		return resource.NewFile([]byte("[Unit]\nStartLimitIntervalSec=0\n[Service]\nEnvironmentFile=-/etc/pigsync-unit.env\nExecStart="+cmd+"\n[Install]\nWantedBy=multi-user.target\n"), 0o644, "", "")
	}
	want := resource.Unit{Active: true, Enabled: true, Inputs: "1", Settle: 1, Loads: []resource.Load{{Path: "/etc/pigsync-unit.env"}, {Path: file.Name}}}
	if got := see(t, r, unit); got != nil {
		t.Fatalf("got %+v", got)
	}
	create := change(unit, want, nil)
	if err := set(t, r, file, text("/bin/sleep infinity")); err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // a process must be younger than its files by a tick of the clock
	shell(t, "systemctl restart pigsync-unit")
	if got := see(t, r, unit).(resource.Unit); got.Inputs != "1" || got.Noted {
		t.Errorf("after a restart by hand: %+v", got)
	}
	if err := set(t, r, unit, want); err != nil {
		t.Fatal(err)
	}
	before := shell(t, "systemctl show -p InvocationID pigsync-unit")
	if err := set(t, r, file, text("/bin/sleep 100000")); err != nil {
		t.Fatal(err)
	}
	if got := see(t, r, unit).(resource.Unit); !got.Stale || !got.Noted {
		t.Errorf("after a new unit file: %+v", got)
	}
	want.Inputs = "2"
	if err := set(t, r, unit, want); err != nil {
		t.Fatal(err)
	}
	if after := shell(t, "systemctl show -p InvocationID pigsync-unit"); after == before {
		t.Error("it was not restarted")
	}
	if err := set(t, r, file, text("/bin/false")); err != nil {
		t.Fatal(err)
	}
	want.Inputs = "3"
	err := set(t, r, unit, want)
	fails(t, err, "it is failed (failed), result exit-code")
	t.Log(err)
	shell(t, "systemctl mask --runtime pigsync-none.service")
	fails(t, set(t, r, id(resource.KindUnit, "pigsync-none"), want), "masked")
	shell(t, "systemctl unmask --runtime pigsync-none.service")
	if err := errors.Join(set(t, r, unit, nil), set(t, r, file, nil)); err != nil {
		t.Fatal(err)
	}
	if got := see(t, r, unit); got != nil {
		t.Errorf("got %+v", got)
	}
}

// A unit file of ours that comes beside a package's is what starts, though systemd has the other one
// in memory and does not flag it.
func TestMachineOverriddenUnit(t *testing.T) {
	throwaway(t)
	r, unit := far(t, node.Options{}), id(resource.KindUnit, "pigsync-both")
	theirs, own := id(resource.KindFile, "/usr/lib/systemd/system/pigsync-both.service"), id(resource.KindFile, "/etc/systemd/system/pigsync-both.service")
	text := func(what string) resource.File {
		return resource.NewFile([]byte("[Service]\nExecStart=/bin/sleep "+what+"\n[Install]\nWantedBy=multi-user.target\n"), 0o644, "", "")
	}
	if err := set(t, r, theirs, text("1111")); err != nil {
		t.Fatal(err)
	}
	shell(t, "systemctl daemon-reload; systemctl start pigsync-both; systemctl stop pigsync-both; systemctl enable pigsync-both")
	have := see(t, r, unit)
	if err := set(t, r, own, text("2222")); err != nil {
		t.Fatal(err)
	}
	if got := see(t, r, unit).(resource.Unit); !got.Stale {
		t.Errorf("got %+v", got)
	}
	if err := r.Apply(t.Context(), change(unit, resource.Unit{Active: true, Enabled: true, Inputs: "1"}, have)); err != nil {
		t.Fatal(err)
	}
	if got := shell(t, "tr '\\0' ' ' </proc/$(systemctl show -P MainPID pigsync-both)/cmdline"); !strings.Contains(got, "2222") {
		t.Errorf("the package's file was started: %s", got)
	}
	if err := errors.Join(set(t, r, unit, nil), set(t, r, own, nil), set(t, r, theirs, nil)); err != nil {
		t.Error(err)
	}
	shell(t, "systemctl daemon-reload")
}

func TestMachineHostname(t *testing.T) {
	throwaway(t)
	r, name := far(t, node.Options{}), id(resource.KindHostname, "node")
	old := see(t, r, name)
	if err := set(t, r, name, resource.NewHostname("pigsync-test")); err != nil {
		t.Fatal(err)
	}
	if got := shell(t, "hostname"); got != "pigsync-test" {
		t.Errorf("got %s", got)
	}
	if err := set(t, r, name, old); err != nil {
		t.Error(err)
	}
}

// A quiet observation of sixty resources of all kinds.
func BenchmarkObserve60(b *testing.B) {
	if os.Getenv(machineEnv) == "" {
		b.Skip("needs a machine")
	}
	l := &node.Local{Root: open(b, "/"), Systemd: &node.DBus{}}
	ids := sixty()
	b.ReportAllocs()
	for b.Loop() {
		for id, s := range l.Observe(b.Context(), ids) {
			if s.Err != nil && id.Kind != resource.KindLink {
				b.Fatal(id, s.Err)
			}
		}
	}
}

// sixty are as many resources as a node of Pigsty's has, of every kind.
func sixty() []resource.ID {
	ids := []resource.ID{resource.FactsOf("n"), id(resource.KindHostname, "node"), id(resource.KindLines, "/etc/hosts#pigsty dns"), id(resource.KindTrust, "pigsty-ca"), server}
	names := []string{"passwd", "group", "fstab", "hostname", "hosts", "profile", "nsswitch.conf", "bash.bashrc", "debian_version", "issue", "login.defs", "shells", "services", "ld.so.conf", "host.conf"}
	for _, name := range names {
		ids = append(ids, id(resource.KindFile, "/etc/"+name))
	}
	for _, name := range []string{"/etc", "/usr", "/var/lib", "/etc/systemd/system", "/data", "/etc/apt", "/var/log", "/etc/ssl", "/opt", "/srv"} {
		ids = append(ids, id(resource.KindDir, name))
	}
	for _, name := range []string{"systemd", "bash", "openssh-server", "etcd|etcd-server", "haproxy", "curl", "sudo", "apt", "dpkg", "patroni"} {
		ids = append(ids, id(resource.KindPackage, name), id(resource.KindGroup, name))
	}
	for _, name := range []string{"ssh", "systemd-journald", "dbus", "etcd", "patroni", "haproxy", "cron", "systemd-logind", "chrony", "pgbouncer"} {
		ids = append(ids, id(resource.KindUnit, name))
	}
	return ids
}

// A helper takes little memory.
func TestMachineMemory(t *testing.T) {
	throwaway(t)
	p := spawn(t, "/", nil)
	r := connect(t, p, node.Options{})
	var took time.Duration
	for range 50 {
		start := time.Now()
		r.Observe(t.Context(), sixty())
		took = time.Since(start)
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "VmRSS") || strings.HasPrefix(line, "VmHWM") || strings.HasPrefix(line, "Rss") {
			t.Log(strings.TrimSpace(line))
		}
	}
	t.Logf("%d resources in %s", len(sixty()), took)
}
