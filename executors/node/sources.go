package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// asideEnd is what a source file is called after when it is set aside. Neither apt nor dnf reads such
// files, and apt does not even remark on them; without the ending they are what they were.
const asideEnd = ".pigsync.disabled"

func (v *view) seeSources() (resource.Spec, error) {
	m, err := v.manager()
	if err != nil {
		return nil, err
	}
	var s resource.Sources
	for _, pattern := range m.sources {
		if err := v.seeSourceFiles(pattern, &s); err != nil {
			return nil, err
		}
	}
	slices.Sort(s.Active)
	slices.Sort(s.Aside)
	return s, nil
}

// seeSourceFiles sorts the files of a pattern by whether they are in use. One that names nothing is not.
func (v *view) seeSourceFiles(pattern string, into *resource.Sources) error {
	dir, err := v.open(path.Dir(pattern))
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	names, err := namesIn(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		file := path.Join(path.Dir(pattern), name)
		if original, ok := strings.CutSuffix(file, asideEnd); ok && matches(pattern, original) {
			into.Aside = append(into.Aside, original)
		}
		if !matches(pattern, file) {
			continue
		}
		says, err := v.namesSources(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if says {
			into.Active = append(into.Active, file)
		}
	}
	return nil
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// namesSources tells whether a file says anything but comments.
func (v *view) namesSources(file string) (bool, error) {
	text, err := v.small(file)
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return true, nil
		}
	}
	return false, nil
}

// makeSources sets the files of others aside.
func (w *work) makeSources(_ context.Context, want resource.Sources, have resource.Spec) error {
	h, _ := have.(resource.Sources)
	var errs []error
	for _, file := range h.Others(want.Files) {
		errs = append(errs, w.setAside(file))
	}
	return errors.Join(errs...)
}

// removeSources gives back what is aside.
func (w *work) removeSources(ctx context.Context, _, have resource.Spec) error {
	h, _ := have.(resource.Sources)
	var errs []error
	for _, file := range h.Aside {
		errs = append(errs, w.giveBack(ctx, file))
	}
	return errors.Join(errs...)
}

// setAside renames a file. When another version of it is aside already, both are somebody's: which one
// counts is for a person to say.
func (w *work) setAside(file string) error {
	from, info, err := w.stat(file)
	if err != nil || info == nil {
		return err
	}
	to, taken, err := w.stat(file + asideEnd)
	if err != nil {
		return err
	}
	if taken != nil {
		same, err := sameText(from, to)
		if err != nil || !same {
			return errors.Join(err, fmt.Errorf("%s is aside already, as %s, and says something else: remove one of them", file, to.name))
		}
	}
	if err := from.dir.Rename(from.name, to.name); err != nil {
		return err
	}
	return syncDir(from.dir)
}

func sameText(a, b spot) (bool, error) {
	one, err := textAt(a)
	if err != nil {
		return false, err
	}
	other, err := textAt(b)
	return one == other, err
}

// giveBack renames the file to what it was, unless there is one of that name again. That its index can
// be fetched is not our affair any more.
func (w *work) giveBack(ctx context.Context, file string) error {
	to, taken, err := w.stat(file)
	if err != nil {
		return err
	}
	from := spot{dir: to.dir, name: to.name + asideEnd, path: file + asideEnd}
	if taken != nil {
		same, err := sameText(from, to)
		if err != nil || !same {
			return errors.Join(err, fmt.Errorf("%s is there again, beside the one that was set aside as %s: remove one of them", file, from.name))
		}
	}
	if err := from.dir.Rename(from.name, to.name); err != nil {
		return err
	}
	w.log.InfoContext(ctx, "given back", slog.String("file", file))
	return syncDir(to.dir)
}
