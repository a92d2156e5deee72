package forge

import (
	"context"
	"fmt"

	gitlab "gitlab.com/gitlab-org/api/client-go"

	"github.com/pigsync/pigsync/sources"
)

func (g *gitlabDoor) open(ctx context.Context) (all []sources.Pull, err error) {
	project, _, err := g.client.Projects.GetProject(g.project, nil, gitlab.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	opened := "opened"
	return all, pages(func(page int) (int, error) {
		list, _, err := g.client.MergeRequests.ListProjectMergeRequests(g.project,
			&gitlab.ListProjectMergeRequestsOptions{ListOptions: listed(page), State: &opened}, gitlab.WithContext(ctx))
		for _, m := range list {
			all = append(all, sources.Pull{
				Number: m.IID, Head: m.SHA, Ref: fmt.Sprintf("refs/merge-requests/%d/head", m.IID), Into: m.TargetBranch, Main: project.DefaultBranch,
			})
		}
		return len(list), err
	})
}

func (g *gitlabDoor) comments(ctx context.Context, pull int64) (mine []comment, err error) {
	me, _, err := g.client.Users.CurrentUser(gitlab.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	return mine, pages(func(page int) (int, error) {
		list, _, err := g.client.Notes.ListMergeRequestNotes(g.project, pull,
			&gitlab.ListMergeRequestNotesOptions{ListOptions: listed(page)}, gitlab.WithContext(ctx))
		for _, n := range list {
			if n.Author.ID == me.ID && !n.System {
				mine = append(mine, comment{n.ID, n.Body})
			}
		}
		return len(list), err
	})
}

func (g *gitlabDoor) say(ctx context.Context, pull int64, text string) error {
	_, _, err := g.client.Notes.CreateMergeRequestNote(g.project, pull, &gitlab.CreateMergeRequestNoteOptions{Body: &text}, gitlab.WithContext(ctx))
	return err
}

func (g *gitlabDoor) amend(ctx context.Context, pull, id int64, text string) error {
	_, _, err := g.client.Notes.UpdateMergeRequestNote(g.project, pull, id, &gitlab.UpdateMergeRequestNoteOptions{Body: &text}, gitlab.WithContext(ctx))
	return err
}

var gitlabStandings = map[sources.Standing]gitlab.BuildStateValue{
	sources.Pending: gitlab.Pending, sources.Success: gitlab.Success, sources.Failure: gitlab.Failed,
}

func (g *gitlabDoor) mark(ctx context.Context, commit string, m sources.Mark) error {
	_, _, err := g.client.Commits.SetCommitStatus(g.project, commit,
		&gitlab.SetCommitStatusOptions{State: gitlabStandings[m.Standing], Name: &m.Name, Description: &m.Text}, gitlab.WithContext(ctx))
	return err
}

func (g *gitlabDoor) propose(ctx context.Context, from, into, title, text string) error {
	_, _, err := g.client.MergeRequests.CreateMergeRequest(g.project, &gitlab.CreateMergeRequestOptions{
		Title: &title, Description: &text, SourceBranch: &from, TargetBranch: &into,
	}, gitlab.WithContext(ctx))
	return err
}
