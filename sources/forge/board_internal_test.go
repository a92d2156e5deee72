package forge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
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

// talkative is a Gitea with a pull request of many comments, the last of which is ours. It gives them in pages, or all
// of them whatever page is asked for, and counts what is written.
func talkative(t *testing.T, inPages bool) (c *Client, wrote map[string]int) {
	t.Helper()
	const many = 2*giteaPage + 20
	var all []map[string]any
	for i := 1; i <= many; i++ {
		by := map[string]any{"id": 1}
		if i == many {
			by["id"] = 7
		}
		all = append(all, map[string]any{"id": i, "body": "<!-- m -->\nold", "user": by})
	}
	wrote = map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = map[string]any{"id": 7}
		if r.Method != http.MethodGet {
			wrote[r.Method+" "+r.URL.Path]++
		} else if strings.HasSuffix(r.URL.Path, "/comments") {
			page, limit := asked(r, "page"), asked(r, "limit")
			part := all
			if inPages {
				part = all[min(many, (page-1)*limit):min(many, page*limit)]
			}
			answer = part
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // the client says what it got
	}))
	t.Cleanup(srv.Close)
	c, err := New(Config{Kind: "gitea", URL: srv.URL, Repository: "ops/fleet"})
	if err != nil {
		t.Fatal(err)
	}
	return c, wrote
}

func asked(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.URL.Query().Get(name)) // 0 for what is none
	return n
}

// However long people talk, there is one comment of ours.
func TestThereIsOneCommentOfOurs(t *testing.T) {
	for _, inPages := range []bool{true, false} {
		c, wrote := talkative(t, inPages)
		if err := c.Say(t.Context(), 3, "m", "new", true); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(wrote); got != "map[PATCH /api/v1/repos/ops/fleet/issues/comments/120:1]" {
			t.Errorf("in pages: %v: %s", inPages, got)
		}
	}
}

// A token that has expired is said, and not shown; the next one is read as soon as it is there.
func TestATokenThatHasExpired(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Authorization") != "token fresh-word" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"message":"token is expired: %s"}`, r.Header.Get("Authorization"))
			return
		}
		fmt.Fprint(w, "[]")
	}))
	t.Cleanup(srv.Close)
	file := filepath.Join(t.TempDir(), "token")
	c, err := New(Config{Kind: "gitea", URL: srv.URL, Repository: "ops/fleet", TokenFile: file})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ token, says string }{{"stale-word", "expired"}, {"fresh-word", ""}} {
		if err := os.WriteFile(file, []byte(tt.token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := c.Open(t.Context())
		if (err == nil) != (tt.says == "") || err != nil && (!strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), tt.token)) {
			t.Errorf("%s: %v", tt.token, err)
		}
	}
}
