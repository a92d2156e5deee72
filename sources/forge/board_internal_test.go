package forge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"code.gitea.io/sdk/gitea"

	"github.com/pigsync/pigsync/sources"
)

// A real Gitea: open pull requests are seen, one comment is kept up to date, commits are marked, and branches proposed.
func TestTheBoardOfARealGitea(t *testing.T) {
	s := aGitea(t)
	admin := s.as("opener")
	must[*gitea.Repository](t)(admin.CreateRepo(gitea.CreateRepoOption{Name: "fleet", AutoInit: true, DefaultBranch: "main"}))
	for _, branch := range []string{"more", "other"} {
		o := gitea.CreateFileOptions{Content: "eAo="}
		o.BranchName, o.NewBranchName = "main", branch
		must[*gitea.FileResponse](t)(admin.CreateFile("opener", "fleet", branch, o))
	}
	pr := must[*gitea.PullRequest](t)(admin.CreatePullRequest("opener", "fleet", gitea.CreatePullRequestOption{Head: "more", Base: "main", Title: "more"}))
	free := false
	must[*gitea.User](t)(admin.AdminCreateUser(gitea.CreateUserOption{Username: "eve", Email: "eve@example.com", Password: password, MustChangePassword: &free}))
	must[*gitea.Comment](t)(s.as("eve").CreateIssueComment("opener", "fleet", pr.Index, gitea.CreateIssueCommentOption{Body: "<!-- m -->\nof eve"}))
	token := must[*gitea.AccessToken](t)(admin.CreateAccessToken(gitea.CreateAccessTokenOption{
		Name: "t", Scopes: []gitea.AccessTokenScope{"write:repository", "write:issue", "read:user"},
	}))
	tokenFile := filepath.Join(s.root, "token")
	if err := os.WriteFile(tokenFile, []byte(token.Token), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{Kind: "gitea", URL: s.url, Repository: "opener/fleet", TokenFile: tokenFile})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	open, err := c.Open(ctx)
	want := sources.Pull{Number: pr.Index, Head: pr.Head.Sha, Ref: "refs/pull/1/head", Into: "main", Main: "main"}
	if err != nil || len(open) != 1 || open[0] != want {
		t.Errorf("open: %+v %v, want %+v", open, err, want)
	}
	for _, say := range []struct {
		text  string
		fresh bool
		want  string
	}{{"nothing", false, "of eve"}, {"first", true, "of eve|first"}, {"first", true, "of eve|first"}, {"second", false, "of eve|second"}} {
		if err := c.Say(ctx, pr.Index, "m", say.text, say.fresh); err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, m := range must[[]*gitea.Comment](t)(admin.ListIssueComments("opener", "fleet", pr.Index, gitea.ListIssueCommentOptions{})) {
			said = append(said, strings.TrimPrefix(m.Body, "<!-- m -->\n"))
		}
		if got := strings.Join(said, "|"); got != say.want {
			t.Errorf("after %q: %q, want %q", say.text, got, say.want)
		}
	}
	for _, standing := range []sources.Standing{sources.Pending, sources.Failure, sources.Success} {
		if err := c.Mark(ctx, pr.Head.Sha, sources.Mark{Name: "pigsync/plan", Standing: standing, Text: strings.Repeat("x", 300)}); err != nil {
			t.Fatal(err)
		}
		now := must[*gitea.CombinedStatus](t)(admin.GetCombinedStatus("opener", "fleet", pr.Head.Sha))
		if len(now.Statuses) != 1 || string(now.Statuses[0].State) != string(standing) || now.Statuses[0].Context != "pigsync/plan" {
			t.Errorf("%s: %+v", standing, now)
		}
	}
	if err := c.Propose(ctx, "other", "main", "Other", "text"); err != nil {
		t.Error(err)
	}
	if open, err := c.Open(ctx); err != nil || len(open) != 2 {
		t.Errorf("open: %+v %v", open, err)
	}
}
