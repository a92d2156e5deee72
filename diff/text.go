package diff

import (
	"fmt"
	"io"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// WriteText prints the plan as people read it: a line a step, with the inventory line that asked
// for it and its hazards, then a line a field.
func (p *Plan) WriteText(w io.Writer) error {
	width := 0
	for _, s := range p.Steps {
		width = max(width, len(s.ID.String()))
	}
	var b strings.Builder
	for _, s := range p.Steps {
		s.line(&b, min(width, 60))
		p.detail(&b, s.Change)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (c Change) line(b *strings.Builder, width int) {
	line := fmt.Sprintf("%c %-*s  %s", c.Action, width, c.ID, c.Origin)
	if h := c.Hazard(); h != 0 {
		line += "  [" + h.String() + "]"
	}
	if c.Orphan {
		line += "  orphan"
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

func (p *Plan) detail(b *strings.Builder, c Change) {
	if c.Err != nil {
		fmt.Fprintf(b, "    %s\n", oneLine(p.Masked(c.Err).Error()))
	}
	for _, f := range p.Shown(c) {
		if strings.Contains(f.Have+f.Want, "\n") {
			writeLines(b, f)
			continue
		}
		fmt.Fprintf(b, "    %s: %q -> %q\n", f.Path, f.Have, f.Want)
	}
}

// writeLines shows which lines of a text go and come.
func writeLines(b *strings.Builder, f resource.Field) {
	fmt.Fprintf(b, "    %s:\n", f.Path)
	for _, l := range lineDiff(f.Have, f.Want) {
		fmt.Fprintf(b, "      %s\n", l)
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Summary counts the steps by action: "2 to make, 1 to change, 0 to remove, 3 to check, 0 unknown".
func (p *Plan) Summary() string {
	n := map[Action]int{}
	for _, s := range p.Steps {
		n[s.Action]++
	}
	return fmt.Sprintf("%d to make, %d to change, %d to remove, %d to check, %d unknown",
		n[Create], n[Update], n[Delete], n[Check], n[Wait])
}
