package stories

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// fromForge has the daemon follow the forge's repository.
func (s *story) fromForge(f *forge) {
	s.Helper()
	secret := filepath.Join(f.dir, "hook")
	s.must(os.WriteFile(secret, []byte("Hook.Story\n"), 0o600))
	text := fmt.Sprintf(`state: %s
listen: %s
ssh: { user: %s, keys: [ %s ], known_hosts: [ %s ] }
webhooks: [ { name: forge, provider: gitea, secret_file: %[6]s } ]
forges: [ { kind: gitea, url: "https://%[7]s", repository: ops/fleet, token_file: %[8]s/token, ca_file: %[8]s/cert.pem } ]
inventories:
  - name: story
    git: { url: "https://%[7]s/ops/fleet.git", ref: main, user: ops, password_file: %[8]s/token, ca_file: %[8]s/cert.pem, push: true, interval: 30s }
    interval: 2s
`, s.path("state"), listen, lab.User, s.lab.Key(), s.lab.KnownHosts(), secret, forgeAt, f.dir)
	s.must(os.WriteFile(s.path("pigsync.yml"), []byte(text), 0o600))
}

// called tells the daemon what the forge would tell it: that something was pushed.
func (s *story) called(what string) {
	s.Helper()
	body := []byte(`{"after":"` + what + `"}`)
	mac := hmac.New(sha256.New, []byte("Hook.Story"))
	mac.Write(body)
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, "http://"+listen+"/hooks/forge", bytes.NewReader(body))
	s.must(err)
	req.Header.Set("X-Gitea-Signature", hex.EncodeToString(mac.Sum(nil)))
	res, err := s.daemon.web.Do(req)
	s.must(err)
	res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		s.Fatalf("the webhook is answered with %s", res.Status)
	}
}

// at waits until the fleet is as a commit says.
func (s *story) at(commit string, limit time.Duration) {
	s.Helper()
	s.stands(limit, "converged at "+commit, func(st status) bool { return st.State == "converged" && st.Revision == commit })
}

// A change comes in by a pull request, is seen to do what it should, is merged, converges; and a bad commit is taken
// back, and its revert offered.
func TestReviewOnAForge(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	f := s.newForge()
	hosts := func(name string) fleet {
		return fleet{vars: []string{"node_etc_hosts: [ 10.10.10.10 " + name + ".story ]"}, absent: []int{3, 4, 5}}
	}
	first := s.commit("two nodes", hosts("one"))
	f.push("main")
	s.fromForge(f)
	s.serve()
	s.at(first, 3*time.Minute)
	s.eventually(time.Minute, "the first commit is told", func() bool {
		state, _ := f.standing(first, "pigsync/converge")
		return state == "success"
	})

	s.git("checkout", "-q", "-b", "another-name")
	change := s.commit("another name", hosts("two"))
	f.push("another-name")
	pull := f.propose("another-name")
	s.called(change)
	s.eventually(time.Minute, "the plan is told", func() bool {
		state, text := f.standing(change, "pigsync/plan")
		return state == "success" && strings.Contains(text, "step")
	})
	said := f.comments(pull)
	if len(said) != 1 || !strings.Contains(said[0], "| node/10.10.10.10 |") || !strings.Contains(said[0], "two.story") || strings.Contains(said[0], "etcd/") {
		t.Errorf("comments: %q", said)
	}
	s.Logf("the comment: %s", strings.Join(said, "\n---\n"))
	change = s.commit("yet another name", hosts("three"))
	f.push("another-name")
	s.called(change)
	s.eventually(time.Minute, "the new plan is told", func() bool {
		state, _ := f.standing(change, "pigsync/plan")
		return state == "success"
	})
	if said := f.comments(pull); len(said) != 1 || !strings.Contains(said[0], "three.story") {
		t.Errorf("the comment is to be the same one, and new: %q", said)
	}

	merged := f.merge(pull)
	began := time.Now()
	s.called(merged)
	s.at(merged, time.Minute)
	s.Logf("from the webhook to converged: %s", time.Since(began).Round(10*time.Millisecond))
	s.eventually(time.Minute, "the merge is told", func() bool {
		state, _ := f.standing(merged, "pigsync/converge")
		return state == "success"
	})

	s.git("checkout", "-q", "main")
	s.run(s.pull(f))
	bad := s.commit("a package that nobody has", fleet{
		vars: []string{"node_etc_hosts: [ 10.10.10.10 four.story ]", "node_packages: [ no-such-package ]"}, absent: []int{3, 4, 5},
	})
	f.push("main")
	s.called(bad)
	s.stands(8*time.Minute, "the bad commit is in quarantine", func(st status) bool { return st.State == "quarantined" && st.Revision == bad })
	s.eventually(time.Minute, "the names are those of the good commit", func() bool {
		return strings.Contains(s.on(1, "cat /etc/hosts"), "three.story")
	})
	branch := "pigsync/revert-" + bad[:12]
	s.eventually(time.Minute, "the revert is offered", func() bool {
		var pulls []struct{ Head struct{ Ref string } }
		f.must(http.MethodGet, fleetAt+"pulls?state=open", nil, &pulls)
		return len(pulls) == 1 && pulls[0].Head.Ref == branch
	})
	if state, text := f.standing(bad, "pigsync/converge"); state != "failure" || !strings.Contains(text, "quarantine") {
		t.Errorf("the bad commit: %s %s", state, text)
	}
	var pulls []struct{ Number int }
	f.must(http.MethodGet, fleetAt+"pulls?state=open", nil, &pulls)
	reverted := f.merge(pulls[0].Number)
	s.called(reverted)
	s.at(reverted, time.Minute)
}

// pull brings the story's repository up to the forge's.
func (s *story) pull(f *forge) *exec.Cmd {
	url := "https://ops:" + f.token + "@" + forgeAt + "/ops/fleet.git"
	cmd := s.lab.Command(s.Context(), "git", "-C", s.path("repo"), "-c", "http.sslCAInfo="+filepath.Join(f.dir, "cert.pem"), "pull", "-q", "--ff-only", url, "main")
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0")
	return cmd
}
