package stories

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// mistake is an inventory that is wrong, and what must be said of it.
type mistake struct {
	name     string
	old, new string // what is replaced in an inventory that is right
	says     string // a regular expression; LINE is the line of what is replaced
}

// lineOf is the number of the line that holds what.
func lineOf(text, what string) string {
	before, _, _ := strings.Cut(text, what)
	return fmt.Sprint(1 + strings.Count(before, "\n"))
}

var mistakes = []mistake{
	{"YAML that does not parse", "  children:", "  children: [", `pigsty\.yml:\d+:\d+: `},
	{"a host key that is no address", "10.10.10.11: { etcd_seq: 2 }", "node-2: { etcd_seq: 2 }", `pigsty\.yml:LINE:\d+: .*node-2`},
	{"no etcd_seq", "{ etcd_seq: 2 }", "{}", `pigsty\.yml:LINE:\d+: .*etcd_seq`},
	{"an etcd_seq twice", "{ etcd_seq: 2 }", "{ etcd_seq: 1 }", `pigsty\.yml:LINE:\d+: .*etcd_seq: 1 is already`},
	{"a wrong type", "{ etcd_seq: 2 }", "{ etcd_seq: two }", `pigsty\.yml:LINE:\d+: .*etcd_seq: .*two`},
	{"a parameter of a wrong type", "    etcd_root_password", "    etcd_heartbeat_interval: soon\n    etcd_root_password", `pigsty\.yml:LINE:\d+: .*etcd_heartbeat_interval: .*soon`},
	{"an empty group", "        10.10.10.10: { etcd_seq: 1 }\n        10.10.10.11: { etcd_seq: 2 }\n        10.10.10.12: { etcd_seq: 3 }\n", "", `pigsty\.yml:\d+:\d+: .*etcd has no hosts`},
}

func TestEtcdBadInputChangesNothing(t *testing.T) {
	wanted(t)
	s := onThree(t)
	right := fleet{members: []int{1, 2, 3}}.String()
	before := s.asTheyAre()
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			if strings.Count(right, m.old) != 1 {
				t.Fatalf("%q is not in the inventory once", m.old)
			}
			inner := *s
			inner.TB = t
			inner.commitText(m.name, strings.Replace(right, m.old, m.new, 1))
			inner.refuses(strings.ReplaceAll(m.says, "LINE", lineOf(right, m.old)))
		})
	}
	for _, r := range repositories {
		t.Run(r.name, func(t *testing.T) {
			inner := *s
			inner.TB = t
			inner.refusesRepository(r)
		})
	}
	s.configure()
	s.changedNothing(before)
}

// refuses wants apply to end with an error that says why, and to do nothing.
func (s *story) refuses(says string) {
	s.Helper()
	did := s.pigsync("apply")
	if did.exit != 1 {
		s.Errorf("apply: exit %d, want 1", did.exit)
	}
	if !regexp.MustCompile(says).MatchString(did.err) {
		s.Errorf("apply says:\n%s\nwant %s", did.err, says)
	}
	if strings.Contains(did.out, "converged") {
		s.Errorf("apply claims: %s", did.out)
	}
	s.Logf("%s", strings.TrimSpace(did.err))
}

// asTheyAre is what the first node looks like, and how many steps the journal has.
func (s *story) asTheyAre() []string {
	s.Helper()
	return []string{s.on(1, listing), s.on(2, listing), fmt.Sprint(len(notes(s.journal(), "intent")))}
}

func (s *story) changedNothing(before []string) {
	s.Helper()
	for i, now := range s.asTheyAre() {
		if diff := firstDifference(before[i], now); diff != "" {
			s.Errorf("something was changed: %s", diff)
		}
	}
}

// repository is one that cannot be served; make is run in an empty directory.
type repository struct {
	name, make, ref, says string
	slow                  bool
}

const asAuthor = "git config user.name story; git config user.email story@localhost; "

