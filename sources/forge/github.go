package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/go-github/v74/github"

	"github.com/pigsync/pigsync/sources"
)

// githubDoor is a repository on GitHub, or on a GitHub of one's own.
type githubDoor struct {
	owner, repository string
	client            *github.Client
}

const githubPage = 100

func newGitHub(at *url.URL, owner, repository string, carrier *http.Client) (*githubDoor, error) {
	c := github.NewClient(carrier)
	if at.Host != "github.com" {
		own, err := c.WithEnterpriseURLs(at.String(), at.String())
		if err != nil {
			return nil, err
		}
		c = own
	}
	return &githubDoor{owner: owner, repository: repository, client: c}, nil
}

func (g *githubDoor) pull(ctx context.Context, commit string) (p *pull, err error) {
	err = pages(func(page int) (int, error) {
		list, _, err := g.client.PullRequests.ListPullRequestsWithCommit(ctx, g.owner, g.repository, commit, &github.ListOptions{Page: page, PerPage: githubPage})
		for _, pr := range list {
			if pr.MergedAt != nil && pr.GetMergeCommitSHA() == commit {
				p = &pull{number: int64(pr.GetNumber()), head: pr.GetHead().GetSHA(), writers: []string{pr.GetUser().GetLogin()}}
			}
		}
		return len(list), err
	})
	if err != nil || p == nil {
		return nil, err
	}
	return p, pages(func(page int) (int, error) {
		list, _, err := g.client.PullRequests.ListCommits(ctx, g.owner, g.repository, int(p.number), &github.ListOptions{Page: page, PerPage: githubPage})
		for _, c := range list {
			p.writers = append(p.writers, c.GetAuthor().GetLogin(), c.GetCommitter().GetLogin())
		}
		return len(list), err
	})
}

// A review that was dismissed says so instead of what it said.
var githubOpinions = map[string]opinion{"APPROVED": approves, "CHANGES_REQUESTED": objects}

func (g *githubDoor) reviews(ctx context.Context, p *pull) (all []review, err error) {
	untouched, err := g.untouched(ctx, p)
	if err != nil {
		return nil, err
	}
	return all, pages(func(page int) (int, error) {
		list, _, err := g.client.PullRequests.ListReviews(ctx, g.owner, g.repository, int(p.number), &github.ListOptions{Page: page, PerPage: githubPage})
		for _, r := range list {
			all = append(all, review{
				Review: sources.Review{
					ID: number(r.GetID()), By: r.GetUser().GetLogin(), Text: r.GetBody(), When: r.GetSubmittedAt().Time, Head: r.GetCommitID(),
				},
				opinion: githubOpinions[r.GetState()], void: !untouched[r.GetNodeID()],
			})
		}
		return len(list), err
	})
}

// edits asks what the other interface does not tell: whether a review still says what its author wrote.
const edits = `query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviews(first: 100, after: $after) { nodes { id lastEditedAt } pageInfo { hasNextPage endCursor } } } } }`

// edited is what is answered.
type edited struct {
	Data struct {
		Repository struct {
			PullRequest struct {
				Reviews struct {
					Nodes []struct {
						ID           string
						LastEditedAt *time.Time
					}
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
				}
			}
		}
	}
	Errors []struct{ Message string }
}

// untouched are the reviews that were never edited, by their global name.
func (g *githubDoor) untouched(ctx context.Context, p *pull) (ids map[string]bool, err error) {
	ids = map[string]bool{}
	variables := map[string]any{"owner": g.owner, "name": g.repository, "number": p.number}
	return ids, pages(func(int) (int, error) {
		var answer edited
		req, err := g.client.NewRequest(http.MethodPost, g.graphql(), map[string]any{"query": edits, "variables": variables})
		if err != nil {
			return 0, err
		}
		if _, err := g.client.Do(ctx, req, &answer); err != nil {
			return 0, err
		}
		if len(answer.Errors) > 0 {
			return 0, fmt.Errorf("it was refused: %s", answer.Errors[0].Message)
		}
		list := answer.Data.Repository.PullRequest.Reviews
		for _, r := range list.Nodes {
			ids[r.ID] = r.LastEditedAt == nil
		}
		variables["after"] = list.PageInfo.EndCursor
		if list.PageInfo.HasNextPage {
			return 1, nil
		}
		return 0, nil
	})
}

// graphql is beside api.github.com, and beside the /api/v3/ of a GitHub of one's own.
func (g *githubDoor) graphql() string {
	if g.client.BaseURL.Path == "/" {
		return "graphql"
	}
	return "../graphql"
}

func number(id int64) string { return strconv.FormatInt(id, 10) }
