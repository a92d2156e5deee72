package node

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/resource"
)

// What the logs of a machine say of somebody is told without what he typed: a command line may hold a password.
func TestRecordsBecomeClues(t *testing.T) {
	hosts := []resource.ID{{Kind: resource.KindFile, Name: "/etc/hosts", At: "n"}}
	tests := []struct{ program, message, kind, who, what string }{
		{"sudo", "   alice : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/usr/bin/vim /etc/hosts", "sudo", "alice", "ran /usr/bin/vim on /etc/hosts"},
		{"sudo", "alice : PWD=/ ; USER=root ; COMMAND=/usr/bin/psql password=Canary.Word", "sudo", "alice", "ran /usr/bin/psql"},
		{"sudo", "dba : PWD=/ ; USER=root ; COMMAND=/var/lib/pigsync/bin/0ff1ce node", "", "", ""},
		{"sudo", "pam_unix(sudo:session): session opened for user root", "", "", ""},
		{"su", "(to root) alice on pts/0", "sudo", "alice", "became root on pts/0"},
		{"su", "FAILED SU (to root) alice on pts/0", "", "", ""},
		{"sshd-session", "Accepted publickey for bob from 10.0.0.1 port 50000 ssh2: ED25519 SHA256:x", "login", "bob", "logged in from 10.0.0.1"},
		{"sshd", "Failed password for bob from 10.0.0.1 port 50000 ssh2", "", "", ""},
	}
	for _, tt := range tests {
		c, ok := record{Message: tt.message, Program: tt.program, When: "1700000000000000"}.clue(hosts)
		if ok != (tt.kind != "") || ok && (c.Kind != tt.kind || c.Who != tt.who || c.What != tt.what || c.When.Unix() != 1_700_000_000) {
			t.Errorf("%s: %+v, %v: want %q %q %q", tt.message, c, ok, tt.kind, tt.who, tt.what)
		}
	}
}

func TestPackagesBecomeClues(t *testing.T) {
	zone := time.FixedZone("there", 8*60*60)
	c, ok := packageClue("2026-11-22 02:00:01 upgrade etcd-server:amd64 3.5.1 3.5.2", zone)
	want := time.Date(2026, 11, 21, 18, 0, 1, 0, time.UTC)
	if !ok || c.Kind != "package" || !c.When.Equal(want) || c.What != "upgrade of etcd-server:amd64, 3.5.1 to 3.5.2" {
		t.Errorf("%+v, %v", c, ok)
	}
	for _, line := range []string{"", "2026-11-22 02:00:01 status installed etcd-server:amd64 3.5.1", "yesterday noon remove x:amd64 1 2", "2026-11-22 02:00:01 remove x"} {
		if c, ok := packageClue(line, zone); ok {
			t.Errorf("%q: %+v", line, c)
		}
	}
}

func FuzzClues(f *testing.F) {
	f.Add("sudo", "alice : TTY=pts/0 ; USER=root ; COMMAND=/usr/bin/vim /etc/hosts")
	f.Add("su", "(to root) alice on pts/0")
	f.Add("sshd", "Accepted publickey for bob from 10.0.0.1 port 50000 ssh2")
	f.Fuzz(func(t *testing.T, program, message string) {
		c, _ := record{Message: message, Program: program, When: "1"}.clue(nil)
		if strings.ContainsAny(c.Who+c.What, "\n\x1b") {
			t.Errorf("%q is told as %q %q", message, c.Who, c.What)
		}
		packageClue(message, time.UTC)
	})
}

// The zone may be changed while we run.
func TestTheZoneIsThatOfTheMachineNow(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	v := &view{tree: newTree(root)}
	for _, name := range []string{"Asia/Tokyo", "", "America/Lima"} {
		want := time.UTC
		if name != "" {
			data, err := os.ReadFile("/usr/share/zoneinfo/" + name)
			if err != nil {
				t.Skip("no time zones are installed")
			}
			if want, err = time.LoadLocationFromTZData(name, data); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.MkdirAll(filepath.Join(dir, "etc"), 0o755), os.WriteFile(filepath.Join(dir, "etc/localtime"), data, 0o644)); err != nil {
				t.Fatal(err)
			}
		} else if err := os.Remove(filepath.Join(dir, "etc/localtime")); err != nil {
			t.Fatal(err)
		}
		day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		if got := day.In(v.zone()).Format(time.DateTime); got != day.In(want).Format(time.DateTime) {
			t.Errorf("%q: %s", name, got)
		}
	}
}
