package forge

import (
	"context"
	"net/http"

	"code.gitea.io/sdk/gitea"

	"github.com/pigsync/pigsync/sources"
)

// giteaDoor is a repository on a Gitea or a Forgejo.
type giteaDoor struct {
	url, owner, repository string
	http                   *http.Client
}

// giteaPage is how long a page of a list is; by default servers give no more.
const giteaPage = 50

// client asks for the time of a context. Which version answers is not asked: the questions are old ones.
func (g *giteaDoor) client(ctx context.Context) (*gitea.Client, error) {
	return gitea.NewClient(g.url, gitea.SetHTTPClient(g.http), gitea.SetContext(ctx), gitea.SetGiteaVersion(""))
}

func (g *giteaDoor) pull(ctx context.Context, commit string) (*pull, error) {
	c, err := g.client(ctx)
	if err != nil {
		return nil, err
	}
	pr, resp, err := c.GetCommitPullRequest(g.owner, g.repository, commit)
	if resp != nil && resp.StatusCode == http.StatusNotFound {
		return nil, nil
	}
	if err != nil || !pr.HasMerged || pr.MergedCommitID == nil || *pr.MergedCommitID != commit || pr.Head == nil {
		return nil, err
	}
	p := &pull{number: pr.Index, head: pr.Head.Sha, writers: []string{login(pr.Poster)}}
	return p, pages(func(page int) (int, error) {
		commits, _, err := c.ListPullRequestCommits(g.owner, g.repository, pr.Index,
			gitea.ListPullRequestCommitsOptions{ListOptions: gitea.ListOptions{Page: page, PageSize: giteaPage}})
		for _, commit := range commits {
			p.writers = append(p.writers, login(commit.Author), login(commit.Committer))
		}
		return len(commits), err
	})
}

func login(u *gitea.User) string {
	if u == nil {
		return ""
	}
	return u.UserName
}

var giteaOpinions = map[gitea.ReviewStateType]opinion{
	gitea.ReviewStateApproved: approves, gitea.ReviewStateRequestChanges: objects,
}

func (g *giteaDoor) reviews(ctx context.Context, p *pull) (all []review, err error) {
	c, err := g.client(ctx)
	if err != nil {
		return nil, err
	}
	shown, err := g.shown(c, p)
	if err != nil {
		return nil, err
	}
	return all, pages(func(page int) (int, error) {
		list, _, err := c.ListPullReviews(g.owner, g.repository, p.number,
			gitea.ListPullReviewsOptions{ListOptions: gitea.ListOptions{Page: page, PageSize: giteaPage}})
		for _, r := range list {
			text, is := shown[r.HTMLURL]
			all = append(all, review{
				Review:  sources.Review{ID: number(r.ID), By: login(r.Reviewer), Text: r.Body, When: r.Submitted, Head: r.CommitID},
				opinion: giteaOpinions[r.State], void: r.Dismissed || !is || text != r.Body,
			})
		}
		return len(list), err
	})
}

// shown are the texts of reviews as people see them. Who edits one changes what is shown, and not the review.
func (g *giteaDoor) shown(c *gitea.Client, p *pull) (texts map[string]string, err error) {
	texts = map[string]string{}
	return texts, pages(func(page int) (int, error) {
		list, _, err := c.ListIssueTimeline(g.owner, g.repository, p.number,
			gitea.ListIssueCommentOptions{ListOptions: gitea.ListOptions{Page: page, PageSize: giteaPage}})
		for _, comment := range list {
			if comment.Type == "review" {
				texts[comment.HTMLURL] = comment.Body
			}
		}
		return len(list), err
	})
}
