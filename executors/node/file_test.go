package node_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

func TestFacts(t *testing.T) {
	nics := []resource.NIC{{Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}}}
	l := local(t, machine(t))
	l.NICs = func() ([]resource.NIC, error) { return nics, nil }
	got := see(t, l, resource.FactsOf("n")).(resource.Facts)
	if got.DiskMB < 1 {
		t.Error("the disk below the root has no size")
	}
	arch := got.Arch
	if len(got.Free) == 0 || got.Free[0].Path != "/" || got.Free[0].FreeMB > got.Free[0].SizeMB || got.Free[0].SizeMB < 1 {
		t.Errorf("room below the root: %+v", got.Free)
	}
	got.DiskMB, got.Free = 0, nil
	want := resource.Facts{Hostname: "old", Arch: arch, Distro: "debian", Release: "13", Codename: "trixie", CPU: 2, MemMB: 2000, BootID: "7f1a", Packages: "deb", NICs: nics}
	if !reflect.DeepEqual(got, want) || arch == "" {
		t.Errorf("got %+v", got)
	}
	here := see(t, local(t, "/"), resource.FactsOf("n")).(resource.Facts)
	if here.CPU < 1 || here.MemMB < 1 || here.BootID == "" || here.Hostname == "" || here.Distro == "" {
		t.Errorf("this machine: %+v", here)
	}
}

func TestHostname(t *testing.T) {
	dir := machine(t)
	l, name := local(t, dir), id(resource.KindHostname, "node")
	if err := set(t, l, name, resource.NewHostname("pg-meta-1")); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(dir + "/etc/hostname"); string(b) != "pg-meta-1\n" {
		t.Errorf("got %q", b)
	}
	if err := set(t, l, name, resource.NewHostname("a b")); err == nil {
		t.Error("a name with a space was set")
	}
	l.SetName = func(string) error { return errBoom }
	if err := set(t, l, name, resource.NewHostname("x")); !errors.Is(err, errBoom) {
		t.Errorf("got %v", err)
	}
}

// The previous content is kept for undo, the newest three, for root only.
func TestUndo(t *testing.T) {
	dir := machine(t)
	l, file := local(t, dir), id(resource.KindFile, "/etc/x")
	for _, text := range []string{"1", "2", "3", "4", "5"} {
		if err := set(t, l, file, resource.NewFile([]byte(text), 0o644, "", "")); err != nil {
			t.Fatal(err)
		}
	}
	if err := set(t, l, file, nil); err != nil {
		t.Fatal(err)
	}
	kept, _ := filepath.Glob(dir + "/var/lib/pigsync/undo/*")
	var texts string
	for _, name := range kept {
		b, _ := os.ReadFile(name)
		texts += string(b)
		if info, _ := os.Stat(name); info.Mode() != 0o600 {
			t.Errorf("%s: mode %s", name, info.Mode())
		}
	}
	if info, _ := os.Stat(dir + "/var/lib/pigsync/undo"); texts != "345" || info.Mode().Perm() != 0o700 {
		t.Errorf("kept %q, mode %s", texts, info.Mode())
	}
}

// When only the attributes differ, the file is not written.
func TestAttributesAreNotARewrite(t *testing.T) {
	dir := machine(t)
	l, file := local(t, dir), id(resource.KindFile, "/etc/x")
	f := resource.NewFile([]byte("x"), 0o644, "", "")
	if err := set(t, l, file, f); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(dir + "/etc/x")
	f.Mode, f.Content = 0o600, nil
	if err := set(t, l, file, f); err != nil {
		t.Fatal(err)
	}
	after, _ := os.Stat(dir + "/etc/x")
	if !os.SameFile(before, after) || after.Mode() != 0o600 {
		t.Errorf("%v became %v", before, after)
	}
}

