package stories

import (
	"fmt"
	"net/http"
	"os"
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
	s.must(os.WriteFile(secret, []byte(hookSecret+"\n"), 0o600))
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

// at waits until the fleet is as a commit says.
func (s *story) at(commit string, limit time.Duration) {
	s.Helper()
	s.stands(limit, "converged at "+commit, func(st status) bool { return st.State == "converged" && st.Revision == commit })
}

// begun is when the first step was begun for a revision.
func (s *story) begun(revision string) time.Time {
	s.Helper()
	planned := false
	for _, r := range s.journal() {
		planned = planned || r.Kind == "planned" && r.Data.Revision == revision
		if planned && r.Kind == "intent" {
			return r.Time
		}
	}
	s.Fatalf("nothing was done for %s", revision)
	return time.Time{}
}

// knownAs are two nodes that know the first of them by a name.
func knownAs(name string, more ...string) hosted {
	return hosted{fleet{vars: more, absent: []int{3, 4, 5}}, name}
}

type hosted struct {
	fleet
	name string
}

func (h hosted) String() string {
	return strings.Replace(h.fleet.String(), "one.story", h.name+".story", 1)
}

// A change comes in by a pull request, is seen to do what it should, is merged, converges; and a bad commit is taken
// back, and its revert offered.
func TestReviewOnAForge(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	f, first := s.onForge()
	s.eventually(time.Minute, "the first commit is told", func() bool {
		state, _ := f.standing(first, "pigsync/converge")
		return state == "success"
	})

	s.git("checkout", "-q", "-b", "another-name")
	change := s.commit("another name", knownAs("two"))
	f.push("another-name")
	pull := f.propose("another-name")
	s.eventually(time.Minute, "the plan is told", func() bool {
		state, text := f.standing(change, "pigsync/plan")
		return state == "success" && strings.Contains(text, "step")
	})
	said := f.comments(pull)
	if len(said) != 1 || !strings.Contains(said[0], "| node/10.10.10.10 |") || !strings.Contains(said[0], "merging "+change[:12]) || strings.Contains(said[0], "etcd/") {
		t.Errorf("comments: %q", said)
	}
	s.Logf("the comment: %s", strings.Join(said, "\n---\n"))
	change = s.commit("yet another name", knownAs("three"))
	f.push("another-name")
	s.eventually(time.Minute, "the new plan is told", func() bool {
		state, _ := f.standing(change, "pigsync/plan")
		return state == "success"
	})
	if said := f.comments(pull); len(said) != 1 || !strings.Contains(said[0], "merging "+change[:12]) {
		t.Errorf("the comment is to be the same one, and new: %q", said)
	}

	merged := f.merge(pull)
	began := time.Now()
	s.at(merged, time.Minute)
	s.Logf("from the merge to converged: %s, and to the first action: %s", round(time.Since(began)), round(s.begun(merged).Sub(began)))
	s.eventually(time.Minute, "the merge is told", func() bool {
		state, _ := f.standing(merged, "pigsync/converge")
		return state == "success"
	})

	s.git("checkout", "-q", "main")
	f.pull()
	bad := s.commit("a package that nobody has", knownAs("four", "node_packages: [ no-such-package ]"))
	f.push("main")
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
	s.at(reverted, time.Minute)
}