var repositories = []repository{
	{name: "there is none", make: "cd ..; rmdir bad", says: `there is no git repository`},
	{name: "it is empty", make: "git init -q -b main", says: `no commit yet`},
	{name: "no such file", make: "git init -q -b main; " + asAuthor + "echo hello >README; git add .; git commit -qm x", says: `pigsty\.yml`},
	{name: "no such branch", make: "git init -q -b main; " + asAuthor + "echo 'all: {}' >pigsty.yml; git add .; git commit -qm x", ref: "elsewhere", says: `elsewhere`},
	{name: "no such commit", make: "git init -q -b main; " + asAuthor + "echo 'all: {}' >pigsty.yml; git add .; git commit -qm x",
		ref: "0123456789012345678901234567890123456789", says: `0123456789012345678901234567890123456789|012345678901`},
	{name: "a symlink", make: "git init -q -b main; " + asAuthor + "ln -s /etc/passwd pigsty.yml; git add .; git commit -qm x", says: `(?i)symlink|symbolic link`},
	{name: "a submodule", make: "git init -q -b main; " + asAuthor + "echo 'all: {}' >pigsty.yml; git add .; git commit -qm x; " +
		"git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),sub; git commit -qm y", says: `(?i)submodule`},
	{name: "a blob of a gigabyte", make: "git init -q -b main; " + asAuthor + "truncate -s 1G pigsty.yml; git -c core.compression=1 add .; git commit -qm x",
		says: `(?i)large|more than|at most|too big|bytes|limit`, slow: true},
}

func (s *story) refusesRepository(r repository) {
	s.Helper()
	if r.slow && testing.Short() {
		s.Skip("-short leaves it out")
	}
	dir := s.path("bad")
	s.must(os.RemoveAll(dir))
	s.must(os.Mkdir(dir, 0o755))
	cmd := exec.CommandContext(s.Context(), "sh", "-ec", r.make)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	s.run(cmd)
	s.configureFor(dir, s.lab.KnownHosts())
	if r.ref != "" {
		text, err := os.ReadFile(s.path("pigsync.yml"))
		s.must(err)
		s.must(os.WriteFile(s.path("pigsync.yml"), []byte(strings.Replace(string(text), "allow_local", "ref: '"+r.ref+"', allow_local", 1)), 0o600))
	}
	s.refuses(r.says)
}

func TestEtcdBadInputWarns(t *testing.T) {
	wanted(t)
	s := onThree(t)
	for _, c := range []struct{ inventory, says string }{
		{fleet{members: []int{1, 2, 3}, vars: []string{"etcd_heartbeat_intervall: 200"}}.String(), `pigsty\.yml:\d+:\d+: warning: .*etcd_heartbeat_intervall.*etcd_heartbeat_interval\b`},
		{fleet{members: []int{1, 2}}.String(), `pigsty\.yml:\d+:\d+: warning: .*even`},
	} {
		s.commitText("something to warn of", c.inventory)
		if did := s.succeeds("check", s.path("repo/pigsty.yml")); !regexp.MustCompile(c.says).MatchString(did.out) {
			t.Errorf("check says:\n%s\nwant %s", did.out, c.says)
		}
	}
}

// TestEtcdBadInputOfADaemon: a daemon that is given a bad commit says so, keeps the fleet as it is, and
// goes on with the next good one.
func TestEtcdBadInputOfADaemon(t *testing.T) {
	long(t)
	s := onThree(t)
	s.serve()
	right := fleet{members: []int{1, 2, 3}}
	s.commitText("a mistake", strings.Replace(right.String(), "{ etcd_seq: 2 }", "{}", 1))
	head := s.git("rev-parse", "HEAD")
	st := s.stands(soon, "refused", func(st status) bool { return st.State == "refused" && st.Revision == head })
	line := lineOf(right.String(), "{ etcd_seq: 2 }")
	if len(st.Problems) == 0 || !strings.HasPrefix(st.Problems[0].Place, "pigsty.yml:"+line+":") {
		t.Errorf("problems %+v, want one at pigsty.yml:%s", st.Problems, line)
	}
	s.commit("no mistake", right)
	s.converges(soon)
	s.isCluster([]int{1, 2, 3})
}
