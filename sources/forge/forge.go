package forge

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/sources"
)

// Config says which repository on which forge, and who asks.
type Config struct {
	Kind       string // one of Kinds
	URL        string // "https://git.example.com"
	Repository string // "owner/name"; on GitLab groups may stand in front
	TokenFile  string // of an access token; "" asks without
	CAFile     string // whose certificates are trusted; "" for the system's
}

// Kinds are the forges there are clients for. Forgejo speaks as Gitea does.
var Kinds = []string{"gitea", "forgejo", "github", "gitlab"}

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$`)

// Check says what is wrong with a part of the configuration, by the name of the part; nothing is asked.
func (c Config) Check() (part string, err error) {
	u, bad := url.Parse(c.URL)
	switch {
	case !slices.Contains(Kinds, c.Kind):
		return "kind", fmt.Errorf("want one of %s, got %q", strings.Join(Kinds, ", "), c.Kind)
	case bad != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		return "url", errors.New("want an address such as https://git.example.com, with nobody's name or password in it")
	case !repositoryName.MatchString(c.Repository), c.Kind != "gitlab" && strings.Count(c.Repository, "/") != 1:
		return "repository", fmt.Errorf("want owner/name, got %q", c.Repository)
	}
	return "", nil
}

// Client is one repository on one forge.
type Client struct {
	name string
	door door
	hide func(string) string // what must not be repeated
}

// door is what differs between the kinds of forges.
type door interface {
	desk
	// pull finds the pull request that was merged as a commit, nil when none was.
	pull(ctx context.Context, commit string) (*pull, error)
	// reviews are all of a pull request, in any order.
	reviews(ctx context.Context, p *pull) ([]review, error)
}

var _ sources.Forge = (*Client)(nil)

// New makes a client. It asks nothing yet.
func New(c Config) (*Client, error) {
	if part, err := c.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", part, err)
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	by, carrier, err := newCarrier(c)
	if err != nil {
		return nil, err
	}
	client := &Client{name: c.Kind + ":" + u.Host, hide: by.hide}
	owner, repository, _ := strings.Cut(c.Repository, "/")
	switch c.Kind {
	case "github":
		client.door, err = newGitHub(u, owner, repository, carrier)
	case "gitlab":
		client.door, err = newGitLab(c.URL, c.Repository, carrier)
	default:
		client.door = &giteaDoor{url: c.URL, owner: owner, repository: repository, http: carrier}
	}
	return client, err
}

// Name is what stands in front of accounts: "gitea:git.example.com".
func (c *Client) Name() string { return c.name }

// Reviews implements sources.Forge.
func (c *Client) Reviews(ctx context.Context, commit string) ([]sources.Review, error) {
	p, err := c.door.pull(ctx, commit)
	if err != nil || p == nil {
		return nil, c.said(err)
	}
	all, err := c.door.reviews(ctx, p)
	if err != nil {
		return nil, c.said(err)
	}
	return standing(p, all), nil
}

// maxSaid bounds what is repeated of a forge's words.
const maxSaid = 300

// said is an error in one clean line.
func (c *Client) said(err error) error {
	if err == nil {
		return nil
	}
	return sources.Errorf(err, "ask %s: %s", c.name, sources.Clean(c.hide(err.Error()), maxSaid))
}

// maxPages bounds how much of a list is read.
const maxPages = 40

// pages reads a list page by page until one is empty: a server is free to give less than was asked for. A list
// without an end is an error, since what is not read might take back what was.
func pages(read func(page int) (n int, err error)) error {
	for page := 1; page <= maxPages; page++ {
		if n, err := read(page); err != nil || n == 0 {
			return err
		}
	}
	return fmt.Errorf("more than %d pages", maxPages)
}
