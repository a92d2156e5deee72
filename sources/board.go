package sources

import "context"

// Pull is an open pull request.
type Pull struct {
	Number int64
	Head   string // its last commit
	Ref    string // what names that in the repository: refs/pull/7/head
	Into   string // the branch it is for
	Main   string // the branch of the repository that is followed where none is named
}

// Standing is how something stands of which a commit is told.
type Standing string

// The standings.
const (
	Pending Standing = "pending"
	Success Standing = "success"
	Failure Standing = "failure"
)

// Mark is a status of a commit.
type Mark struct {
	Name     string // "pigsync/plan"
	Standing Standing
	Text     string // one line
}

// Board is where people see what becomes of a repository: the forge that keeps it. All that is said there is said
// once: again only means the same.
type Board interface {
	Name() string
	// Open are the open pull requests.
	Open(ctx context.Context) ([]Pull, error)
	// Say makes the one comment of ours that bears a mark say text. Where there is none it is made only if it is to be.
	Say(ctx context.Context, pull int64, mark, text string, fresh bool) error
	// Mark sets a status of a commit.
	Mark(ctx context.Context, commit string, m Mark) error
	// Propose opens a pull request of one branch into another.
	Propose(ctx context.Context, from, into, title, text string) error
}
