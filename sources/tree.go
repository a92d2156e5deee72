package sources

import (
	"bytes"
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
)

// maxName is the longest name a file may have, as on every common file system.
const maxName = 255

// Blob is one regular file of a tree.
type Blob struct {
	Path string // slash-separated, relative to the root
	Size int64
	Read func() ([]byte, error) // may be called often and from many goroutines
}

// Tree is a read-only file system made of blobs. Directories exist because files are in them;
// nothing else exists: no links, no devices, no permissions to speak of.
type Tree struct{ nodes map[string]*node }

var (
	_ fs.ReadFileFS = (*Tree)(nil)
	_ fs.ReadDirFS  = (*Tree)(nil)
	_ fs.StatFS     = (*Tree)(nil)
)

// NewTree makes a tree of files; every file and directory in it is as old as when. A path that
// is not valid, is there twice or is both a file and a directory refuses the whole.
func NewTree(files []Blob, when time.Time) (*Tree, error) {
	t := &Tree{nodes: map[string]*node{".": {name: ".", dir: true, when: when}}}
	for _, file := range files {
		if err := CheckPath(file.Path); err != nil {
			return nil, err
		}
		if err := t.add(file, when); err != nil {
			return nil, err
		}
	}
	for _, n := range t.nodes {
		slices.SortFunc(n.children, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	}
	return t, nil
}

// CheckPath refuses a path that cannot be a name inside a revision: absolute, with an empty,
// "." or ".." part, with a backslash or a character that does not print, or too long.
func CheckPath(name string) error {
	if !fs.ValidPath(name) || name == "." || strings.ContainsFunc(name, badRune) {
		return Errorf(ErrRefused, "%q is not a name for a file of an inventory", shortened(name))
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxName {
			return Errorf(ErrRefused, "%q is too long: a name may have %d bytes", shortened(part), maxName)
		}
	}
	return nil
}

func badRune(r rune) bool { return r == '\\' || !unicode.IsPrint(r) }

func shortened(name string) string { return Clean(name, 120) }

// add puts file and the directories above it in their places.
func (t *Tree) add(file Blob, when time.Time) error {
	if t.nodes[file.Path] != nil {
		return Errorf(ErrRefused, "%s is in the tree twice", file.Path)
	}
	child := &node{name: path.Base(file.Path), size: file.Size, when: when, read: file.Read}
	t.nodes[file.Path] = child
	for name := file.Path; name != "."; {
		name = path.Dir(name)
		parent := t.nodes[name]
		if parent != nil {
			if !parent.dir {
				return Errorf(ErrRefused, "%s is both a file and a directory", name)
			}
			parent.children = append(parent.children, child)
			return nil
		}
		parent = &node{name: path.Base(name), dir: true, when: when, children: []fs.DirEntry{child}}
		t.nodes[name] = parent
		child = parent
	}
	return nil
}

func (t *Tree) find(op, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n := t.nodes[name]
	if n == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

// Open opens a file or directory; a file's content is read now, whole.
func (t *Tree) Open(name string) (fs.File, error) {
	n, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return &openDir{node: n, path: name}, nil
	}
	data, err := n.read()
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{Reader: bytes.NewReader(data), node: n}, nil
}

// ReadFile returns the content of a file; it is the caller's to change.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	n, err := t.find("read", name)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errIsDir}
	}
	data, err := n.read()
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return append(make([]byte, 0, len(data)), data...), nil
}

// ReadDir returns the entries of a directory, by name.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errNotDir}
	}
	return slices.Clone(n.children), nil
}

// Stat describes a file or directory without reading it.
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	n, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return n, nil
}
