package node

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestParseRPM(t *testing.T) {
	names := map[string]bool{"bash": true, "haproxy": true, "openssl": true, "glibc": true, "postgresql17-server": true, "tzdata": true, "none": true}
	found := parseRPM(sample(t, "rpm/qa.txt"), parseLocks(sample(t, "rpm/versionlock.list")), names)
	for name, want := range map[string]packageState{
		"bash": {version: "5.1.8-9.el9"}, "haproxy": {version: "2.4.22-3.el9_3", held: true}, "openssl": {version: "1:3.0.7-28.el9_4", held: true},
		"glibc": {version: "2.34-100.el9_4.2"}, "postgresql17-server": {version: "17.2-1PGDG.rhel9", held: true}, "tzdata": {version: "2024b-2.el9"},
	} {
		want.status = "installed"
		if found[name] != want {
			t.Errorf("%s: got %+v", name, found[name])
		}
	}
	if len(found) != 6 {
		t.Errorf("found %v", found)
	}
}

func TestParseTransaction(t *testing.T) {
	for _, tt := range []struct {
		file, want string
		resolved   bool
	}{
		{"install.txt", "{[keepalived postgresql17-a-name-too-long-for-its-column net-snmp-libs] [lm_sensors-libs] [] []}", true},
		{"harm.txt", "{[valkey] [] [etcd] [redis redis-doc]}", true},
		{"dnf5.txt", "{[keepalived net-snmp-libs] [] [] []}", true},
		{"nothing.txt", "{[] [] [] []}", false},
		{"nomatch.txt", "{[] [] [] []}", false},
	} {
		if s, resolved := parseTransaction(sample(t, "rpm/"+tt.file)); fmt.Sprint(s) != tt.want || resolved != tt.resolved {
			t.Errorf("%s: got %v, %v", tt.file, s, resolved)
		}
	}
}

func FuzzParseTransaction(f *testing.F) {
	for _, name := range []string{"install.txt", "harm.txt", "dnf5.txt", "nomatch.txt"} {
		f.Add(sample(f, "rpm/"+name))
	}
	f.Fuzz(func(t *testing.T, out string) {
		s, _ := parseTransaction(out)
		for _, name := range append(append(append(s.installed, s.upgraded...), s.downgraded...), s.removed...) {
			if name == "" || !strings.Contains(out, name) || strings.ContainsAny(name, " \n") {
				t.Errorf("%q is no package of %q", name, out)
			}
		}
	})
}

func FuzzParseRPM(f *testing.F) {
	f.Add(sample(f, "rpm/qa.txt"), sample(f, "rpm/versionlock.list"))
	f.Add("bash x86_64 0:5-1\n", "[a-\nbash-[\n")
	f.Fuzz(func(t *testing.T, out, locks string) {
		for name, p := range parseRPM(out, parseLocks(locks), map[string]bool{"bash": true}) {
			if name != "bash" || p.status != "installed" || p.version == "" && !strings.Contains(out, "0:") {
				t.Errorf("%q: %+v", name, p)
			}
		}
		for _, l := range parseLocks(locks) {
			if strings.HasPrefix(l, "!") || strings.HasPrefix(l, "#") || strings.TrimSpace(l) != l {
				t.Errorf("%q is no lock", l)
			}
		}
	})
}

func TestRepoIDs(t *testing.T) {
	if got := strings.Join(repoIDs("[main]\ngpgcheck=0\n[a]\nname=x\n # [no]\n [b-c] \n[open\n"), " "); got != "a b-c" {
		t.Errorf("got %s", got)
	}
}

// What a distribution says of itself, and what is made of it.
func TestReleases(t *testing.T) {
	for file, want := range map[string]string{
		"debian-12": "debian 12 bookworm", "debian-13": "debian 13 trixie", "ubuntu-22.04": "ubuntu 22.04 jammy", "ubuntu-24.04": "ubuntu 24.04 noble",
		"el-8": "rocky 8.10 ", "el-9": "rhel 9.6 ", "el-10": "almalinux 10.0 ",
	} {
		r := parseOSRelease(sample(t, "os-release/"+file))
		if got := r["ID"] + " " + r["VERSION_ID"] + " " + r["VERSION_CODENAME"]; got != want {
			t.Errorf("%s: got %s", file, got)
		}
	}
}
