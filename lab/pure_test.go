package lab

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestConfigDefaults(t *testing.T) {
	t.Setenv("PIGSYNC_LAB_CACHE", "")
	t.Setenv("XDG_CACHE_HOME", "/x")
	c, err := Config{Name: "no-such-lab"}.normal()
	must(t, err)
	if c.Dir != "/var/lib/pigsync-lab/no-such-lab" || c.Cache != "/x/pigsync-lab" || c.Log == nil {
		t.Errorf("got %+v", c)
	}
	t.Setenv("PIGSYNC_LAB_CACHE", "/y")
	if got := DefaultCache(); got != "/y" {
		t.Errorf("cache %s, want that of the environment", got)
	}
}

func TestConfigRefusals(t *testing.T) {
	for name, c := range map[string]Config{
		"name with a slash":    {Name: "a/b"},
		"name too long":        {Name: strings.Repeat("a", 25)},
		"relative directory":   {Dir: "lab"},
		"root as directory":    {Dir: "/"},
		"directory with comma": {Dir: "/a,b"},
		"directory with colon": {Dir: "/a:b"},
		"cache with a space":   {Cache: "/a b"},
	} {
		if _, err := c.normal(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOpen(t *testing.T) {
	l, err := Open(Config{Name: "no-such-lab", Dir: t.TempDir(), Nodes: []NodeConfig{{}, {Suite: Bookworm}}})
	must(t, err)
	for _, name := range []string{"node-2", "2", "10.10.10.11"} {
		n, err := l.Node(name)
		if err != nil || n.Name != "node-2" || n.Suite != Bookworm || n.Address != "10.10.10.11" {
			t.Errorf("node %s is %+v, %v", name, n, err)
		}
	}
	if _, err := l.Node("3"); err == nil {
		t.Error("a third of two nodes was found")
	}
	if l.nodes[0].Suite != Trixie {
		t.Errorf("suite %s by default, want trixie", l.nodes[0].Suite)
	}
	if st := l.Status(); st.Up || l.WantUp() == nil {
		t.Errorf("a lab that never was up has status %+v", st)
	}
	if _, err := Open(Config{Nodes: []NodeConfig{{Suite: "sarge"}}, Dir: t.TempDir()}); err == nil {
		t.Error("an unknown suite was accepted")
	}
	if _, err := Open(Config{Nodes: make([]NodeConfig, maxNodes+1), Dir: t.TempDir()}); err == nil {
		t.Error("more nodes than addresses were accepted")
	}
}

func TestMissingNamesEachPackageOnce(t *testing.T) {
	programs, packages := missing(func(p string) bool { return p != "ssh" && p != "ssh-keygen" && p != "ip" })
	if got := strings.Join(programs, " "); got != "ip ssh ssh-keygen" {
		t.Errorf("programs %s", got)
	}
	if got := strings.Join(packages, " "); got != "iproute2 openssh-client" {
		t.Errorf("packages %s", got)
	}
}

func TestParseMirrors(t *testing.T) {
	for _, c := range []struct {
		name, targets string
		want          mirrors
	}{
		{"none", "", mirrors{}},
		{"other origins", "Ubuntu http://u/ubuntu/\nnot a line\n", mirrors{}},
		{"own", "Debian https://m/debian/\nDebian https://n/debian/\nDebian-Security https://m/sec/\n", mirrors{"https://m/debian", "https://m/sec"}},
	} {
		if got := parseMirrors(c.targets); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	lines := mirrors{"http://a", "http://s"}.sources(Bookworm)
	if len(lines) != 3 || !strings.HasSuffix(lines[2], "] http://s bookworm-security main") {
		t.Errorf("sources %q", lines)
	}
}

func TestParseURIs(t *testing.T) {
	out := "Reading lists\n" +
		"'http://d/pool/main/c/chrony/chrony_4.6.1-3_amd64.deb' chrony_4.6.1-3_amd64.deb 299808 SHA256:00\n" +
		"'http://d/pool/x/libx_2.0%2bb1_all.deb' libx_1%3a2.0%2bb1_all.deb 1 SHA256:00\n'broken\n"
	want := []debFile{
		{"chrony_4.6.1-3_amd64.deb", "chrony_4.6.1-3_amd64.deb", "chrony:amd64=4.6.1-3"},
		{"libx_1%3a2.0%2bb1_all.deb", "libx_2.0+b1_all.deb", "libx:all=1:2.0+b1"},
	}
	if got := parseURIs(out); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestExpand(t *testing.T) {
	got, err := expand([]string{"nginx", "@etcd", "etcd-client"})
	must(t, err)
	if want := []string{"etcd-client", "etcd-server", "nginx"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, bad := range []string{"@no-such", "-o=x", "a b", "", "Nginx"} {
		if _, err := expand([]string{bad}); err == nil {
			t.Errorf("package %q was accepted", bad)
		}
	}
	for name := range Groups() {
		if _, err := expand([]string{"@" + name}); err != nil {
			t.Errorf("group %s: %v", name, err)
		}
	}
}

func TestParseMounts(t *testing.T) {
	text := `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
37 35 0:40 / /a\040b rw - overlay overlay rw,lowerdir=/l,upperdir=/u
38 35 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
short - line
`
	want := []mountPoint{
		{"/mnt2", "ext3", "rw,errors=continue"}, {"/a b", "overlay", "rw,lowerdir=/l,upperdir=/u"},
		{"/sys/fs/cgroup/systemd", "cgroup", "rw,name=systemd"},
	}
	if got := parseMounts(text); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestParseStatus(t *testing.T) {
	for _, c := range []struct {
		name, status string
		want         process
		ok           bool
	}{
		{"host process", "Name:\tx\nState:\tS (sleeping)\nPid:\t70\nNSpid:\t70\n", process{pid: 70, inner: 70}, true},
		{"container init", "State:\tS (sleeping)\nPid:\t71\nNSpid:\t71\t1\n", process{pid: 71, inner: 1}, true},
		{"zombie", "State:\tZ (zombie)\nPid:\t72\nNSpid:\t72\n", process{}, false},
		{"nothing", "", process{}, false},
	} {
		var p process
		ok := p.parseStatus(c.status)
		if ok != c.ok || ok && (p.pid != c.want.pid || p.inner != c.want.inner) {
			t.Errorf("%s: got %+v %v", c.name, p, ok)
		}
	}
}

func TestIsInit(t *testing.T) {
	for _, c := range []struct {
		p    process
		want bool
	}{
		{process{pid: 9, inner: 1, args: []string{"/usr/lib/systemd/systemd"}}, true},
		{process{pid: 9, inner: 1, args: []string{"/sbin/init"}}, true},
		{process{pid: 9, inner: 1, args: []string{"systemd-nspawn", "--quiet"}}, false},
		{process{pid: 9, inner: 2, args: []string{"/usr/lib/systemd/systemd-journald"}}, false},
		{process{pid: 1, inner: 1, args: []string{"/sbin/init"}}, false},
	} {
		if got := isInit(c.p); got != c.want {
			t.Errorf("%+v: got %v", c.p, got)
		}
	}
}

func TestListensTo(t *testing.T) {
	sockets := "  sl  local_address rem_address   st\n   0: 00000000:0016 00000000:0000 0A 00000000:00000000\n" +
		"   1: 0A0A0A0A:0050 0A0A0A01:9C40 01 00000000:00000000\n"
	if !listensTo(sockets, 22) || listensTo(sockets, 80) || listensTo("", 22) {
		t.Error("want port 22 and no other")
	}
}

func TestRemoveGroup(t *testing.T) {
	if err := removeGroup(filepath.Join(t.TempDir(), "gone")); err != nil {
		t.Errorf("a group that is gone: %v", err)
	}
}

func TestLockExcludesAndMayBeDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, err := lock(t.Context(), path, false)
	must(t, err)
	if f, err := tryLock(path, 2|4); err == nil { // LOCK_EX|LOCK_NB
		f.Close()
		t.Fatal("locked twice")
	}
	must(t, remove(path))
	release()
	again, err := lock(t.Context(), path, true)
	must(t, err)
	also, err := lock(t.Context(), path, true)
	must(t, err)
	again()
	also()
}

func TestLastLines(t *testing.T) {
	if got := lastLines("a\n\nb\n c \n", 2); got != "b; c" {
		t.Errorf("got %q", got)
	}
	if got := lastLines("", 2); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestPackages(t *testing.T) {
	trixie, bookworm := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(trixie, "a_1+b_all.deb"), []byte("for trixie"), 0o600))
	must(t, os.WriteFile(filepath.Join(bookworm, "a_1+b_all.deb"), []byte("for bookworm"), 0o600))
	h := packages(state{
		Nodes: []NodeConfig{{Suite: Trixie}, {Suite: Bookworm}},
		Repos: map[Suite]string{Trixie: trixie, Bookworm: bookworm},
	})
	for _, c := range []struct{ from, path, want string }{
		{"10.10.10.10", "/pigsty/./a_1%2bb_all.deb", "for trixie"},
		{"10.10.10.11", "/pigsty/a_1+b_all.deb", "for bookworm"},
		{"10.10.10.11", "/pigsty/trixie/./a_1%2bb_all.deb", "for trixie"},
		{"10.10.10.1", "/pigsty/bookworm/a_1+b_all.deb", "for bookworm"},
		{"10.10.10.1", "/pigsty/a_1+b_all.deb", "404 page not found\n"},
		{"10.10.10.10", "/pigsty/sid/a_1+b_all.deb", "404 page not found\n"},
		{"10.10.10.10", "/other", "404 page not found\n"},
		{"10.10.10.10", "/pigsty/trixie/../../etc/passwd", "404 page not found\n"},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		r.RemoteAddr = c.from + ":1000"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Body.String(); got != c.want {
			t.Errorf("%s asks for %s: got %q, want %q", c.from, c.path, got, c.want)
		}
	}
}

var exampleQuery = []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01")

func TestNoSuchName(t *testing.T) {
	got := noSuchName(exampleQuery)
	want := append([]byte("\x12\x34\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00"), exampleQuery[12:]...)
	if !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	if noSuchName(got) != nil {
		t.Error("an answer was answered")
	}
}

func FuzzNoSuchName(f *testing.F) {
	f.Add(exampleQuery)
	f.Add(exampleQuery[:20])
	f.Fuzz(func(t *testing.T, query []byte) {
		reply := noSuchName(query)
		if reply == nil {
			return
		}
		if len(reply) > len(query) || !bytes.Equal(reply[:2], query[:2]) || reply[2]&0x80 == 0 || reply[3]&0x0f != 3 {
			t.Errorf("query %x, answer %x", query, reply)
		}
	})
}
