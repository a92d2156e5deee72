package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/executors/ssh/sshtest"
	"github.com/pigsync/pigsync/modules/modtest"
)

// changing is what is another on every run.
var changing = map[string]*regexp.Regexp{
	"TIME":     regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?`),
	"REVISION": regexp.MustCompile(`\b(dir:[0-9a-f]{12,64}|[0-9a-f]{40}|[0-9a-f]{12})\b`),
	"TOOK":     regexp.MustCompile(`\b\d+(\.\d+)?(ms|s|µs)\b`),
}

// fleet is what a story's inventories name: machines that are directories, each behind an SSH server
// of its own, changed by the helper that changes real ones. They have no systemd and no packages.
type fleet struct {
	t       *testing.T
	servers map[string]*sshtest.Server
	reach   string // the group that says how they are reached
}

func (f *fleet) setup(e *testscript.Env) error {
	f.servers = map[string]*sshtest.Server{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	e.Setenv("LISTEN", l.Addr().String())
	rules, err := filepath.Abs("../../monitoring/pigsync.rules.yml")
	if err != nil {
		return err
	}
	e.Setenv("RULES", rules)
	e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
	e.Setenv("STATE", filepath.Join(e.WorkDir, "state"))
	e.Setenv("TZ", "UTC")
	e.Setenv("GORACE", "atexit_sleep_ms=0") // else every command of a race build ends a second late
	e.Setenv("SUDO_USER", "ann")
	e.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	e.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	return errors.Join(l.Close(), os.MkdirAll(filepath.Join(e.WorkDir, "state"), 0o700))
}

// nodes starts machines: nodes 10.10.10.10 10.10.10.11.
func (f *fleet) nodes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: nodes ADDRESS...")
	}
	f.reach = "\nreach:\n  vars: { ansible_host: 127.0.0.1, ansible_user: root }\n  hosts:\n"
	var known string
	for _, addr := range args {
		srv := serveNode(f.t, filepath.Join(ts.Getenv("WORK"), "nodes", addr))
		f.servers[addr] = srv
		known += srv.KnownHostsLines()
		f.reach += fmt.Sprintf("    %s: { ansible_port: %d, ansible_ssh_private_key_file: %s }\n", addr, srv.Port, srv.KeyFile)
	}
	ts.Check(os.WriteFile(filepath.Join(ts.Getenv("STATE"), "known_hosts"), []byte(known), 0o600))
}

// down takes machines away.
func (f *fleet) down(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: down ADDRESS...")
	}
	for _, addr := range args {
		f.servers[addr].Close()
	}
}

// use makes a file, and how its machines are reached, the inventory: use one.yml inv/pigsty.yml. What NODE
// gives every machine unasked is switched off beside it.
func (f *fleet) use(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: use FILE INVENTORY")
	}
	to := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(filepath.Dir(to), 0o700))
	ts.Check(os.WriteFile(to, []byte(ts.ReadFile(args[0])+f.reach), 0o600))
	vars := filepath.Join(filepath.Dir(to), "group_vars")
	ts.Check(os.MkdirAll(vars, 0o700))
	ts.Check(os.WriteFile(filepath.Join(vars, "all.yml"), []byte(modtest.Plain), 0o600))
}

// commit makes a file the inventory of a git repository, made when there is none, with a message of
// its own: commit one.yml repo 'three members'.
func (f *fleet) commit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: commit FILE REPOSITORY MESSAGE")
	}
	repo := ts.MkAbs(args[1])
	if _, err := os.Stat(repo); err != nil {
		runGit(ts, "init", "-q", "-b", "main", repo)
	}
	f.use(ts, false, []string{args[0], filepath.Join(repo, "pigsty.yml")})
	runGit(ts, "-C", repo, "add", "-A")
	runGit(ts, "-C", repo, "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "-q", "-m", args[2])
}

func runGit(ts *testscript.TestScript, args ...string) {
	cmd := exec.Command("git", args...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
	if out, err := cmd.CombinedOutput(); err != nil {
		ts.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// await asks the daemon of $LISTEN until its answer to a path matches, and keeps the answer in a
// file: await /readyz '^ok$' answer.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: await PATH PATTERN FILE")
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	deadline := time.Now().Add(time.Minute)
	for {
		text, err := ask("http://" + ts.Getenv("LISTEN") + args[0])
		if err == nil && pattern.MatchString(text) {
			ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text), 0o600))
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: %v\n%s", args[0], err, text)
		}
		time.Sleep(20 * time.Millisecond) // between two questions
	}
}

// push calls a webhook as Gitea does, with a body that was never sent before.
func push(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: push ADDRESS SECRETFILE STATUS")
	}
	body := fmt.Sprintf(`{"ref":"refs/heads/main","at":%d}`, time.Now().UnixNano())
	mac := hmac.New(sha256.New, []byte(strings.TrimSpace(ts.ReadFile(args[1]))))
	mac.Write([]byte(body))
	req, err := http.NewRequest(http.MethodPost, "http://"+args[0], strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("X-Gitea-Signature", hex.EncodeToString(mac.Sum(nil)))
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	if strconv.Itoa(res.StatusCode) != args[2] {
		ts.Fatalf("%s: %s, want %s", args[0], res.Status, args[2])
	}
}

func ask(url string) (string, error) {
	res, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}

// serveNode makes a machine below dir; whoever listens hears what its helper is told.
func serveNode(t *testing.T, dir string, listen ...io.Writer) *sshtest.Server {
	for name, text := range map[string]string{
		"etc/passwd":                             fmt.Sprintf("root:x:%d:%d:root:/root:/bin/bash\n", os.Getuid(), os.Getgid()),
		"etc/group":                              fmt.Sprintf("root:x:%d:\n", os.Getgid()),
		"etc/os-release":                         "ID=debian\nVERSION_ID=\"13\"\nVERSION_CODENAME=trixie\n",
		"etc/hosts":                              "127.0.0.1 localhost\n",
		"etc/hostname":                           "bare\n",
		"etc/ssl/certs/README":                   "",
		"proc/stat":                              "cpu  1\ncpu0 1\ncpu1 1\n",
		"proc/meminfo":                           "MemTotal:        2048000 kB\n",
		"proc/sys/kernel/hostname":               "bare\n",
		"proc/sys/kernel/random/boot_id":         "7f1a\n",
		"var/lib/dpkg/status":                    "",
		"usr/local/share/ca-certificates/README": "",
		"etc/security/limits.d/README":           "",
		"etc/profile.d/README":                   "",
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	l := &node.Local{
		Root: root, Run: programs(dir),
		SetName: func(name string) error {
			return os.WriteFile(dir+"/proc/sys/kernel/hostname", []byte(name+"\n"), 0o644)
		},
	}
	return sshtest.Serve(t, sshtest.Options{Exec: func(ctx context.Context, e *sshtest.Exec) int {
		if !strings.HasSuffix(e.Command, " node") {
			return 127
		}
		told := io.TeeReader(e.Stdin, io.MultiWriter(listen...))
		if node.Serve(ctx, conversation{told, e.Stdout}, l, "digest") != nil {
			return 1
		}
		return 0
	}})
}

// conversation is what a command hears and says; its server ends it.
type conversation struct {
	io.Reader
	io.Writer
}

func (conversation) Close() error { return nil }

// programs are those of a machine in a directory: none of this machine's is ever run.
func programs(dir string) node.Runner {
	return func(_ context.Context, c node.Command) ([]byte, error) {
		if c.Argv[0] != "update-ca-certificates" {
			return nil, fmt.Errorf("%s: not on this machine", c.Argv[0])
		}
		var all []byte
		anchors, err := filepath.Glob(dir + "/usr/local/share/ca-certificates/*.crt")
		for _, anchor := range anchors {
			text, readErr := os.ReadFile(anchor)
			all, err = append(all, text...), errors.Join(err, readErr)
		}
		return nil, errors.Join(err, os.WriteFile(dir+"/etc/ssl/certs/ca-certificates.crt", all, 0o644))
	}
}
