package diff_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Approvals in journals quote digests: what they are of is written as it ever was.
func TestDigestsStayWhatTheyAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, text := &diff.Plan{}, ""
		for range rapid.IntRange(0, 4).Draw(t, "steps") {
			s := diff.Step{Needs: rapid.SliceOfN(rapid.IntRange(0, 100), 0, 3).Draw(t, "needs")}
			s.Action = rapid.SampledFrom([]diff.Action{'+', '~', '-', '=', '?'}).Draw(t, "action")
			s.ID = resource.ID{Kind: "file", Name: rapid.String().Draw(t, "name"), At: "10.0.0.1"}
			for range rapid.IntRange(0, 3).Draw(t, "fields") {
				s.Fields = append(s.Fields, resource.Field{
					Path: rapid.String().Draw(t, "path"), Have: string(rapid.SliceOf(rapid.Byte()).Draw(t, "have")), Want: rapid.String().Draw(t, "want"),
					Hazard: resource.Hazard(rapid.IntRange(0, 63).Draw(t, "hazard")),
				})
			}
			p.Steps = append(p.Steps, s)
			var change strings.Builder
			fmt.Fprintf(&change, "%c %q %s\n", s.Action, s.ID.String(), s.Hazard())
			for _, f := range s.Fields {
				fmt.Fprintf(&change, "%q %q %q\n", f.Path, f.Have, f.Want)
			}
			if want := sumOf(change.String())[:24]; s.Digest() != want {
				t.Fatalf("the digest of %q is %s, want %s", change.String(), s.Digest(), want)
			}
			text += change.String() + fmt.Sprintf("%d\n", s.Needs)
		}
		if want := sumOf(text)[:12]; p.Digest() != want {
			t.Fatalf("the digest of %q is %s, want %s", text, p.Digest(), want)
		}
	})
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
