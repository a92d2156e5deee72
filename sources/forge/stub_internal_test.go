package forge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stub answers as a forge is documented to, from texts by method and path; lists have one page. It is no forge: what is
// seen here is that we ask for the right things and read the answers rightly.
func stub(t *testing.T, kind, repository string, answers map[string]string) *Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, value := headers[kind]("word")
		if r.Header.Get(name) != value {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		text, known := answers[r.Method+" "+r.URL.EscapedPath()]
		w.Header().Set("Content-Type", "application/json")
		switch page := r.URL.Query().Get("page"); {
		case !known:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"message":"no such thing"}`)
		case page != "" && page != "1":
			fmt.Fprint(w, "[]")
		default:
			fmt.Fprint(w, text)
		}
	}))
	t.Cleanup(srv.Close)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{Kind: kind, URL: srv.URL, Repository: repository, TokenFile: token})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// list is a list in JSON.
func list(texts ...string) string { return "[" + strings.Join(texts, ",") + "]" }

// approvers are those whose reviews stand.
func approvers(t *testing.T, c *Client) string {
	t.Helper()
	reviews, err := c.Reviews(t.Context(), "c0ffee")
	if err != nil {
		t.Fatal(err)
	}
	var by []string
	for _, r := range reviews {
		if r.When.IsZero() || r.ID == "" || r.Text == "" {
			t.Errorf("%+v", r)
		}
		by = append(by, r.By)
	}
	return strings.Join(by, " ")
}

func TestGitea(t *testing.T) {
	review := func(id int, by, state, commit string, dismissed bool) string {
		return fmt.Sprintf(`{"id":%d,"user":{"login":%q},"state":%q,"body":"fine %d","commit_id":%q,"dismissed":%v,"submitted_at":"2026-11-20T12:00:00Z","html_url":"http://x/#%d"}`, id, by, state, id, commit, dismissed, id)
	}
	shown := func(id int, text string) string {
		return fmt.Sprintf(`{"type":"review","html_url":"http://x/#%d","body":%q}`, id, text)
	}
	const at = "GET /api/v1/repos/ops/fleet/"
	answers := map[string]string{
		at + "commits/c0ffee/pull": `{"number":7,"merged":true,"merge_commit_sha":"c0ffee","user":{"login":"opener"},"head":{"sha":"h"},"base":{}}`,
		at + "pulls/7/commits":     list(`{"author":{"login":"writer"},"committer":null}`),
		at + "pulls/7/reviews": list(review(1, "ann", "APPROVED", "h", false), review(2, "stale", "APPROVED", "older", false), review(3, "gone", "APPROVED", "h", true),
			review(4, "edited", "APPROVED", "h", false), review(5, "writer", "APPROVED", "h", false), review(6, "opener", "APPROVED", "h", false),
			review(7, "remarks", "COMMENT", "h", false), review(8, "unseen", "APPROVED", "h", false)),
		at + "issues/7/timeline": list(shown(1, "fine 1"), shown(2, "fine 2"), shown(3, "fine 3"), shown(4, "something else"), shown(5, "fine 5"), shown(6, "fine 6"), shown(7, "fine 7")),
	}
	if got := approvers(t, stub(t, "gitea", "ops/fleet", answers)); got != "ann" {
		t.Errorf("got %q", got)
	}
	answers[at+"commits/c0ffee/pull"] = strings.Replace(answers[at+"commits/c0ffee/pull"], `"merged":true`, `"merged":false`, 1)
	if got := approvers(t, stub(t, "forgejo", "ops/fleet", answers)); got != "" {
		t.Errorf("not merged: %q", got)
	}
	delete(answers, at+"commits/c0ffee/pull")
	if got := approvers(t, stub(t, "gitea", "ops/fleet", answers)); got != "" {
		t.Errorf("no pull request: %q", got)
	}
}

func TestGitHub(t *testing.T) {
	review := func(id int, by, state string) string {
		return fmt.Sprintf(`{"id":%d,"node_id":"n%d","user":{"login":%q},"state":%q,"body":"fine","commit_id":"h","submitted_at":"2026-11-20T12:00:00Z"}`, id, id, by, state)
	}
	const at = "GET /api/v3/repos/ops/fleet/"
	answers := map[string]string{
		at + "commits/c0ffee/pulls": list(`{"number":6,"merge_commit_sha":"c0ffee"}`,
			`{"number":7,"merged_at":"2026-11-20T13:00:00Z","merge_commit_sha":"c0ffee","user":{"login":"opener"},"head":{"sha":"h"}}`),
		at + "pulls/7/commits": list(`{"author":{"login":"writer"}}`),
		at + "pulls/7/reviews": list(review(1, "ann", "APPROVED"), review(2, "gone", "DISMISSED"), review(3, "edited", "APPROVED"), review(4, "opener", "APPROVED"), review(5, "untold", "APPROVED")),
		"POST /api/graphql": `{"data":{"repository":{"pullRequest":{"reviews":{"nodes":[{"id":"n1","lastEditedAt":null},{"id":"n2","lastEditedAt":null},
			{"id":"n3","lastEditedAt":"2026-11-20T14:00:00Z"},{"id":"n4","lastEditedAt":null}],"pageInfo":{"hasNextPage":false,"endCursor":"x"}}}}}}`,
	}
	if got := approvers(t, stub(t, "github", "ops/fleet", answers)); got != "ann" {
		t.Errorf("got %q", got)
	}
	answers["POST /api/graphql"] = `{"errors":[{"message":"no rights"}]}`
	if _, err := stub(t, "github", "ops/fleet", answers).Reviews(t.Context(), "c0ffee"); err == nil || !strings.Contains(err.Error(), "no rights") {
		t.Errorf("got %v", err)
	}
}

func TestGitLab(t *testing.T) {
	note := func(id int, by, created, updated string) string {
		return fmt.Sprintf(`{"id":%d,"author":{"username":%q},"body":"fine","created_at":%q,"updated_at":%q}`, id, by, created, updated)
	}
	const at = "GET /api/v4/projects/group%2Fops%2Ffleet/"
	const before, push, after, later = "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z", "2026-11-20T14:00:00Z"
	answers := map[string]string{
		at + "repository/commits/c0ffee/merge_requests": list(`{"iid":7,"state":"merged","sha":"h","merge_commit_sha":"c0ffee","author":{"username":"opener"}}`),
		at + "merge_requests/7/approvals":               `{"approved_by":[{"user":{"username":"ann"}},{"user":{"username":"early"}},{"user":{"username":"edited"}},{"user":{"username":"opener"}}]}`,
		at + "merge_requests/7/versions":                list(fmt.Sprintf(`{"id":1,"created_at":%q}`, push)),
		at + "merge_requests/7/notes": list(note(1, "ann", after, after), note(2, "early", before, before), note(3, "edited", after, later),
			note(4, "opener", after, after), note(5, "passer-by", after, after)),
	}
	if got := approvers(t, stub(t, "gitlab", "group/ops/fleet", answers)); got != "ann" {
		t.Errorf("got %q", got)
	}
}

// What a forge says of itself is one clean line, and never holds the token.
func TestWhatAForgeRefuses(t *testing.T) {
	c := stub(t, "gitea", "ops/fleet", map[string]string{"GET /api/v1/repos/ops/fleet/commits/c0ffee/pull": "<html>\x1b[31m"})
	_, err := c.Reviews(t.Context(), "c0ffee")
	if text, _ := json.Marshal(fmt.Sprint(err)); err == nil || strings.Contains(string(text), `\u001b`) || strings.Contains(string(text), "word") {
		t.Errorf("%s", text)
	}
}
