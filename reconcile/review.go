package reconcile

import (
	"fmt"
	"strings"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// Review is what a proposal would make of the fleet, for those who are to agree to it. What is to be done anyway,
// without the proposal, is left out.
type Review struct {
	Steps   int    // that it adds, without gates
	Held    int    // of them, that would wait for somebody
	Denied  int    // of them, that would not be done
	Unknown int    // of them, what cannot be told
	Line    string // all of it in one line
	Text    string // all of it as Markdown: a table of whom it touches first, then step by step
}

// NewReview compares what a proposal would do with what is to be done now.
func NewReview(proposal, now *Round) Review {
	before := map[string]bool{}
	if now != nil {
		for _, s := range now.Plan.Steps {
			before[s.Digest()] = true
		}
	}
	adds := func(s diff.Step) bool { return s.Action != diff.Check && !before[s.Digest()] }
	var v Review
	for i, s := range proposal.Plan.Steps {
		if !adds(s) {
			continue
		}
		v.Steps++
		switch {
		case s.Action == diff.Wait:
			v.Unknown++
		case proposal.Verdicts[i] == policies.Deny:
			v.Denied++
		case proposal.Verdicts[i] == policies.Hold:
			v.Held++
		}
	}
	v.Line = v.line()
	v.Text = v.markdown(proposal, adds)
	return v
}

func (v Review) line() string {
	if v.Steps == 0 {
		return "changes nothing"
	}
	parts := []string{counted(v.Steps, "step")}
	for _, p := range []struct {
		n    int
		what string
	}{{v.Held, "to be approved"}, {v.Denied, "not allowed"}, {v.Unknown, "unknown"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

const (
	maxRows  = 100    // owners in the table, the gravest first
	maxSteps = 48_000 // bytes of all steps: forges take 64 KiB
)

// withoutMiddle leaves whole lines out of the middle of a text that is too long, and says how many.
func withoutMiddle(text string, most int) string {
	if len(text) <= most {
		return text
	}
	head := strings.LastIndexByte(text[:most*2/3], '\n') + 1
	tail := len(text) - most/3
	tail += strings.IndexByte(text[tail:], '\n') + 1
	gone := strings.Count(text[head:tail], "\n")
	return text[:head] + fmt.Sprintf("\n… %d lines are left out here: `pigsync plan --server` shows them all …\n\n", gone) + text[tail:]
}

func (v Review) markdown(r *Round, adds func(diff.Step) bool) string {
	var b strings.Builder
	if v.Steps == 0 {
		return "The fleet stays as it is.\n"
	}
	fmt.Fprintf(&b, "Plan `%s`: %s.\n\n| who | steps | what it costs | verdict |\n|---|---|---|---|\n", r.Plan.Digest(), v.Line)
	owners := ownersOf(r.Plan, adds)
	for _, owner := range owners[:min(len(owners), maxRows)] {
		steps, worst, verdict := 0, resource.Hazard(0), policies.Allow
		for i, s := range r.Plan.Steps {
			if s.Owner == owner && adds(s) {
				steps, worst, verdict = steps+1, worst|s.Hazard(), max(verdict, r.Verdicts[i])
			}
		}
		fmt.Fprintf(&b, "| %s | %d | %s | %s |\n", escaped(owner), steps, costs[gravest(worst)], verdict)
	}
	if more := len(owners) - maxRows; more > 0 {
		fmt.Fprintf(&b, "| and %d more | | | |\n", more)
	}
	var steps strings.Builder
	r.writeOwners(&steps, adds)
	b.WriteString("\n<details><summary>Step by step</summary>\n")
	b.WriteString(withoutMiddle(steps.String(), maxSteps))
	b.WriteString("\n</details>\n")
	return b.String()
}

// Round is the round the picture was made of, nil when there was none.
func (s *Status) Round() *Round { return s.round }

// MarkdownProblems are problems as Markdown, one a line.
func MarkdownProblems(ps []Problem) string {
	var b strings.Builder
	for _, p := range ps[:min(len(ps), maxRows)] {
		fmt.Fprintf(&b, "- %s: %s: %s (%s)\n", code(p.Place), escaped(p.Severity), escaped(p.Message), escaped(p.Code))
	}
	if more := len(ps) - maxRows; more > 0 {
		fmt.Fprintf(&b, "- and %d more\n", more)
	}
	return b.String()
}

// MarkdownText is a text of somebody else, so that none of it is read as Markdown.
func MarkdownText(text string) string { return escaped(text) }
