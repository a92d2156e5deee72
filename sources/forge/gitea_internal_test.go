package forge

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"code.gitea.io/sdk/gitea"
)

// server is a Gitea of our own, with the people that the test wants.
type server struct {
	t         *testing.T
	url, root string
	log       bytes.Buffer
}

const password = "Gitea.Password.1"

// aGitea starts one: PIGSYNC_GITEA names the program, which has its static files beside it.
func aGitea(t *testing.T) *server {
	t.Helper()
	program := os.Getenv("PIGSYNC_GITEA")
	if program == "" {
		t.Skip("PIGSYNC_GITEA names no Gitea")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	host, port, _ := net.SplitHostPort(addr)
	s := &server{t: t, url: "http://" + addr, root: t.TempDir()}
	ini := fmt.Sprintf("I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true\nRUN_USER = %s\nWORK_PATH = %s\n[server]\nHTTP_ADDR = %s\nHTTP_PORT = %s\nROOT_URL = %s/\n"+
		"STATIC_ROOT_PATH = %s\nDISABLE_SSH = true\nOFFLINE_MODE = true\n[database]\nDB_TYPE = sqlite3\nPATH = %s/db\n[security]\nINSTALL_LOCK = true\n[log]\nLEVEL = Warn\n",
		os.Getenv("USER"), s.root, host, port, s.url, filepath.Join(filepath.Dir(program), "static"), s.root)
	if os.Getenv("USER") == "" {
		ini = strings.Replace(ini, "RUN_USER = \n", "RUN_USER = root\n", 1)
	}
	config := filepath.Join(s.root, "app.ini")
	if err := os.WriteFile(config, []byte(ini), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(ctx context.Context, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, program, append([]string{"--config", config}, args...)...)
		cmd.Env = append(os.Environ(), "HOME="+s.root)
		return cmd
	}
	for _, args := range [][]string{{"migrate"}, {"admin", "user", "create", "--admin", "--username", "opener", "--password", password, "--email", "opener@example.com", "--must-change-password=false"}} {
		if out, err := command(t.Context(), args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	web := command(context.Background(), "web")
	web.Stdout, web.Stderr = &s.log, &s.log
	if err := web.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = web.Process.Kill(); _ = web.Wait() })
	s.await()
	return s
}

func (s *server) await() {
	s.t.Helper()
	end, tick := time.NewTimer(2*time.Minute), time.NewTicker(100*time.Millisecond)
	defer end.Stop()
	defer tick.Stop()
	for {
		if resp, err := http.Get(s.url + "/api/healthz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-end.C:
			s.t.Fatalf("it does not become ready:\n%s", s.log.String())
		case <-tick.C:
		}
	}
}

func must[T any](t *testing.T) func(T, *gitea.Response, error) T {
	return func(v T, _ *gitea.Response, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (s *server) as(who string) *gitea.Client {
	s.t.Helper()
	c, err := gitea.NewClient(s.url, gitea.SetBasicAuth(who, password))
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// A real Gitea: of the reviews of a pull request those stand that approve its last commit, of people who did not write
// it, and that nobody dismissed or edited.
func TestARealGitea(t *testing.T) {
	s := aGitea(t)
	admin := s.as("opener")
	for _, who := range []string{"ann", "early", "gone", "edited", "remarks", "doubts"} {
		free := false
		must[*gitea.User](t)(admin.AdminCreateUser(gitea.CreateUserOption{Username: who, Email: who + "@example.com", Password: password, MustChangePassword: &free}))
	}
	must[*gitea.Repository](t)(admin.CreateRepo(gitea.CreateRepoOption{Name: "fleet", AutoInit: true, DefaultBranch: "main"}))
	file := func(name string) {
		t.Helper()
		o := gitea.CreateFileOptions{Content: "eAo="}
		if o.BranchName = "more"; name == "first" {
			o.BranchName, o.NewBranchName = "main", "more"
		}
		must[*gitea.FileResponse](t)(admin.CreateFile("opener", "fleet", name, o))
	}
	file("first")
	pr := must[*gitea.PullRequest](t)(admin.CreatePullRequest("opener", "fleet", gitea.CreatePullRequestOption{Head: "more", Base: "main", Title: "more"}))
	review := func(who string, state gitea.ReviewStateType) *gitea.PullReview {
		t.Helper()
		return must[*gitea.PullReview](t)(s.as(who).CreatePullReview("opener", "fleet", pr.Index,
			gitea.CreatePullReviewOptions{State: state, Body: "by " + who + "\n\nPigsync-Approved: 0123456789ab"}))
	}
	review("early", gitea.ReviewStateApproved)
	file("second")
	review("ann", gitea.ReviewStateApproved)
	dismissed := review("gone", gitea.ReviewStateApproved)
	review("edited", gitea.ReviewStateApproved)
	review("remarks", gitea.ReviewStateComment)
	review("doubts", gitea.ReviewStateApproved)
	review("doubts", gitea.ReviewStateRequestChanges)
	if _, err := admin.DismissPullReview("opener", "fleet", pr.Index, dismissed.ID, gitea.DismissPullReviewOptions{Message: "no"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range must[[]*gitea.TimelineComment](t)(admin.ListIssueTimeline("opener", "fleet", pr.Index, gitea.ListIssueCommentOptions{})) {
		if c.Type == "review" && strings.HasPrefix(c.Body, "by edited") {
			must[*gitea.Comment](t)(admin.EditIssueComment("opener", "fleet", c.ID, gitea.EditIssueCommentOption{Body: "Pigsync-Approved: ffffffffffff"}))
		}
	}
	if _, _, err := s.as("opener").CreatePullReview("opener", "fleet", pr.Index, gitea.CreatePullReviewOptions{State: gitea.ReviewStateApproved, Body: "mine"}); err == nil {
		t.Error("Gitea lets people approve what they opened themselves")
	}
	token := must[*gitea.AccessToken](t)(admin.CreateAccessToken(gitea.CreateAccessTokenOption{Name: "t", Scopes: []gitea.AccessTokenScope{"read:repository", "read:issue"}}))
	tokenFile := filepath.Join(s.root, "token")
	if err := os.WriteFile(tokenFile, []byte(token.Token), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := New(Config{Kind: "gitea", URL: s.url, Repository: "opener/fleet", TokenFile: tokenFile})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := client.Reviews(t.Context(), pr.Head.Sha); err != nil || found != nil {
		t.Errorf("before it is merged: %+v %v", found, err)
	}
	s.merge(admin, pr.Index)
	merged := must[*gitea.PullRequest](t)(admin.GetPullRequest("opener", "fleet", pr.Index))
	found, err := client.Reviews(t.Context(), *merged.MergedCommitID)
	if err != nil || len(found) != 1 || found[0].By != "ann" || !strings.Contains(found[0].Text, "Pigsync-Approved: 0123456789ab") {
		t.Errorf("%+v %v", found, err)
	}
}

// merge merges, once Gitea has found out that it can.
func (s *server) merge(c *gitea.Client, index int64) {
	s.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var err error
	for range 150 {
		merged := false
		if merged, _, err = c.MergePullRequest("opener", "fleet", index, gitea.MergePullRequestOption{Style: gitea.MergeStyleMerge, ForceMerge: true}); err == nil && merged {
			return
		}
		<-tick.C
	}
	s.t.Fatalf("it is not merged: %v", err)
}
