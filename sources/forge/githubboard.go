package forge

import (
	"context"
	"fmt"

	"github.com/google/go-github/v74/github"

	"github.com/pigsync/pigsync/sources"
)

func (g *githubDoor) open(ctx context.Context) (all []sources.Pull, err error) {
	return all, pages(func(page int) (int, error) {
		list, _, err := g.client.PullRequests.List(ctx, g.owner, g.repository,
			&github.PullRequestListOptions{State: "open", ListOptions: github.ListOptions{Page: page, PerPage: githubPage}})
		for _, pr := range list {
			all = append(all, sources.Pull{
				Number: int64(pr.GetNumber()), Head: pr.GetHead().GetSHA(), Ref: fmt.Sprintf("refs/pull/%d/head", pr.GetNumber()),
				Into: pr.GetBase().GetRef(), Main: pr.GetBase().GetRepo().GetDefaultBranch(),
			})
		}
		return len(list), err
	})
}

func (g *githubDoor) comments(ctx context.Context, pull int64) (mine []comment, err error) {
	me, _, err := g.client.Users.Get(ctx, "")
	if err != nil {
		return nil, err
	}
	return mine, pages(func(page int) (int, error) {
		list, _, err := g.client.Issues.ListComments(ctx, g.owner, g.repository, int(pull),
			&github.IssueListCommentsOptions{ListOptions: github.ListOptions{Page: page, PerPage: githubPage}})
		for _, m := range list {
			if m.GetUser().GetID() == me.GetID() {
				mine = append(mine, comment{m.GetID(), m.GetBody()})
			}
		}
		return len(list), err
	})
}

func (g *githubDoor) say(ctx context.Context, pull int64, text string) error {
	_, _, err := g.client.Issues.CreateComment(ctx, g.owner, g.repository, int(pull), &github.IssueComment{Body: &text})
	return err
}

func (g *githubDoor) amend(ctx context.Context, _, id int64, text string) error {
	_, _, err := g.client.Issues.EditComment(ctx, g.owner, g.repository, id, &github.IssueComment{Body: &text})
	return err
}

func (g *githubDoor) mark(ctx context.Context, commit string, m sources.Mark) error {
	state := string(m.Standing)
	_, _, err := g.client.Repositories.CreateStatus(ctx, g.owner, g.repository, commit,
		&github.RepoStatus{State: &state, Context: &m.Name, Description: &m.Text})
	return err
}

func (g *githubDoor) propose(ctx context.Context, from, into, title, text string) error {
	_, _, err := g.client.PullRequests.Create(ctx, g.owner, g.repository,
		&github.NewPullRequest{Head: &from, Base: &into, Title: &title, Body: &text})
	return err
}
