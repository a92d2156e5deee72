package sources

import (
	"context"
	"regexp"
	"time"
)

// Word is somebody's agreement to a plan, found where the revisions come from and checked there.
type Word struct {
	ID     string    // the same word has the same id for ever
	Digest string    // of the plan it agrees to
	By     string    // who was found to have given it
	Via    string    // "commit" or "review"
	When   time.Time // when it was given
}

// Witness knows who has agreed to plans of a revision. What cannot be checked is no word.
type Witness interface {
	Words(ctx context.Context, revision string) ([]Word, error)
}

// trailer is a line that agrees to a plan, at the end of a commit's message or anywhere in a review.
var trailer = regexp.MustCompile(`(?mi)^Pigsync-Approved:[ \t]*([0-9a-f]{12})[ \t]*\r?$`)

// Agreed are the digests of the plans that a text agrees to.
func Agreed(text string) (digests []string) {
	for _, m := range trailer.FindAllStringSubmatch(text, -1) {
		digests = append(digests, m[1])
	}
	return digests
}

// Review is a review of a pull request that approves it, as a forge tells it: the forge has checked who wrote it.
type Review struct {
	ID   string // of the forge's, unique on it
	By   string // account on the forge
	Text string
	When time.Time
	Head string // the commit that was reviewed
}

// Forge is the door to where people review: for a commit, the approving reviews of the pull request that brought
// it, without those that were dismissed or taken back.
type Forge interface {
	Name() string // "gitea:git.example.com", in front of accounts: "gitea:git.example.com/ann"
	Reviews(ctx context.Context, commit string) ([]Review, error)
}

// Reviewed is the witness of a forge. A review agrees to the plans its text names with Pigsync-Approved. On a forge
// anybody may have an account: only those count who are known, as Word.By names them.
func Reviewed(f Forge, known func(by string) bool) Witness { return reviewed{f, known} }

type reviewed struct {
	forge Forge
	known func(by string) bool
}

func (r reviewed) Words(ctx context.Context, revision string) (words []Word, err error) {
	reviews, err := r.forge.Reviews(ctx, revision)
	if err != nil {
		return nil, err
	}
	for _, v := range reviews {
		by := r.forge.Name() + "/" + v.By
		if !r.known(by) {
			continue
		}
		for _, digest := range Agreed(v.Text) {
			words = append(words, Word{
				ID: r.forge.Name() + "/" + v.ID + "/" + digest, Digest: digest, By: by, Via: "review", When: v.When,
			})
		}
	}
	return words, nil
}
