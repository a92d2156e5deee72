package forge

import (
	"context"
	"fmt"

	"code.gitea.io/sdk/gitea"

	"github.com/pigsync/pigsync/sources"
)

func (g *giteaDoor) open(ctx context.Context) (all []sources.Pull, err error) {
	c, err := g.client(ctx)
	if err != nil {
		return nil, err
	}
	return all, pages(func(page int) (int, error) {
		list, _, err := c.ListRepoPullRequests(g.owner, g.repository,
			gitea.ListPullRequestsOptions{ListOptions: gitea.ListOptions{Page: page, PageSize: giteaPage}, State: gitea.StateOpen})
		for _, pr := range list {
			if pr.Head == nil || pr.Base == nil {
				continue
			}
			p := sources.Pull{Number: pr.Index, Head: pr.Head.Sha, Ref: fmt.Sprintf("refs/pull/%d/head", pr.Index), Into: pr.Base.Ref}
			if pr.Base.Repository != nil {
				p.Main = pr.Base.Repository.DefaultBranch
			}
			all = append(all, p)
		}
		return len(list), err
	})
}

func (g *giteaDoor) comments(ctx context.Context, pull int64) (mine []comment, err error) {
	c, err := g.client(ctx)
	if err != nil {
		return nil, err
	}
	me, _, err := c.GetMyUserInfo()
	if err != nil {
		return nil, err
	}
	seen := map[int64]bool{}
	err = pages(func(page int) (n int, err error) {
		list, _, err := c.ListIssueComments(g.owner, g.repository, pull,
			gitea.ListIssueCommentOptions{ListOptions: gitea.ListOptions{Page: page, PageSize: giteaPage}})
		for _, m := range list {
			if seen[m.ID] {
				continue // a server that knows no pages of comments gives all of them each time
			}
			n, seen[m.ID] = n+1, true
			if m.Poster != nil && m.Poster.ID == me.ID {
				mine = append(mine, comment{m.ID, m.Body})
			}
		}
		return n, err
	})
	return mine, err
}

func (g *giteaDoor) say(ctx context.Context, pull int64, text string) error {
	c, err := g.client(ctx)
	if err == nil {
		_, _, err = c.CreateIssueComment(g.owner, g.repository, pull, gitea.CreateIssueCommentOption{Body: text})
	}
	return err
}

func (g *giteaDoor) amend(ctx context.Context, _, id int64, text string) error {
	c, err := g.client(ctx)
	if err == nil {
		_, _, err = c.EditIssueComment(g.owner, g.repository, id, gitea.EditIssueCommentOption{Body: text})
	}
	return err
}

func (g *giteaDoor) mark(ctx context.Context, commit string, m sources.Mark) error {
	c, err := g.client(ctx)
	if err == nil {
		_, _, err = c.CreateStatus(g.owner, g.repository, commit,
			gitea.CreateStatusOption{State: gitea.StatusState(m.Standing), Context: m.Name, Description: m.Text})
	}
	return err
}

func (g *giteaDoor) propose(ctx context.Context, from, into, title, text string) error {
	c, err := g.client(ctx)
	if err == nil {
		_, _, err = c.CreatePullRequest(g.owner, g.repository, gitea.CreatePullRequestOption{Head: from, Base: into, Title: title, Body: text})
	}
	return err
}
