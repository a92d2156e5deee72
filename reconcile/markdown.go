package reconcile

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
	"github.com/pigsync/pigsync/sources"
)

// WriteMarkdown prints a plan for whoever reviews the commit: by owner, the gravest first, with what each
// step may cost, how long it took before, what holds it, and what becomes of it when it fails.
func (r *Round) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## Plan %s at %s\n\n%s.\n", r.Plan.Digest(), sources.Short(r.Revision.ID), r.Plan.Summary())
	r.writeOwners(&b, func(diff.Step) bool { return true })
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Round) writeOwners(b *strings.Builder, shown func(diff.Step) bool) {
	for _, owner := range ownersOf(r.Plan, shown) {
		writeOwner(b, r, owner, shown)
	}
}

// ownersOf are those with steps, the one with the gravest first.
func ownersOf(p *diff.Plan, shown func(diff.Step) bool) (all []string) {
	worst := map[string]resource.Hazard{}
	for _, s := range p.Steps {
		if !shown(s) {
			continue
		}
		if _, known := worst[s.Owner]; !known {
			all = append(all, s.Owner)
		}
		worst[s.Owner] |= s.Hazard()
	}
	slices.SortStableFunc(all, func(a, b string) int { return int(gravest(worst[b])) - int(gravest(worst[a])) })
	return all
}

func gravest(h resource.Hazard) (last resource.Hazard) {
	for one := range h.Each {
		last = one
	}
	return last
}

// costs say what a hazard means to clients.
var costs = map[resource.Hazard]string{
	0:                 "Nobody notices",
	resource.Reload:   "Reloads: nobody is disconnected",
	resource.Restart:  "Restarts: clients wait at the pooler, who is connected directly is disconnected",
	resource.Failover: "Failover: another member takes the lead",
	resource.Topology: "Topology: a member comes or goes",
	resource.DataLoss: "Data are lost",
	resource.Lockout:  "We may lose the way in",
}

func writeOwner(b *strings.Builder, r *Round, owner string, shown func(diff.Step) bool) {
	fmt.Fprintf(b, "\n### %s\n", owner)
	byCost := map[resource.Hazard][]int{}
	var order []resource.Hazard
	for i, s := range r.Plan.Steps {
		if s.Owner != owner || s.Action == diff.Check || !shown(s) {
			continue
		}
		h := gravest(s.Hazard())
		if byCost[h] == nil {
			order = append(order, h)
		}
		byCost[h] = append(byCost[h], i)
	}
	slices.Sort(order)
	for _, h := range slices.Backward(order) {
		fmt.Fprintf(b, "\n**%s** (%s)\n\n", costs[h], counted(len(byCost[h]), "step"))
		for _, i := range byCost[h] {
			writeStep(b, r, i)
		}
	}
}

func writeStep(b *strings.Builder, r *Round, i int) {
	s := r.Plan.Steps[i]
	fmt.Fprintf(b, "- %s%s\n", code(fmt.Sprintf("%s %s", s.Action, s.ID)), lineOf(s))
	if s.Err != nil {
		fmt.Fprintf(b, "  - unknown: %s\n", escaped(r.Plan.Masked(s.Err).Error()))
	}
	for _, f := range r.Plan.Shown(s.Change) {
		if strings.Contains(f.Have+f.Want, "\n") {
			fmt.Fprintf(b, "  - %s changes\n", escaped(f.Path))
			continue
		}
		fmt.Fprintf(b, "  - %s: %s → %s\n", escaped(f.Path), code(f.Have), code(f.Want))
	}
	for _, o := range r.Objections {
		if o.Step == i {
			fmt.Fprintf(b, "  - **%s**: %s%s\n", o.Verdict, escaped(o.Reason), policies.Until(o.Until))
		}
	}
	if took := tookBefore(r, s); took != "" {
		fmt.Fprintf(b, "  - took %s before\n", took)
	}
	if undo := undoOf(s); undo != "" {
		fmt.Fprintf(b, "  - %s\n", undo)
	}
}

func lineOf(s diff.Step) string {
	if s.Origin.Filename == "" {
		return ""
	}
	return " by " + escaped(s.Origin.String())
}

// tookBefore is how long the step took the last times.
func tookBefore(r *Round, s diff.Step) string {
	const times = 3
	var all []string
	for _, e := range slices.Backward(r.Past(s.ID)) {
		if e.Action == s.Action && e.Err == "" && len(all) < times {
			all = append(all, e.Took.Round(10*time.Millisecond).String())
		}
	}
	return strings.Join(all, ", ")
}

// undoOf says what becomes of a step that fails, or of one that is to be taken back.
func undoOf(s diff.Step) string {
	switch s.ID.Kind {
	case resource.KindPGMember:
		return "a server that does not start again gets back what it had, and the others are not touched"
	case resource.KindPGConfig:
		return "undone by a commit with what was before; what the server would refuse is not written"
	case resource.KindPGLeading:
		return "undone by a second switchover only"
	}
	return ""
}

// code quotes what comes from elsewhere, so that none of it is read as Markdown.
func code(s string) string {
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if s = oneLine(s); s == "" {
		return "nothing"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

var markdown = strings.NewReplacer("\\", "\\\\", "*", "\\*", "_", "\\_", "`", "\\`", "<", "&lt;", "[", "\\[", "|", "\\|", "@", "&#64;", "#", "\\#")

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func escaped(s string) string { return markdown.Replace(oneLine(s)) }

// counted is a number with its noun: "1 step", "2 steps".
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
