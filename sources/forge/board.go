package forge

import (
	"context"
	"fmt"
	"strings"

	"github.com/pigsync/pigsync/sources"
)

var _ sources.Board = (*Client)(nil)

// desk is what differs between the kinds of forges when something is said there.
type desk interface {
	open(ctx context.Context) ([]sources.Pull, error)
	// comments are those of a pull request that we wrote.
	comments(ctx context.Context, pull int64) ([]comment, error)
	say(ctx context.Context, pull int64, text string) error
	amend(ctx context.Context, pull, comment int64, text string) error
	mark(ctx context.Context, commit string, m sources.Mark) error
	propose(ctx context.Context, from, into, title, text string) error
}

// comment is one of a pull request.
type comment struct {
	id   int64
	text string
}

// Open implements sources.Board.
func (c *Client) Open(ctx context.Context) ([]sources.Pull, error) {
	all, err := c.door.open(ctx)
	return all, c.said(err)
}

// Say implements sources.Board. The mark is a line that Markdown does not show; what somebody else wrote with it is
// not ours to change.
func (c *Client) Say(ctx context.Context, pull int64, mark, text string, fresh bool) error {
	line := fmt.Sprintf("<!-- %s -->", mark)
	text = line + "\n" + text
	mine, err := c.door.comments(ctx, pull)
	if err != nil {
		return c.said(err)
	}
	for _, m := range mine {
		switch {
		case !strings.HasPrefix(m.text, line):
		case strings.TrimSpace(m.text) == strings.TrimSpace(text):
			return nil
		default:
			return c.said(c.door.amend(ctx, pull, m.id, text))
		}
	}
	if !fresh {
		return nil
	}
	return c.said(c.door.say(ctx, pull, text))
}

// maxMark is how many bytes of a status every forge takes.
const maxMark = 140

// Mark implements sources.Board.
func (c *Client) Mark(ctx context.Context, commit string, m sources.Mark) error {
	m.Text = sources.Clean(m.Text, maxMark)
	return c.said(c.door.mark(ctx, commit, m))
}

// Propose implements sources.Board.
func (c *Client) Propose(ctx context.Context, from, into, title, text string) error {
	return c.said(c.door.propose(ctx, from, into, title, text))
}
