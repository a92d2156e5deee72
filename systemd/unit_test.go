package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const unit = "pigsync.service"

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// run runs a tool of systemd and returns what it said.
func run(t *testing.T, argv ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath(argv[0]); err != nil {
		t.Skipf("%s is not installed", argv[0])
	}
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput()
	return string(out), err
}

// installed is the unit with a program that is there, or systemd complains that ours is not.
func installed(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(read(t, unit), "/usr/bin/pigsync", self, 1)
	path := filepath.Join(t.TempDir(), unit)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEveryDirectiveIsExplained(t *testing.T) {
	seen, before := map[string]bool{}, ""
	for n, line := range strings.Split(strings.TrimSuffix(read(t, unit), "\n"), "\n") {
		name, _, directive := strings.Cut(line, "=")
		if directive && !strings.HasPrefix(line, "#") {
			if !strings.HasPrefix(before, "# ") {
				t.Errorf("%s:%d: no comment above %s", unit, n+1, name)
			}
			if seen[name] {
				t.Errorf("%s:%d: %s stands there twice", unit, n+1, name)
			}
			seen[name] = true
		}
		before = line
	}
	for _, must := range []string{"Type", "WatchdogSec", "StateDirectory", "LoadCredential", "NoNewPrivileges", "User", "Restart"} {
		if !seen[must] {
			t.Errorf("%s is missing", must)
		}
	}
}

func TestSystemdAcceptsTheUnit(t *testing.T) {
	out, err := run(t, "systemd-analyze", "verify", "--man=no", "--recursive-errors=no", installed(t))
	if err != nil || strings.Contains(out, unit) {
		t.Errorf("%v\n%s", err, out)
	}
}

// systemd rates how much a service could do if it were taken over: 0 is nothing, 10 everything.
func TestSystemdFindsTheUnitSafe(t *testing.T) {
	out, err := run(t, "systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", installed(t))
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSystemdMakesTheUserAndTheDirectory(t *testing.T) {
	root := t.TempDir()
	if os.Geteuid() != 0 {
		t.Skip("needs root, below a directory of its own")
	}
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, "systemd-sysusers", "--root="+root, absolute(t, "pigsync.sysusers")); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if users := read(t, filepath.Join(root, "etc/passwd")); !regexp.MustCompile(`(?m)^pigsync:.*:/var/lib/pigsync:.*nologin$`).MatchString(users) {
		t.Errorf("users: %s", users)
	}
	if out, err := run(t, "systemd-tmpfiles", "--root="+root, "--create", absolute(t, "pigsync.tmpfiles")); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(filepath.Join(root, "var/lib/pigsync"))
	if err != nil || info.Mode() != os.ModeDir|0o700 {
		t.Errorf("directory: %v %v", info, err)
	}
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
