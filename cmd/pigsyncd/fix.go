package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/pigsync/pigsync/inventory"
)

// rewrite is a file of an inventory and what it becomes.
type rewrite struct {
	file     string // in the tree
	old, new []byte
	done     []inventory.Outdated
	left     []inventory.Left
}

// fix writes old names and shapes as v4 wants them, or shows the difference. What it writes has
// been read again before: the meaning is the same for every host, or nothing is written.
func fix(ctx context.Context, o *options, path string, dryRun bool) error {
	rev, file, err := openDir(ctx, path)
	if err != nil {
		return err
	}
	before, _, err := inventory.Load(rev.Tree, file)
	if err != nil {
		return unreadable(err, path, file)
	}
	rewrites, err := modernize(rev.Tree, before)
	if err != nil {
		return err
	}
	after, problems, err := inventory.Load(over(rev.Tree, rewrites), file)
	if err != nil {
		return fmt.Errorf("nothing is written, since it could not be read again: %w", err)
	}
	if err := inventory.SameMeaning(before, after); err != nil {
		return hinted{fmt.Errorf("nothing is written, since the meaning would change: %w", err), "edit the lines that pigsync check shows by hand"}
	}
	for _, r := range rewrites {
		if err := r.carryOut(o, under(path, file, r.file), dryRun); err != nil {
			return err
		}
	}
	return tellRest(o, path, file, rewrites, problems, dryRun)
}

// modernize rewrites every file in which something is outdated, in memory.
func modernize(tree fs.FS, inv *inventory.Inventory) ([]rewrite, error) {
	files := []string{inv.File()}
	for _, o := range inv.Outdated() {
		files = append(files, o.Pos.Filename)
	}
	slices.Sort(files)
	var all []rewrite
	for _, file := range slices.Compact(files) {
		text, err := fs.ReadFile(tree, file)
		if err != nil {
			return nil, err
		}
		r := rewrite{file: file, old: text}
		r.new, r.done, r.left = inventory.Modernize(inv, file, text)
		all = append(all, r)
	}
	return all, nil
}

// carryOut shows or writes one file.
func (r rewrite) carryOut(o *options, path string, dryRun bool) error {
	if bytes.Equal(r.old, r.new) {
		return nil
	}
	if dryRun {
		shown := diff.Diff(path, r.old, path, r.new)
		_, unified, _ := bytes.Cut(shown, []byte("\n")) // without the line that diff -r would print
		_, err := o.stdout.Write(unified)
		return err
	}
	if err := replaceFile(path, r.old, r.new); err != nil {
		return err
	}
	for _, d := range r.done {
		d.Pos.Filename = path
		fmt.Fprintf(o.stdout, "%s: %s\n", d.Pos, d.What)
	}
	return nil
}

// tellRest says what is left to a human, and why. A dry run shows only the difference, but for
// what would be refused.
func tellRest(o *options, path, file string, rewrites []rewrite, problems []inventory.Problem, dryRun bool) error {
	for _, r := range rewrites {
		for _, l := range r.left {
			l.Pos.Filename = under(path, file, r.file)
			fmt.Fprintf(o.stderr, "%s: left as it is: %v\n", l.Pos, l.Err)
		}
	}
	if dryRun {
		return nil
	}
	rest := slices.DeleteFunc(problems, func(p inventory.Problem) bool { return !isLegacy(p.Code) })
	if len(rest) > 0 {
		fmt.Fprintln(o.stdout, "left to you:")
	}
	if err := printProblems(o, o.stdout, underPath(rest, path, file)); err != nil {
		return err
	}
	if inventory.HasErrors(rest) {
		return exit(exitError)
	}
	return nil
}

// isLegacy reports whether a code is about inventories of older releases.
func isLegacy(code string) bool { return code >= "INV060" && code < "INV090" }

// replaceFile puts a new text in the place of an old one in one step, with its mode and owner. A
// symbolic link is followed, but not out of the directory that it is in.
func replaceFile(path string, old, text []byte) error {
	target, err := inside(path)
	if err != nil {
		return err
	}
	found, err := os.ReadFile(target)
	if err != nil {
		return err
	}
	if !bytes.Equal(found, old) {
		return hinted{fmt.Errorf("%s has just been changed by somebody else", path), "run the command again"}
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil {
		return err
	}
	if err := fill(next, info, text); err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	if err := os.Rename(next.Name(), target); err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	return syncDir(filepath.Dir(target))
}

// inside follows links to a file, as long as they stay in its directory.
func inside(path string) (string, error) {
	home, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	if rel, err := filepath.Rel(home, target); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", hinted{fmt.Errorf("%s is a link to %s, outside of its directory: it is not written to", path, target), "name that file itself"}
	}
	return target, nil
}

// fill writes the text, and makes the file one like the file it replaces.
func fill(f *os.File, like fs.FileInfo, text []byte) error {
	_, err := f.Write(text)
	return errors.Join(err, chownLike(f, like), f.Chmod(like.Mode().Perm()), f.Sync(), f.Close())
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// overlay is a tree in which some files have another text.
type overlay struct {
	fs.FS
	files map[string][]byte
}

func over(tree fs.FS, rewrites []rewrite) overlay {
	files := map[string][]byte{}
	for _, r := range rewrites {
		files[r.file] = r.new
	}
	return overlay{tree, files}
}

// Open opens a file of the tree, with its new text if it has one.
func (o overlay) Open(name string) (fs.File, error) {
	f, err := o.FS.Open(name)
	text, changed := o.files[name]
	if err != nil || !changed {
		return f, err
	}
	return &textFile{f, bytes.NewReader(text)}, nil
}

type textFile struct {
	fs.File
	text io.Reader
}

func (f *textFile) Read(p []byte) (int, error) { return f.text.Read(p) }
