package node

import (
	"bytes"
	"encoding/binary"
	"maps"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRemarkKeepsEveryOtherByte(t *testing.T) {
	line := rapid.OneOf(
		rapid.StringMatching(`[ -~]{0,12}`), rapid.StringMatching(`[a-z .0-9]{0,6} ?# mark`), rapid.Just("x # other mark"), rapid.Just("x\r"),
	)
	rapid.Check(t, func(t *rapid.T) {
		old := strings.Join(rapid.SliceOfN(line, 0, 8).Draw(t, "old"), "\n")
		want := rapid.SliceOfN(rapid.StringMatching(`([a-z#]([a-z# ]{0,5}[a-z#])?)?`), 0, 4).Draw(t, "want")
		got := remark(old, "mark", want, false)
		if have := marked(got, "mark"); !slices.Equal(have, want) {
			t.Fatalf("%q: wanted %q, read %q", got, want, have)
		}
		rest, before := without(got), without(old)
		if rest != before && rest != before+"\n" {
			t.Fatalf("%q became %q", before, rest)
		}
		if again := remark(got, "mark", want, false); again != got {
			t.Fatalf("%q became %q the second time", got, again)
		}
	})
}

func without(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if _, ok := unmark(line, "mark"); !ok {
			out.WriteString(line)
		}
	}
	return out.String()
}

func TestRemark(t *testing.T) {
	tests := []struct{ name, old, want string }{
		{"an empty file", "", "a # m\nb # m\n"},
		{"no line break at the end", "x", "x\na # m\nb # m\n"},
		{"in its old place", "1\nold # m\n2\nolder   #  m\nolder # m \n3", "1\na # m\nb # m\n2\nolder   #  m\n3"},
		{"windows", "x\r\nold # m\r\ny\r\n", "x\r\na # m\nb # m\ny\r\n"},
	}
	for _, tt := range tests {
		if got := remark(tt.old, "m", []string{"a", "b"}, false); got != tt.want {
			t.Errorf("%s: got %q", tt.name, got)
		}
	}
	if got := remark("1\na # m\n2\n", "m", nil, false); got != "1\n2\n" {
		t.Errorf("got %q", got)
	}
	jobs, stock := []string{"0 1 * * * root a", "0 2 * * * root b"}, "SHELL=/bin/sh\n0  1 * * *\troot a\n0 1 * * * root ab\n"
	if got, want := remark(stock, "m", jobs, true), "SHELL=/bin/sh\n0 1 * * * root a # m\n0 2 * * * root b # m\n0 1 * * * root ab\n"; got != want {
		t.Errorf("adopted: got %q", got)
	}
}

func FuzzRemark(f *testing.F) {
	f.Add("127.0.0.1 localhost\n10.0.0.1 a # m\n", "10.0.0.2 b")
	f.Add("# m", "")
	f.Fuzz(func(t *testing.T, text, line string) {
		line = strings.TrimSpace(strings.NewReplacer("\n", "", "\r", "").Replace(line))
		if strings.TrimSpace(line) != line {
			return
		}
		got := remark(text, "m", []string{line}, false)
		if have := marked(got, "m"); len(have) != 1 || have[0] != line {
			t.Errorf("%q: %q", got, have)
		}
	})
}

func FuzzOSRelease(f *testing.F) {
	f.Add("ID=debian\nVERSION_ID=\"13\"\n# x\nPRETTY_NAME='a \"b\"'\nX=\"\\$a\\\\\"")
	f.Fuzz(func(t *testing.T, text string) {
		for name, value := range parseOSRelease(text) {
			if name == "" || strings.ContainsAny(name, "\n=") || strings.Contains(value, "\n") {
				t.Errorf("%q = %q", name, value)
			}
		}
	})
}

