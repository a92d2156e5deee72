package stories

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// forgeAt is where the forge of a story listens, over TLS.
const forgeAt = lab.Gateway + ":3000"

// forge is a Gitea with one repository, ops/fleet, and one account, ops.
type forge struct {
	s     *story
	dir   string
	token string
	web   *http.Client
	// change is an inventory of a benchmark.
	change func(n int) fmt.Stringer
}

// onForge begins with two nodes that are as the first commit on a forge says, which calls the daemon.
func (s *story) onForge() (f *forge, first string) {
	s.Helper()
	f = s.newForge()
	first = s.commit("two nodes", knownAs("one"))
	f.push("main")
	s.fromForge(f)
	s.serve()
	f.calls()
	s.at(first, 3*time.Minute)
	return f, first
}

// newForge starts a Gitea that ends with the story.
func (s *story) newForge() *forge {
	s.Helper()
	exe, static, err := s.lab.Gitea(s.Context())
	s.must(err)
	f := &forge{s: s, dir: s.path("forge")}
	s.must(os.MkdirAll(filepath.Join(f.dir, "custom/conf"), 0o755))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.vouch(lab.Gateway, filepath.Join(f.dir, "cert.pem"), filepath.Join(f.dir, "key.pem")))
	f.web = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DialContext: s.lab.Dial, DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}}
	ini := fmt.Sprintf(`APP_NAME = forge
RUN_USER = root
RUN_MODE = prod
WORK_PATH = %[1]s
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
PROTOCOL = https
HTTP_ADDR = %[2]s
HTTP_PORT = 3000
ROOT_URL = https://%[3]s/
CERT_FILE = %[1]s/cert.pem
KEY_FILE = %[1]s/key.pem
STATIC_ROOT_PATH = %[4]s
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = %[1]s/gitea.db
[security]
INSTALL_LOCK = true
[webhook]
ALLOWED_HOST_LIST = loopback,private
[log]
LEVEL = Warn
ROOT_PATH = %[1]s/log
`, f.dir, lab.Gateway, forgeAt, static)
	s.must(os.WriteFile(filepath.Join(f.dir, "custom/conf/app.ini"), []byte(ini), 0o600))
	f.run(exe, "migrate")
	f.run(exe, "admin", "user", "create", "--username", "ops", "--password", "Forge.Story", "--email", "ops@localhost", "--admin", "--must-change-password=false")
	said := strings.Fields(f.run(exe, "admin", "user", "generate-access-token", "--username", "ops", "--scopes", "all", "--raw"))
	f.token = said[len(said)-1] // before it stands what it warns of
	s.must(os.WriteFile(filepath.Join(f.dir, "token"), []byte(f.token+"\n"), 0o600))
	f.start(exe)
	return f
}

func (f *forge) command(exe string, args ...string) *exec.Cmd {
	cmd := f.s.lab.Command(f.s.Context(), exe, append(args, "--config", filepath.Join(f.dir, "custom/conf/app.ini"), "--work-path", f.dir)...)
	cmd.Env = append(os.Environ(), "HOME="+f.dir, "GITEA_WORK_DIR="+f.dir, "USER=root")
	return cmd
}

func (f *forge) run(exe string, args ...string) string {
	f.s.Helper()
	cmd := f.command(exe, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		f.s.Fatalf("gitea %s: %v: %s%s", args[0], err, out.String(), errs.String())
	}
	return out.String()
}

func (f *forge) start(exe string) {
	s := f.s
	s.Helper()
	log, err := os.Create(filepath.Join(f.dir, "said"))
	s.must(err)
	defer log.Close()
	cmd := f.command(exe, "web")
	cmd.Stdout, cmd.Stderr = log, log
	s.must(cmd.Start())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }() // it is killed
	s.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	if !poll(s.Context(), time.Minute, 100*time.Millisecond, func() bool {
		_, err = f.ask(http.MethodGet, "version", nil, nil)
		return err == nil
	}) {
		said, _ := os.ReadFile(log.Name()) // of what it said we tell what there is
		s.Fatalf("the forge does not answer: %v\n%s", err, said)
	}
	f.must(http.MethodPost, "user/repos", map[string]any{"name": "fleet", "default_branch": "main"}, nil)
}

