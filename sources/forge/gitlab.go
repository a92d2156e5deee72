package forge

import (
	"context"
	"net/http"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go"

	"github.com/pigsync/pigsync/sources"
)

// gitlabDoor is a project on a GitLab. An approval has no text there: it is given by who approves the merge request
// and names the plan in a note.
type gitlabDoor struct {
	project string
	client  *gitlab.Client
}

const gitlabPage = 100

func newGitLab(at, project string, carrier *http.Client) (*gitlabDoor, error) {
	c, err := gitlab.NewClient("", gitlab.WithBaseURL(at), gitlab.WithHTTPClient(carrier), gitlab.WithoutRetries())
	return &gitlabDoor{project: project, client: c}, err
}

func listed(page int) gitlab.ListOptions {
	return gitlab.ListOptions{Page: int64(page), PerPage: gitlabPage}
}

func (g *gitlabDoor) pull(ctx context.Context, commit string) (*pull, error) {
	list, resp, err := g.client.Commits.ListMergeRequestsByCommit(g.project, commit, gitlab.WithContext(ctx))
	if resp != nil && resp.StatusCode == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		brought := m.MergeCommitSHA == commit || m.MergeCommitSHA == "" && (m.SquashCommitSHA == commit || m.SquashCommitSHA == "" && m.SHA == commit)
		if m.State == "merged" && brought && m.Author != nil {
			p := &pull{number: m.IID, head: m.SHA, writers: []string{m.Author.Username}}
			return p, nil
		}
	}
	return nil, nil
}

func (g *gitlabDoor) reviews(ctx context.Context, p *pull) (all []review, err error) {
	approvers, err := g.approvers(ctx, p)
	if err != nil {
		return nil, err
	}
	latest, err := g.latest(ctx, p)
	if err != nil {
		return nil, err
	}
	return all, pages(func(page int) (int, error) {
		list, _, err := g.client.Notes.ListMergeRequestNotes(g.project, p.number,
			&gitlab.ListMergeRequestNotesOptions{ListOptions: listed(page)}, gitlab.WithContext(ctx))
		for _, n := range list {
			all = append(all, noted(n, approvers[n.Author.Username], latest, p.head))
		}
		return len(list), err
	})
}

// noted is what a note comes to: of who approves, written after the last push, and never edited.
func noted(n *gitlab.Note, approver bool, latest time.Time, head string) review {
	r := review{Review: sources.Review{ID: number(n.ID), By: n.Author.Username, Text: n.Body}, void: true}
	if n.CreatedAt == nil || n.UpdatedAt == nil {
		return r
	}
	r.When, r.void = *n.CreatedAt, n.System || !n.UpdatedAt.Equal(*n.CreatedAt)
	if approver {
		r.opinion = approves
	}
	if n.CreatedAt.After(latest) {
		r.Head = head
	}
	return r
}

func (g *gitlabDoor) approvers(ctx context.Context, p *pull) (map[string]bool, error) {
	found, _, err := g.client.MergeRequestApprovals.GetConfiguration(g.project, p.number, gitlab.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	approvers := map[string]bool{}
	for _, a := range found.ApprovedBy {
		if a.User != nil {
			approvers[a.User.Username] = true
		}
	}
	return approvers, nil
}

// latest is when the merge request was pushed to last.
func (g *gitlabDoor) latest(ctx context.Context, p *pull) (latest time.Time, err error) {
	return latest, pages(func(page int) (int, error) {
		list, _, err := g.client.MergeRequests.GetMergeRequestDiffVersions(g.project, p.number,
			&gitlab.GetMergeRequestDiffVersionsOptions{ListOptions: listed(page)}, gitlab.WithContext(ctx))
		for _, v := range list {
			if v.CreatedAt != nil && v.CreatedAt.After(latest) {
				latest = *v.CreatedAt
			}
		}
		return len(list), err
	})
}