func TestOSRelease(t *testing.T) {
	got := parseOSRelease("ID=debian\n\n#C=1\nVERSION_ID=\"13\"\nA='x y'\nB=\"a\\\"b\\$\"\nbroken\nD=\"")
	want := map[string]string{"ID": "debian", "VERSION_ID": "13", "A": "x y", "B": `a"b$`, "D": `"`}
	if !maps.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

const status = `Package: etcd-server
Status: install ok installed
Version: 3.5.1-1
Description: x
 Package: no
 .

Package: gone
Status: deinstall ok config-files
Version: 1

Package: half
Status: install ok half-configured
Version: 2

Package: bad
Status: install reinstreq installed
Version: 2

Package: multi
Status: install ok installed
Version: 1
Architecture: amd64

Package: multi
Status: deinstall ok config-files
Version: 1
Architecture: i386

Package: last
Status: hold ok installed
Version: 9`

func TestParseStatus(t *testing.T) {
	names := map[string]bool{}
	for _, n := range []string{"etcd-server", "gone", "half", "bad", "multi", "last", "none", "no"} {
		names[n] = true
	}
	found := map[string]packageState{}
	if err := parseStatus(strings.NewReader(status), names, found); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"etcd-server": "3.5.1-1", "multi": "1", "last": "9"} {
		if p := found[name]; p.status != "installed" || p.version != want || p.trouble() != "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	for _, name := range []string{"half", "bad"} {
		if found[name].trouble() == "" {
			t.Errorf("%s is no trouble", name)
		}
	}
	if p := found["gone"]; p.trouble() != "" || p.status == "installed" || len(found) != 6 {
		t.Errorf("%+v, %d found", p, len(found))
	}
	// The journal overrides.
	if err := parseStatus(strings.NewReader("Package: multi\nStatus: install ok unpacked\n"), names, found); err != nil {
		t.Fatal(err)
	}
	if found["multi"].trouble() == "" {
		t.Error("the journal was not read")
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte(status))
	f.Add(bytes.Repeat([]byte("x"), 200<<10))
	f.Fuzz(func(t *testing.T, b []byte) {
		found := map[string]packageState{}
		if err := parseStatus(bytes.NewReader(b), map[string]bool{"multi": true}, found); err != nil || len(found) > 1 {
			t.Errorf("%v, %v", err, found)
		}
	})
}

// What dpkg itself says of this machine is what we read.
func TestStatusAgreesWithDpkg(t *testing.T) {
	out, err := exec.Command("dpkg-query", "-W", "-f=${Package} ${Version} ${db:Status-Abbrev}\n").Output()
	if err != nil {
		t.Skip("no dpkg here")
	}
	names, want := map[string]bool{}, map[string]string{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 3 && (f[2] == "ii" || f[2] == "hi") {
			names[f[0]], want[f[0]] = true, f[1]
		}
	}
	v := (&Local{Root: rootOf(t, "/")}).look(t.Context(), nil)
	defer v.close()
	found, err := v.readPackages(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	for name, version := range want {
		if p := found[name]; p.status != "installed" || p.version != version {
			t.Errorf("%s: dpkg says %s, we %+v", name, version, p)
		}
	}
}

func TestParseApt(t *testing.T) {
	got := parsePolicy("etcd:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\netcd-server:\n  Installed: (none)\n  Candidate: 3.4\nN: Unable to locate package x\n")
	if len(got) != 1 || !got["etcd-server"] {
		t.Errorf("policy: %v", got)
	}
	s := parseSimulation("Remv old [1]\nInst new (2 Debian:13 [amd64])\nInst up [1] (2 Debian:13 [amd64]) []\nConf new (2 Debian)\n")
	if !slices.Equal(s.removed, []string{"old"}) || !slices.Equal(s.installed, []string{"new"}) || !slices.Equal(s.upgraded, []string{"up"}) {
		t.Errorf("simulation: %+v", s)
	}
	for said, want := range map[string]bool{
		"W: Failed to fetch http://x": true, "E: boom": true, "Err:1 http://x": true, "W: weak key": false, "": false,
		"W: Some index files failed to download. They have been ignored": true,
	} {
		if complains([]byte(said+"\n")) != want {
			t.Errorf("%q: not %v", said, want)
		}
	}
	if got := lastWords("a\nb\nc\nd\n\n"); got != "b; c; d" {
		t.Errorf("got %q", got)
	}
	if got := lastWords("x\ndpkg: error processing package p (--configure):\n script returned 7\nE: y\n"); got != "dpkg: error processing package p (--configure):; script returned 7; E: y" {
		t.Errorf("got %q", got)
	}
	if got := lastWords("a\nE: x\nb\nE: y\n" + strings.Repeat("z", 4000)); got != "E: x; E: y" {
		t.Errorf("got %q", got)
	}
}

func TestAccounts(t *testing.T) {
	a := parseAccounts("root:x:0:0::/root:/bin/sh\nroot:x:7:7::/:/\ntoor:x:0:0::/:/\nbroken:x\n:x:1:1::/:/\n+::::::\nx:x:a:1::/:/\n", "root:x:0:\nstaff:x:50:a,,b\nbad\n")
	if len(a.users) != 2 || a.users["root"].uid != 0 || a.uids[0] != "root" || len(a.groups["staff"].members) != 2 {
		t.Errorf("got %+v", a)
	}
	if u, g := a.names(0, 99); u != "root" || g != "99" {
		t.Errorf("got %s, %s", u, g)
	}
	for _, tt := range []struct {
		user, group string
		uid, gid    int
		ok          bool
	}{{"root", "staff", 0, 50, true}, {"", "", -1, -1, true}, {"998", "997", 998, 997, true}, {"nobody", "", 0, 0, false}, {"", "none", 0, 0, false}} {
		uid, gid, err := a.numbers(tt.user, tt.group)
		if (err == nil) != tt.ok || tt.ok && (uid != tt.uid || gid != tt.gid) {
			t.Errorf("%+v: %d, %d, %v", tt, uid, gid, err)
		}
	}
}

func TestSpan(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		(2*365 + 95) * day: "2y3mo", 5 * day: "5d", 6*time.Minute + 3*time.Second: "6m3s", 25 * time.Hour: "1d1h", 365*day + time.Hour: "1y",
	} {
		if got := span(d); got != want {
			t.Errorf("%s: got %s", d, got)
		}
	}
}

