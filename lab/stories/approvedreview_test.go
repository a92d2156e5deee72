package stories

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// person makes somebody who may write to the repository, and speaks for her.
func (f *forge) person(name string) *forge {
	s := f.s
	s.Helper()
	exe, _, err := s.lab.Gitea(s.Context())
	s.must(err)
	f.run(exe, "admin", "user", "create", "--username", name, "--password", "Forge.Story", "--email", name+"@localhost", "--must-change-password=false")
	f.must(http.MethodPut, fleetAt+"collaborators/"+name, map[string]any{"permission": "write"}, nil)
	p := *f
	said := strings.Fields(f.run(exe, "admin", "user", "generate-access-token", "--username", name, "--scopes", "all", "--raw"))
	p.token = said[len(said)-1] // after a warning
	return &p
}

// approves reviews a pull request.
func (f *forge) approves(pull int, text string) {
	f.s.Helper()
	f.must(http.MethodPost, fmt.Sprintf(fleetAt+"pulls/%d/reviews", pull), map[string]any{"event": "APPROVED", "body": text}, nil)
}

// planned is the digest of the plan that a comment of a pull request tells.
func (f *forge) planned(pull int, commit string) (digest string) {
	s := f.s
	s.Helper()
	s.eventually(time.Minute, "the plan is told", func() bool {
		state, _ := f.standing(commit, "pigsync/plan")
		return state == "success"
	})
	if m := regexp.MustCompile("Plan `([0-9a-f]{12})`").FindStringSubmatch(strings.Join(f.comments(pull), "\n")); m != nil {
		return m[1]
	}
	s.Fatalf("no comment names the plan: %q", f.comments(pull))
	return ""
}

// TestApprovedByAReview: what wants the word of a person of a role, given by a review, waits after the merge unless a
// review of the very plan stands: neither somebody without the role, nor a review of another plan, nor a word given
// in another way will do.
func TestApprovedByAReview(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	f, first := s.onForge()
	ann, bob := f.person("ann"), f.person("bob")
	s.stop()
	text, err := os.ReadFile(s.path("pigsync.yml"))
	s.must(err)
	s.must(os.WriteFile(s.path("pigsync.yml"), fmt.Appendf(text, `policies:
  people: { ann: { roles: [ dba ], also: [ "gitea:%[1]s/ann" ] }, bob: { roles: [ guest ], also: [ "gitea:%[1]s/bob" ] }, ops: { roles: [ dba ], also: [ "gitea:%[1]s/ops" ] } }
  consent: [ { owners: [ "node/*" ], need: 1, roles: [ dba ], via: [ review ], within: 1h } ]
`, forgeAt), 0o600))
	s.serve()
	s.at(first, time.Minute)

	proposed := func(name string) (pull int, digest string) {
		s.git("checkout", "-q", "-b", name)
		change := s.commit(name, knownAs(name))
		f.push(name)
		pull = f.propose(name)
		return pull, f.planned(pull, change)
	}
	t.Log("merged with the word of somebody without the role, and one for another plan")
	pull, digest := proposed("four")
	bob.approves(pull, "Fine.\n\nPigsync-Approved: "+digest)
	ann.approves(pull, "Pigsync-Approved: 0123456789ab")
	f.merge(pull)
	s.git("checkout", "-q", "main")
	f.pull()
	o, st := s.waits(time.Minute, "PS115", "lines:/etc/hosts#pigsty dns@"+address(1))
	if st.Plan.Digest != digest || !strings.Contains(o.Reason, "dba") {
		t.Errorf("plan %s waits, since %s: want plan %s, as the pull request was told, and who must agree", st.Plan.Digest, o.Reason, digest)
	}
	s.succeeds("approve", digest, "--by", "ann") // not by a review
	s.looks(2)
	s.waits(time.Minute, "PS115", "lines:/etc/hosts#pigsty dns@"+address(1))
	s.on(1, "grep -q one.story /etc/hosts && ! grep -q four.story /etc/hosts")

	t.Log("then with the word of a dba, which Gitea takes before a merge only")
	pull, digest = proposed("five")
	ann.approves(pull, "Pigsync-Approved: "+digest)
	merged := f.merge(pull)
	s.at(merged, time.Minute)
	s.on(1, "grep -q five.story /etc/hosts")
}
