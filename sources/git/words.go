package git

import (
	"bytes"
	"context"
	"io"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/pigsync/pigsync/sources"
)

// Signer says who signed a message, or that nobody did who is known.
type Signer func(message, signature []byte, when time.Time) (who string, err error)

// maxWords bounds how many commits are looked at for words.
const maxWords = 64

// Words implements sources.Witness: what signed commits agree to, in a trailer Pigsync-Approved of their message. The
// commit of the revision counts, and those before it that have the very same tree: an empty commit is enough to
// agree, and several people may add one each. A commit that is not signed, or by nobody who is known, says nothing.
func (s *Source) Words(ctx context.Context, revision string) ([]sources.Word, error) {
	if s.options.Signer == nil {
		return nil, nil
	}
	first, err := s.store.commit(plumbing.NewHash(revision))
	if err != nil {
		return nil, err
	}
	var words []sources.Word
	seen, todo := map[plumbing.Hash]bool{}, []*object.Commit{first}
	for len(todo) > 0 && len(seen) < maxWords {
		c := todo[0]
		todo = todo[1:]
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if seen[c.Hash] || c.TreeHash != first.TreeHash {
			continue
		}
		seen[c.Hash] = true
		words = append(words, s.wordsOf(c)...)
		for _, p := range c.ParentHashes {
			if parent, err := s.store.commit(p); err == nil {
				todo = append(todo, parent)
			}
		}
	}
	return words, nil
}

// wordsOf are the words of one commit.
func (s *Source) wordsOf(c *object.Commit) (words []sources.Word) {
	digests := sources.Agreed(c.Message)
	if len(digests) == 0 || c.PGPSignature == "" {
		return nil
	}
	who, err := s.signer(c)
	if err != nil {
		return nil
	}
	slices.Sort(digests)
	for _, digest := range slices.Compact(digests) {
		words = append(words, sources.Word{
			ID: "commit/" + c.Hash.String() + "/" + digest, Digest: digest, By: who, Via: "commit", When: c.Committer.When,
		})
	}
	return words
}

func (s *Source) signer(c *object.Commit) (string, error) {
	o, err := s.store.read(plumbing.CommitObject, c.Hash, maxMeta)
	if err != nil {
		return "", err
	}
	r, err := o.Reader()
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	return s.options.Signer(unsigned(raw), []byte(c.PGPSignature), c.Committer.When)
}

// unsigned is a commit without its signature, which is what was signed: byte by byte, whatever else it has.
func unsigned(raw []byte) (out []byte) {
	dropping := false
	for len(raw) > 0 {
		line, _, _ := bytes.Cut(raw, []byte("\n"))
		line = raw[:min(len(line)+1, len(raw))]
		if len(line) == 1 { // the header ends
			return append(out, raw...)
		}
		dropping = bytes.HasPrefix(line, []byte("gpgsig ")) || dropping && line[0] == ' '
		if !dropping {
			out = append(out, line...)
		}
		raw = raw[len(line):]
	}
	return out
}