func TestSpecialFilesAreUnknown(t *testing.T) {
	dir := machine(t)
	l := local(t, dir)
	if err := syscall.Mkfifo(dir+"/fifo", 0o644); err != nil {
		t.Fatal(err)
	}
	s := l.Observe(t.Context(), []resource.ID{id(resource.KindFile, "/fifo")})[id(resource.KindFile, "/fifo")]
	fails(t, s.Err, "is a named pipe, not a file")
	if err := os.Truncate(write2(t, dir+"/large"), 65<<20); err != nil {
		t.Fatal(err)
	}
	s = l.Observe(t.Context(), []resource.ID{id(resource.KindFile, "/large")})[id(resource.KindFile, "/large")]
	fails(t, s.Err, "is larger than")
}

func write2(t *testing.T, name string) string {
	write(t, name, "")
	return name
}

// Whom nothing is shown knows nothing: not that it is absent.
func TestPermissionDeniedIsUnknown(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs to become somebody else")
	}
	dir := machine(t)
	write(t, dir+"/closed/file", "x")
	write(t, dir+"/secret", "x")
	for name, mode := range map[string]os.FileMode{"": 0o755, "/closed": 0o700, "/secret": 0o600} {
		if err := os.Chmod(dir+name, mode); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(dir, "helper")
	if err := exec.Command("cp", os.Args[0], bin).Run(); err != nil {
		t.Fatal(err)
	}
	p := spawn(t, dir, func(c *exec.Cmd) {
		c.Path = bin
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	})
	r := connect(t, p, node.Options{})
	for _, i := range []resource.ID{id(resource.KindFile, "/closed/file"), id(resource.KindFile, "/closed/none"), id(resource.KindFile, "/secret"),
		id(resource.KindLines, "/secret#m"), id(resource.KindLink, "/closed/l"), id(resource.KindDir, "/closed"), id(resource.KindCert, "/closed/{c,k}")} {
		if s := r.Observe(t.Context(), []resource.ID{i})[i]; !errors.Is(s.Err, fs.ErrPermission) || s.Spec != nil {
			t.Errorf("%s: %v, %v", i, s.Spec, s.Err)
		}
	}
	if err := r.Apply(t.Context(), change(id(resource.KindFile, "/new"), resource.NewFile(nil, 0o644, "", ""), nil)); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

// A symlink that somebody else than root has put on the way is not followed.
func TestForeignLinksAreNotFollowed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs to give files away")
	}
	dir := machine(t)
	write(t, dir+"/home/file", "")
	if err := errors.Join(os.Symlink("/etc", dir+"/home/way"), os.Lchown(dir+"/home/way", 1000, 1000), os.Chown(dir+"/home", 1000, 1000)); err != nil {
		t.Fatal(err)
	}
	l, file := local(t, dir), id(resource.KindFile, "/home/way/passwd")
	s := l.Observe(t.Context(), []resource.ID{file})[file]
	fails(t, s.Err, "not root's")
	if err := os.Chown(dir+"/home", 0, 0); err != nil {
		t.Fatal(err)
	}
	if see(t, l, file) == nil {
		t.Error("root's own directory is not trusted")
	}
}

func TestLinksOutOfTheRootStayInside(t *testing.T) {
	dir := machine(t)
	if err := errors.Join(os.Symlink("../../../../../etc", dir+"/up"), os.Symlink("/loop", dir+"/loop")); err != nil {
		t.Fatal(err)
	}
	l := local(t, dir)
	f := see(t, l, id(resource.KindFile, "/up/hostname")).(resource.File)
	if string(f.Content) != "old\n" {
		t.Errorf("got %q", string(f.Content))
	}
	s := l.Observe(t.Context(), []resource.ID{id(resource.KindFile, "/loop/x")})[id(resource.KindFile, "/loop/x")]
	fails(t, s.Err, "too many levels")
}

