package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// The canaries are secrets that would be seen wherever they come out.
const (
	canaryRoot   = "CANARY-root/p@ss:word"
	canaryClient = "CANARY-client"
	canaryURL    = "CANARY-url"
	canaryFile   = "CANARY-file"
)

// sighted tells in which spelling a canary is in a text.
func sighted(text []byte) (string, bool) {
	for _, canary := range []string{"CANARY", canaryRoot, canaryClient, canaryURL, canaryFile} {
		quoted, _ := json.Marshal(canary)
		for _, spelling := range []string{
			canary, url.QueryEscape(canary), strings.Trim(string(quoted), `"`), fmt.Sprintf("%x", canary),
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(canary)), "="),
		} {
			if bytes.Contains(text, []byte(spelling)) {
				return spelling, true
			}
		}
	}
	return "", false
}

func inventoryWithCanaries(reach string) string {
	return `all:
  vars: { node_repo_modules: '', etcd_root_password: "` + canaryRoot + `" }
  children:
    etcd:
      hosts: { 10.10.10.10: { etcd_seq: 1 } }
    pg-test:
      vars: { pg_cluster: pg-test, pg_etcd_password: ` + canaryClient + `, pg_admin_password: [ ` + canaryClient + ` ] }
      hosts: { 10.10.10.10: { pg_seq: 1, pg_role: primary } }
` + reach
}

// cage is a place whose every output is watched.
type cage struct {
	*testing.T
	dir    string
	listen string
	reach  string // the part of an inventory that says how its node is reached
}

// run runs a command in this process and looks at what it says.
func (c cage) run(args ...string) string {
	c.Helper()
	var out bytes.Buffer
	status := run(c.Context(), c.env(&lockedWriter{w: &out}, args...))
	c.look(strings.Join(args, " "), out.Bytes())
	if status > exitDiffers {
		c.Errorf("%v: exit status %d", args, status)
	}
	return out.String()
}

func (c cage) env(out *lockedWriter, args ...string) env {
	getenv := func(key string) string {
		if name, ok := strings.CutPrefix(key, "CANARY_"); ok {
			return "CANARY-" + strings.ToLower(name)
		}
		return map[string]string{"HOME": c.dir}[key]
	}
	return env{args: args, stdin: strings.NewReader(""), stdout: out, stderr: out, getenv: getenv}
}

func (c cage) look(what string, text []byte) {
	c.Helper()
	if spelling, found := sighted(text); found {
		c.Errorf("%s shows %q:\n%s", what, spelling, text)
	}
}

func (c cage) write(name, text string) string {
	c.Helper()
	file := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		c.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		c.Fatal(err)
	}
	return file
}

// helpers is the line of a configuration that names a helper: it is only brought, as what answers on these nodes
// is node.Serve itself.
func (c cage) helpers() string {
	c.Helper()
	c.write("helpers/"+helperName+"-"+runtime.GOOS+"-"+runtime.GOARCH, "brought")
	return "helpers: helpers\n"
}

// lockedWriter is written to by several loops.
type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func newCage(t *testing.T) (c cage, cfg string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c = cage{T: t, dir: t.TempDir(), listen: l.Addr().String()}
	srv := serveNode(t, filepath.Join(c.dir, "node"))
	reach := fmt.Sprintf("reach:\n  hosts:\n    10.10.10.10: { ansible_host: 127.0.0.1, ansible_user: root, ansible_port: %d, ansible_ssh_private_key_file: %s }\n", srv.Port, srv.KeyFile)
	c.reach = reach
	c.write("state/known_hosts", srv.KnownHostsLines())
	c.write("inv/pigsty.yml", inventoryWithCanaries(reach))
	c.write("password", canaryFile+"\n")
	closed := "127.0.0.1:1" // nobody listens there
	cfg = c.write("pigsync.yml", c.helpers()+fmt.Sprintf(`
listen: %s
state: state
inventories:
  - { name: local, dir: inv, approve: [] }
  - { name: url, git: { url: 'https://me:%s@%s/a.git' } }
  - { name: file, git: { url: 'https://%s/b.git', user: me, password_file: password } }
`, c.listen, canaryURL, closed, closed))
	return c, cfg
}