const hookSecret = "Hook.Story"

// calls has the forge call the daemon's webhook.
func (f *forge) calls() {
	f.s.Helper()
	f.must(http.MethodPost, fleetAt+"hooks", map[string]any{"type": "gitea", "active": true, "events": []string{"push", "pull_request"},
		"config": map[string]string{"url": "http://" + listen + "/hooks/forge", "content_type": "json", "secret": hookSecret}}, nil)
}

// ask asks the API.
func (f *forge) ask(verb, path string, in, out any) (status int, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(f.s.Context(), verb, "https://"+forgeAt+"/api/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "token "+f.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := f.web.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: %s: %.300s", verb, path, res.Status, text)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(text, out)
	}
	return res.StatusCode, err
}

func (f *forge) must(verb, path string, in, out any) {
	f.s.Helper()
	_, err := f.ask(verb, path, in, out)
	f.s.must(err)
}

const fleetAt = "repos/ops/fleet/"

// git runs git in the story's repository: what it says to the forge's, whose address follows the verb.
func (f *forge) git(verb string, args ...string) {
	f.s.Helper()
	all := append([]string{"-C", f.s.path("repo"), verb, "-q", "https://ops:" + f.token + "@" + forgeAt + "/ops/fleet.git"}, args...)
	cmd := f.s.lab.Command(f.s.Context(), "git", all...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_SSL_CAINFO="+filepath.Join(f.dir, "cert.pem"), "no_proxy=*")
	f.s.run(cmd)
}

// push pushes a branch of the story's repository.
func (f *forge) push(branch string) {
	f.s.Helper()
	f.git("push", branch)
}

// pull brings the story's branch up to the forge's.
func (f *forge) pull() {
	f.s.Helper()
	f.git("pull", "--ff-only", "main")
}

// standing is how a status of a commit stands, "" when there is none, and what it says.
func (f *forge) standing(commit, name string) (state, text string) {
	f.s.Helper()
	var now struct {
		Statuses []struct{ Status, Context, Description string }
	}
	if _, err := f.ask(http.MethodGet, fleetAt+"commits/"+commit+"/status", nil, &now); err != nil {
		return "", err.Error()
	}
	for _, one := range now.Statuses {
		if one.Context == name {
			return one.Status, one.Description
		}
	}
	return "", ""
}

// comments are those of a pull request.
func (f *forge) comments(pull int) (texts []string) {
	f.s.Helper()
	var all []struct{ Body string }
	f.must(http.MethodGet, fmt.Sprintf(fleetAt+"issues/%d/comments", pull), nil, &all)
	for _, one := range all {
		texts = append(texts, one.Body)
	}
	return texts
}

// propose opens a pull request for main.
func (f *forge) propose(branch string) (number int) {
	f.s.Helper()
	var made struct{ Number int }
	f.must(http.MethodPost, fleetAt+"pulls", map[string]any{"head": branch, "base": "main", "title": branch}, &made)
	return made.Number
}

// mergeable waits until the forge has found out that a pull request can be merged.
func (f *forge) mergeable(pull int) {
	f.s.Helper()
	f.s.eventually(time.Minute, "the pull request can be merged", func() bool {
		var found struct{ Mergeable bool }
		_, err := f.ask(http.MethodGet, fmt.Sprintf(fleetAt+"pulls/%d", pull), nil, &found)
		return err == nil && found.Mergeable
	})
}

// merge merges a pull request, and gives the commit that made.
func (f *forge) merge(pull int) string {
	f.s.Helper()
	f.s.eventually(time.Minute, "the pull request is merged", func() bool {
		_, err := f.ask(http.MethodPost, fmt.Sprintf(fleetAt+"pulls/%d/merge", pull), map[string]any{"Do": "merge"}, nil)
		return err == nil
	})
	var made struct {
		Merge string `json:"merge_commit_sha"`
	}
	f.must(http.MethodGet, fmt.Sprintf(fleetAt+"pulls/%d", pull), nil, &made)
	return made.Merge
}