func TestLinesOfASharedFile(t *testing.T) {
	dir := machine(t)
	write(t, dir+"/etc/hosts", "127.0.0.1 localhost\n1.1.1.1 old # pigsty dns\n# end")
	if err := os.Chmod(dir+"/etc/hosts", 0o640); err != nil {
		t.Fatal(err)
	}
	l, lines := local(t, dir), id(resource.KindLines, resource.LinesName("/etc/hosts", "pigsty dns"))
	if err := set(t, l, lines, resource.Lines{Lines: []string{"10.10.10.10 a"}}); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(dir + "/etc/hosts")
	info, _ := os.Stat(dir + "/etc/hosts")
	if string(b) != "127.0.0.1 localhost\n10.10.10.10 a # pigsty dns\n# end" || info.Mode() != 0o640 {
		t.Errorf("got %q, %s", b, info.Mode())
	}
	for _, bad := range []string{"a\nb", " a", "a\r"} {
		if set(t, l, lines, resource.Lines{Lines: []string{bad}}) == nil {
			t.Errorf("%q was written", bad)
		}
	}
}

func mount(t *testing.T, source, target, kind string, flags uintptr) {
	t.Helper()
	if err := os.MkdirAll(target, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(source, target, kind, flags, ""); err != nil {
		t.Skip("cannot mount here: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(target, syscall.MNT_DETACH) })
}

// Nothing is removed across a mount point, whether it is another file system or the same again.
func TestMountPointsAreNotCrossed(t *testing.T) {
	for name, bind := range map[string]bool{"a file system": false, "a bind mount": true} {
		t.Run(name, func(t *testing.T) {
			dir := machine(t)
			write(t, dir+"/elsewhere/keep", "x")
			if bind {
				mount(t, dir+"/elsewhere", dir+"/data/sub/mnt", "", syscall.MS_BIND)
			} else {
				mount(t, "tmpfs", dir+"/data/sub/mnt", "tmpfs", 0)
				write(t, dir+"/data/sub/mnt/keep", "x")
			}
			l, data := local(t, dir), id(resource.KindDir, "/data")
			c := change(data, nil, see(t, l, data))
			c.Spec = resource.Dir{Data: true}
			fails(t, l.Apply(t.Context(), c), "is a mount point, so nothing below it is removed")
			if _, err := os.Stat(dir + "/data/sub/mnt/keep"); err != nil {
				t.Error(err)
			}
		})
	}
}

// A mount point itself is emptied, aside or for good, and stays.
func TestAMountPointIsEmptied(t *testing.T) {
	dir := machine(t)
	mount(t, "tmpfs", dir+"/data", "tmpfs", 0)
	write(t, dir+"/data/sub/file", "x")
	write(t, dir+"/data/lost+found/x", "x")
	l, data := local(t, dir), id(resource.KindDir, "/data")
	if err := set(t, l, data, resource.Dir{Mode: 0o700, Vacant: true}); err != nil {
		t.Fatal(err)
	}
	aside, _ := filepath.Glob(dir + "/data/.pigsync-aside-*/sub/file")
	if have := see(t, l, data).(resource.Dir); !have.Vacant || have.Mode != 0o700 || len(aside) != 1 {
		t.Errorf("%+v, aside %v", have, aside)
	}
	c := change(data, nil, see(t, l, data))
	c.Spec = resource.Dir{Data: true}
	fails(t, l.Apply(t.Context(), c), "is a mount point, so it stays, empty")
	if left, _ := os.ReadDir(dir + "/data"); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestVacateMovesAside(t *testing.T) {
	dir := machine(t)
	write(t, dir+"/data/file", "x")
	l, data := local(t, dir), id(resource.KindDir, "/data")
	l.Now = func() time.Time { return time.Unix(1700000000, 0) }
	if err := os.Chmod(dir+"/data", 0o2750); err != nil {
		t.Fatal(err)
	}
	if err := set(t, l, data, resource.Dir{Vacant: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir + "/data.pigsync-1700000000/file"); err != nil {
		t.Error(err)
	}
	if have := see(t, l, data).(resource.Dir); have.Mode != 0o750 {
		t.Errorf("got %+v", have)
	}
	write(t, dir+"/data/file", "y")
	fails(t, set(t, l, data, resource.Dir{Vacant: true}), "is in the way")
}

// What is mounted over, as /etc/hosts in a container, cannot be replaced.
func TestAFileThatIsAMountPoint(t *testing.T) {
	dir := machine(t)
	write(t, dir+"/source", "old\n")
	write(t, dir+"/etc/hosts", "")
	if err := syscall.Mount(dir+"/source", dir+"/etc/hosts", "", syscall.MS_BIND, ""); err != nil {
		t.Skip("cannot mount here: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir+"/etc/hosts", syscall.MNT_DETACH) })
	l := local(t, dir)
	if err := set(t, l, id(resource.KindLines, "/etc/hosts#m"), resource.Lines{Lines: []string{"new"}}); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(dir + "/source")
	left, _ := filepath.Glob(dir + "/etc/.pigsync-*")
	if string(b) != "old\nnew # m\n" || left != nil {
		t.Errorf("got %q, left %v", b, left)
	}
}

// The contents of a directory do not matter to a change of its mode.
func TestContentsAreVolatile(t *testing.T) {
	dir := machine(t)
	l, data := local(t, dir), id(resource.KindDir, "/data")
	if err := set(t, l, data, resource.Dir{Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
	have := see(t, l, data)
	write(t, dir+"/data/file", "x")
	if err := l.Apply(t.Context(), change(data, resource.Dir{Mode: 0o700}, have)); err != nil {
		t.Error(err)
	}
	c := change(data, resource.Dir{Vacant: true}, see(t, l, data))
	c.Have = resource.Dir{Mode: 0o700, Owner: "root", Group: "root", Vacant: true}
	if err := l.Apply(t.Context(), c); !errors.Is(err, executors.ErrMoved) {
		t.Errorf("got %v", err)
	}
}

func TestRefusals(t *testing.T) {
	l := local(t, machine(t))
	for name, c := range map[string]diff.Change{
		"does not exist":          change(id(resource.KindFile, "/no/file"), resource.NewFile(nil, 0o644, "", ""), nil),
		"is one of a dir":         change(id(resource.KindFile, "/file"), resource.Dir{}, nil),
		`there is no user "none"`: change(id(resource.KindFile, "/file"), resource.NewFile(nil, 0o644, "none", ""), nil),
		"no name for an account":  change(id(resource.KindUser, "-rf"), resource.User{}, nil),
		"a node has no ca":        change(id(resource.KindCA, "x"), resource.CA{}, nil),
		"needs a target":          change(id(resource.KindLink, "/link"), resource.Link{}, nil),
		"no systemd":              change(id(resource.KindUnit, "x"), resource.Unit{}, nil),
		"can only be observed":    change(resource.FactsOf("n"), resource.Facts{}, see(t, l, resource.FactsOf("n"))),
	} {
		err := l.Apply(t.Context(), c)
		fails(t, err, name)
		if err != nil && !strings.HasPrefix(err.Error(), "apply "+c.ID.String()) {
			t.Errorf("got %v", err)
		}
	}
}

// A data directory stays as long as a server runs upon it, whoever started that, and goes when none does.
func TestADirectoryInUseStays(t *testing.T) {
	dir := machine(t)
	write(t, dir+"/data/postmaster.pid", strconv.Itoa(os.Getpid())+"\n/data\n")
	write(t, dir+"/proc/"+strconv.Itoa(os.Getpid())+"/stat", "x")
	l, data := local(t, dir), id(resource.KindDir, "/data")
	c := change(data, nil, see(t, l, data))
	c.Spec = resource.Dir{Data: true}
	fails(t, l.Apply(t.Context(), c), "a server runs upon it: process "+strconv.Itoa(os.Getpid()))
	if _, err := os.Stat(dir + "/data/postmaster.pid"); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(dir + "/proc/" + strconv.Itoa(os.Getpid())); err != nil {
		t.Fatal(err)
	}
	if err := l.Apply(t.Context(), c); err != nil {
		t.Error(err)
	}
}
