package history

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// fileName names a file of the journal after the number of its first record, so that names sort as
// records do.
func fileName(seq uint64) string { return fmt.Sprintf("journal-%020d.jsonl", seq) }

// firstOf is the inverse of fileName.
func firstOf(name string) (uint64, bool) {
	digits := strings.TrimSuffix(strings.TrimPrefix(name, "journal-"), ".jsonl")
	seq, err := strconv.ParseUint(digits, 10, 64)
	return seq, err == nil && name == fileName(seq)
}

// files lists the files of the journal, the oldest first.
func files(root *os.Root) ([]string, error) {
	names, err := list(root, ".")
	return slices.DeleteFunc(names, func(n string) bool { _, ok := firstOf(n); return !ok }), err
}

func list(root *os.Root, dir string) ([]string, error) {
	d, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// syncDir makes what was created, renamed or removed in a directory last.
func syncDir(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// openAll opens every file of the journal, the oldest first. It starts over when the writer beside
// us removes one meanwhile.
func openAll(root *os.Root) ([]*os.File, error) {
	for range 10 {
		names, err := files(root)
		if err != nil {
			return nil, err
		}
		fs, err := openEach(root, names)
		if err == nil || !errors.Is(err, os.ErrNotExist) {
			return fs, err
		}
	}
	return nil, errors.New("the files of the journal change too fast")
}

func openEach(root *os.Root, names []string) ([]*os.File, error) {
	var fs []*os.File
	for _, n := range names {
		f, err := openFile(root, n)
		if err != nil {
			closeAll(fs)
			return nil, err
		}
		fs = append(fs, f)
	}
	return fs, nil
}

// openFile opens a regular file for reading; a pipe or a device by that name would never end.
func openFile(root *os.Root, name string) (*os.File, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("it is not a regular file")}
	}
	return root.Open(name)
}

func closeAll(fs []*os.File) {
	for _, f := range fs {
		f.Close() // it was only read
	}
}

var (
	errTorn = errors.New("it has no end")
	errLong = errors.New("it is too long")
)

// lines reads one line after the other in bounded memory.
type lines struct {
	r   *bufio.Reader
	buf []byte
	n   int   // of the line that was read last, from 1
	end int64 // where the complete lines end
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, 1<<16)} }

// next returns a line without its newline, good until the next call. After the last it is io.EOF, or
// errTorn with the rest when that has no newline.
func (l *lines) next() ([]byte, error) {
	l.buf = l.buf[:0]
	l.n++
	for {
		part, err := l.r.ReadSlice('\n')
		l.buf = append(l.buf, part...)
		switch {
		case len(l.buf) > maxLine:
			return nil, errLong
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(l.buf) > 0:
			return l.buf, errTorn
		case err != nil:
			return nil, err
		}
		l.end += int64(len(l.buf))
		return l.buf[:len(l.buf)-1], nil
	}
}
