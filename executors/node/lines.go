package node

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

func (v *view) seeLines(name string) (resource.Spec, error) {
	path, marker, err := linesOf(name)
	if err != nil {
		return nil, err
	}
	s, info, err := v.stat(path)
	if err != nil || info == nil {
		return nil, err
	}
	b, err := s.read(info, maxSmall)
	if err != nil {
		return nil, err
	}
	lines := marked(string(b), marker)
	if lines == nil {
		return nil, nil
	}
	return resource.Lines{Lines: lines}, nil
}

func linesOf(name string) (path, marker string, err error) {
	path, marker, _ = strings.Cut(name, "#")
	if marker == "" || strings.TrimSpace(marker) != marker || strings.ContainsAny(marker, "\n\r#\x00") {
		return "", "", errors.New("the name is no path and marker")
	}
	return path, marker, nil
}

// marked gives the marked lines of a text without their marker.
func marked(text, marker string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if words, ok := unmark(line, marker); ok {
			lines = append(lines, words)
		}
	}
	return lines
}

func unmark(line, marker string) (words string, ok bool) {
	words, ok = strings.CutSuffix(strings.TrimSpace(line), "# "+marker)
	return strings.TrimSpace(words), ok
}

// remark replaces the marked lines of a text: the new ones come where the first old one was, or at
// the end. Every other byte stays, but for lines that say the same without a marker when those are
// adopted.
func remark(text, marker string, lines []string, adopt bool) string {
	var before, after strings.Builder
	out := &before
	found := false
	for line := range strings.Lines(text) {
		_, ours := unmark(line, marker)
		if ours || adopt && says(line, lines) {
			found, out = true, &after
			continue
		}
		out.WriteString(line)
	}
	head := before.String()
	if len(lines) == 0 {
		return head + after.String()
	}
	if head != "" && !strings.HasSuffix(head, "\n") {
		head += "\n"
	}
	var block strings.Builder
	for _, line := range lines {
		block.WriteString(strings.TrimLeft(line+" # "+marker+"\n", " "))
	}
	if !found {
		return head + block.String()
	}
	return head + block.String() + after.String()
}

// says tells whether a line is one of the wanted ones, but for its spaces.
func says(line string, lines []string) bool {
	words := strings.Fields(line)
	return slices.ContainsFunc(lines, func(l string) bool { return slices.Equal(strings.Fields(l), words) })
}

var errNoLine = errors.New("a line may hold no line break, no marker and no space at its ends")

// removeLines leaves what others wrote into the file.
func (w *work) removeLines(ctx context.Context) error { return w.setLines(ctx, resource.Lines{}, nil) }

// setLines keeps mode and owner of the file.
func (w *work) setLines(_ context.Context, want resource.Lines, _ resource.Spec) error {
	path, marker, err := linesOf(w.id.Name)
	if err != nil {
		return err
	}
	for _, line := range want.Lines {
		if strings.ContainsAny(line, "\n\r\x00") || strings.TrimSpace(line) != line {
			return errNoLine
		}
	}
	s, err := w.place(path)
	if err != nil {
		return err
	}
	text, err := textAt(s)
	if err != nil {
		return err
	}
	d, err := w.draft(s, []byte(remark(text, marker, want.Lines, want.Adopt)), 0, "", "")
	if err != nil {
		return err
	}
	if d.mode == 0 {
		d.mode = defaultMode(false)
	}
	return w.write(s, d)
}

func textAt(s spot) (string, error) {
	info, err := s.lstat()
	if err != nil || info == nil {
		return "", err
	}
	b, err := s.read(info, maxSmall)
	return string(b), err
}
