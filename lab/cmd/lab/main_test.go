package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/lab"
)

// call runs the command line in this process.
func call(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

func TestEveryCommandHasHelp(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("%s has no help", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root())
}

func TestWhatIsDownIsSaidInOneLine(t *testing.T) {
	at := []string{"--name", "no-such-lab", "--dir", filepath.Join(t.TempDir(), "lab")}
	for _, args := range [][]string{
		{"env"}, {"ssh", "1", "true"}, {"run", "1", "true"}, {"exec", "true"}, {"cut", "1"}, {"off", "1"}, {"fill", "1"}, {"reset"}, {"snapshot", "x"},
	} {
		code, _, errs := call(t, append(slices.Clone(at), args...)...)
		if code != 1 || errs != "error: lab no-such-lab is down\n" {
			t.Errorf("%v: status %d, %q", args, code, errs)
		}
	}
	code, out, _ := call(t, append(at, "status")...)
	if code != 0 || out != "lab no-such-lab is down\n" {
		t.Errorf("status: %d, %q", code, out)
	}
}

func TestStatusAsJSON(t *testing.T) {
	_, out, _ := call(t, "status", "-o", "json", "--name", "no-such-lab", "--dir", filepath.Join(t.TempDir(), "lab"))
	var st lab.Status
	if err := json.Unmarshal([]byte(out), &st); err != nil || st.Name != "no-such-lab" || st.Up {
		t.Errorf("got %+v, %v", st, err)
	}
	if code, _, errs := call(t, "list", "-o", "xml"); code != 1 || !strings.Contains(errs, "want text or json") {
		t.Errorf("an unknown format: %d, %q", code, errs)
	}
}

func TestFleetConfig(t *testing.T) {
	for _, c := range []struct {
		name string
		f    fleet
		want string
	}{
		{"nothing said", fleet{}, ""},
		{"a number", fleet{nodes: 2}, ",,"},
		{"one suite", fleet{suites: []string{"bookworm"}}, "bookworm,bookworm,bookworm,bookworm,"},
		{"a list", fleet{suites: []string{"trixie", "bookworm"}}, "trixie,bookworm,"},
		{"both", fleet{nodes: 3, suites: []string{"trixie", "bookworm"}}, "trixie,bookworm,trixie,"},
	} {
		got := ""
		for _, n := range c.f.config().Nodes {
			got += string(n.Suite) + ","
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// program builds the command and returns how to run it on a lab of that name, which is taken
// down when the test ends.
func program(t *testing.T, name string) (command func(args ...string) *exec.Cmd, must func(want string, args ...string)) {
	t.Helper()
	if os.Getenv("PIGSYNC_LAB") != "1" {
		t.Skip("real nodes are started only with PIGSYNC_LAB=1")
	}
	if err := lab.Check(); err != nil {
		t.Skip(err)
	}
	bin := filepath.Join(t.TempDir(), "lab")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	command = func(args ...string) *exec.Cmd {
		cmd := exec.Command(bin, append([]string{"--name", name}, args...)...)
		cmd.Stderr = t.Output()
		return cmd
	}
	must = func(want string, args ...string) {
		t.Helper()
		out, err := command(args...).Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Fatalf("%v: got %q, %v; want %q", args, got, err, want)
		}
	}
	must("", "down")
	t.Cleanup(func() {
		must("", "down")
		traces(t, name)
	})
	return command, must
}

// traces fails when the machine shows any of the lab.
func traces(t *testing.T, name string) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil || strings.Contains(string(mounts), "/"+name+"/") {
		t.Errorf("mounts are left (%v)", err)
	}
	for _, pattern := range []string{"--name " + name + " ", "pigsync-" + name + "-"} {
		if out, err := exec.Command("pgrep", "-fa", "--", pattern).Output(); err == nil {
			t.Errorf("processes are left: %s", out)
		}
	}
	if left, err := filepath.Glob("/run/pigsync-lab/" + name + "*"); err != nil || len(left) > 0 {
		t.Errorf("%v is left (%v)", left, err)
	}
}

// TestSandboxCommandLine drives a lab as a user does: one process per command.
func TestSandboxCommandLine(t *testing.T) {
	command, must := program(t, "t-line")
	must("", "up", "--suite", "bookworm,trixie")
	must("node-1  10.10.10.10  bookworm  on\nnode-2  10.10.10.11  trixie    on", "status")
	must("dba", "ssh", "node-1", "id", "-un")
	must("root", "run", "10.10.10.11", "id", "-un")
	must("200", "exec", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://10.10.10.1/pigsty/trixie/Packages")
	must("node-1", "exec", "sh", "-c", `ssh -i "$LAB_KEY" -o UserKnownHostsFile="$LAB_KNOWN_HOSTS" -o StrictHostKeyChecking=yes "$LAB_USER@node-1" hostname`)
	must("", "snapshot", "s")
	must("", "cut-power", "2")
	must("", "cut", "1")
	must("node-1  10.10.10.10  bookworm  cut\nnode-2  10.10.10.11  trixie    off", "status")
	must("", "reset", "--to", "s")
	must("node-1  10.10.10.10  bookworm  on\nnode-2  10.10.10.11  trixie    on", "status")
	var exit *exec.ExitError
	if _, err := command("ssh", "1", "exit 7").Output(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("exit status of the remote command: %v", err)
	}
	must("", "down")
	must("lab t-line is down", "status")
}

// TestSandboxKilledWhileComingUp kills the tool at any moment; what it had made can be cleared
// away, and the lab can come up anew.
func TestSandboxKilledWhileComingUp(t *testing.T) {
	command, must := program(t, "t-kill")
	must("", "build")
	for _, after := range []time.Duration{50, 150, 300, 450, 700, 1000} {
		cmd := command("up", "--nodes", "2")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(after * time.Millisecond) // not to wait for anything: the moment is arbitrary
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		if after == 450 {
			must("", "up")
			must("node-2", "ssh", "2", "hostname")
		}
		must("", "down")
		traces(t, "t-kill")
	}
}
