package node

import (
	"context"
	"errors"
	"strings"
	"syscall"

	"github.com/pigsync/pigsync/resource"
)

// block is a shared file, taken apart.
type block struct {
	text  string // what stands between our two lines
	found bool
	rest  string // all other lines, as they are when all of them are in force
	live  bool   // some of them are in force
	muted bool   // some of them are not
	owner *syscall.Stat_t
}

func opening(marker string) string {
	return "# " + marker + ": what stands down to the next such line is written by pigsync\n"
}
func closing(marker string) string { return "# " + marker + ": end\n" }
func mute(marker string) string    { return "# " + marker + " off: " }

// takeApart reads a shared file. A block without an end ends with the file.
func takeApart(text, marker string) block {
	var b block
	var ours, rest strings.Builder
	inside := false
	for line := range strings.Lines(text) {
		switch whole := strings.TrimRight(line, "\r\n") + "\n"; {
		case whole == opening(marker):
			inside, b.found = true, true
		case whole == closing(marker):
			inside = false
		case inside:
			ours.WriteString(line)
		default:
			rest.WriteString(b.other(line, marker))
		}
	}
	b.text, b.rest = ours.String(), rest.String()
	return b
}

// other gives a line of somebody else as it is in force.
func (b *block) other(line, marker string) string {
	if words, off := strings.CutPrefix(line, mute(marker)); off {
		b.muted = true
		return words
	}
	b.live = b.live || !comment(line)
	return line
}

// comment tells whether a line says nothing, in all of the files that have such blocks.
func comment(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || line[0] == '#' || line[0] == ';'
}

// putTogether writes the file anew, with the block at its top. What is muted begins with a comment, so
// that no line becomes another.
func putTogether(rest, marker, text string, alone bool) string {
	var b strings.Builder
	b.WriteString(opening(marker) + text + closing(marker))
	for line := range strings.Lines(rest) {
		if alone && !comment(line) {
			b.WriteString(mute(marker))
		}
		b.WriteString(line)
	}
	return b.String()
}

// withoutLines takes the lines out of a text that say what those of another say.
func withoutLines(rest, text string) string {
	var b strings.Builder
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for line := range strings.Lines(rest) {
		if comment(line) || !says(line, lines) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func (v *view) seeBlock(name string) (resource.Spec, error) {
	b, err := v.block(name)
	if err != nil || !b.found {
		return nil, err
	}
	a, err := v.accounts()
	if err != nil {
		return nil, err
	}
	owner, group := a.names(b.owner.Uid, b.owner.Gid)
	return resource.Block{Text: b.text, Live: b.live, Muted: b.muted, Mode: b.owner.Mode & permissions, Owner: owner, Group: group}, nil
}

func (v *view) block(name string) (b block, err error) {
	path, marker, err := linesOf(name)
	if err != nil {
		return b, err
	}
	s, info, err := v.stat(path)
	if err != nil || info == nil {
		return b, err
	}
	text, err := s.read(info, maxSmall)
	b = takeApart(string(text), marker)
	b.owner = sysStat(info)
	return b, err
}

var errBlock = errors.New("a block is of whole lines, and none of them is its mark")

func (w *work) makeBlock(_ context.Context, want resource.Block, _ resource.Spec) error {
	return w.setBlock(w.id.Name, &want)
}

func (w *work) removeBlock(context.Context) error { return w.setBlock(w.id.Name, nil) }

// setBlock keeps mode and owner of the file; nil takes the block out.
func (w *work) setBlock(name string, want *resource.Block) error {
	path, marker, err := linesOf(name)
	if err != nil {
		return err
	}
	s, err := w.place(path)
	if err != nil {
		return err
	}
	text, err := textAt(s)
	if err != nil {
		return err
	}
	rest := takeApart(text, marker).rest
	if want != nil {
		if again := takeApart(putTogether("", marker, want.Text, false), marker); again.text != want.Text || again.rest != "" {
			return errBlock
		}
		if want.Adopt {
			rest = withoutLines(rest, want.Text)
		}
		rest = putTogether(rest, marker, want.Text, want.Alone)
	}
	var file resource.Block
	if want != nil {
		file = *want
	}
	d, err := w.draft(s, []byte(rest), file.Mode, file.Owner, file.Group)
	if err != nil {
		return err
	}
	if d.mode == 0 {
		d.mode = defaultMode(false)
	}
	return w.write(s, d)
}