// No secret comes out of any command, well or in error, nor is it in what is kept.
func TestNoSecretComesOut(t *testing.T) {
	c, cfg := newCage(t)
	for _, args := range [][]string{
		{"check", c.dir + "/inv"}, {"check", c.dir + "/inv", "--hygiene"}, {"plan"}, {"plan", "-v"}, {"apply", "-v"}, {"plan"}, {"history", "-n", "0"}, {"status"},
		{"explain", "file:/etc/etcd/etcd.conf@10.10.10.10"}, {"explain", "etcduser:root@etcd"}, {"explain", "etcduser:pg-test@etcd"},
		{"history", "--verify"}, {"approve", "000000000000"},
	} {
		if args[0] != "check" {
			args = append(args, "--config", cfg, "--name", "local")
		}
		c.run(args...)
		c.run(append(args, "-o", "json")...)
	}
	for _, name := range []string{"url", "file"} {
		for _, command := range []string{"plan", "apply"} {
			if text := c.run(command, "-v", "--config", cfg, "--name", name); !strings.Contains(text, "127.0.0.1:1") {
				t.Errorf("%s of %s did not go there: %s", command, name, text)
			}
		}
	}
	c.run("check", c.dir+"/inv", "--hygiene", "-o", "sarif")
	c.run("check", c.dir+"/inv", "--hygiene", "-o", "github")
	c.run("check", c.write("bad.yml", strings.ReplaceAll(inventoryWithCanaries(""), `"`+canaryRoot+`"`, "{ a: "+canaryRoot+" }")))
	c.run("check", c.write("torn.yml", "all: { vars: { etcd_root_password: '"+canaryRoot+"\n"))
	c.run("plan", "--config", c.write("bad-config.yml", "inventories: [ { name: a, git: { url: [ 'https://me:"+canaryURL+"@x' ], pasword: "+canaryFile+" } } ]\n"))
	c.run("plan", "--config", c.write("alias-config.yml", "inventories: [ { name: a, git: { url: *CANARY } } ]\n"))
	c.run("plan", "--config", c.write("odd-url.yml", "inventories: [ { name: a, git: { url: 'ftp://me:"+canaryURL+"@x y' } } ]\n"))
	c.kept()
}

// A daemon tells no secret either.
func TestDaemonTellsNoSecret(t *testing.T) {
	c, cfg := newCage(t)
	log := c.serve(cfg, func() {
		c.run("status", "--config", cfg)
		c.run("status", "--config", cfg, "-o", "json")
	})
	if !strings.Contains(log, "fetch failed") {
		t.Errorf("the log does not tell of the repositories: %s", log)
	}
	c.kept()
}

// serve looks at every answer of a daemon, lets then happen what shall, ends it and gives its log.
func (c cage) serve(cfg string, then func()) (log string) {
	c.Helper()
	ctx, stop := context.WithCancel(c.Context())
	defer stop()
	var out bytes.Buffer
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, c.env(&lockedWriter{w: &out}, "serve", "-v", "--config", cfg)) }()
	deadline := time.Now().Add(time.Minute)
	for _, path := range []string{"/api/v1/status/local", "/api/v1/status", "/metrics", "/healthz", "/readyz"} {
		c.look(path, []byte(c.answer(path, deadline)))
	}
	then()
	stop()
	if status := <-ended; status != exitOK {
		c.Errorf("exit status %d", status)
	}
	c.look("the log", out.Bytes())
	return out.String()
}

// answer asks until there is one, and until the inventory has a plan.
func (c cage) answer(path string, deadline time.Time) string {
	c.Helper()
	text, err := ask("http://" + c.listen + path)
	for (err != nil || path == "/api/v1/status/local" && !strings.Contains(text, `"plan"`)) && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond) // between two questions
		text, err = ask("http://" + c.listen + path)
	}
	if err != nil {
		c.Fatal(err)
	}
	return text
}

// kept looks at all that is remembered. The revisions are the inventory itself, and are compressed:
// whoever reads those may read it.
func (c cage) kept() {
	c.Helper()
	found := 0
	err := filepath.WalkDir(filepath.Join(c.dir, "state"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.HasSuffix(path, ".jsonl") {
			found++
		}
		info, statErr := d.Info()
		if statErr == nil && strings.Contains(path, "/inventories/") && info.Mode().Perm()&0o077 != 0 {
			c.Errorf("%s is open to others: %v", path, info.Mode())
		}
		c.look(path, text)
		return err
	})
	if err != nil || found == 0 {
		c.Errorf("%d journals: %v", found, err)
	}
}

// The canary of the tests is seen where it is: they cannot be blind.
func TestCanariesAreSeen(t *testing.T) {
	for _, text := range []string{"x CANARY-url y", "Q0FOQVJZ", url.QueryEscape(canaryRoot), canaryRoot} {
		if _, found := sighted([]byte(text)); !found {
			t.Errorf("%q is not seen", text)
		}
	}
}