func TestSumLinesSkips(t *testing.T) {
	sum := func(text string) string {
		s, err := sumLines(strings.NewReader(text), "initial-")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	long := strings.Repeat("x", 10000)
	if sum("a\ninitial-x: 1\nb") != sum("a\nb") || sum("a\n initial-x\n") == sum("a\n") || sum("initial-"+long+"\nb") != sum("b") || sum(long+"initial-\n") == sum(long) {
		t.Error("the wrong lines are skipped")
	}
	if sum("a\nb") == sum("ab") {
		t.Error("line breaks do not count")
	}
}

func TestUnescape(t *testing.T) {
	if got := unescape(`/mnt/a\040b\134040`); got != `/mnt/a b\040` {
		t.Errorf("got %q", got)
	}
}

// A frame takes no more memory than has arrived, whatever its length says.
func TestFrameBoundsMemory(t *testing.T) {
	lie := append(binary.BigEndian.AppendUint32(nil, maxFrame), "{"...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := readFrame(bytes.NewReader(lie), maxFrame); err == nil {
		t.Error("half a frame was read")
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were taken", n)
	}
	if _, err := readFrame(bytes.NewReader(binary.BigEndian.AppendUint32(nil, maxFrame+1)), maxFrame); err == nil {
		t.Error("a frame over the limit was begun")
	}
}

func FuzzReadFrame(f *testing.F) {
	good, _ := encodeFrame(frame{Op: opDone, ID: 3, Err: &wireError{Text: "x", Code: "moved"}})
	f.Add(good)
	f.Add([]byte{0, 0, 0, 2, '{', '}'})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readFrame(bytes.NewReader(b), 1<<16)
		if err != nil {
			return
		}
		got.Err.decode()
		if got.Change != nil {
			got.Change.decode()
		}
		for _, s := range got.States {
			s.decode("file")
		}
	})
}

// What dnf 4 prints for repoquery --upgrades, with a remark before it.
func TestParseUpgrades(t *testing.T) {
	got := parseUpgrades("Last metadata expiration check: 0:01:02 ago\nhaproxy 0:2.4.22-3.el9_3\njq 1:1.6-16.el9\n\n")
	if want := map[string]string{"haproxy": "2.4.22-3.el9_3", "jq": "1:1.6-16.el9"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
