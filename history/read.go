package history

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrTampered says that the chain is broken: a byte was changed, or a record or a file is missing
// in the middle. The text names the first bad record, file:line.
var ErrTampered = errors.New("broken chain")

// bad names the place of a record that does not hold.
func bad(file string, line int, err error) error {
	return fmt.Errorf("%w: %s:%d: %w", ErrTampered, file, line, err)
}

// end is where the newest file was found to end.
type end struct {
	name string // "" when there is no file
	size int64  // of its complete lines
	torn int    // the line after them that has no end, 0 for none
}

// walk gives visit every record of the files, the oldest first, as long as the chain holds.
func walk(fs []*os.File, c *chain, visit func(row) error) (e end, err error) {
	for i, f := range fs {
		if e, err = walkFile(f, i == len(fs)-1, c, visit); err != nil {
			return e, err
		}
	}
	return e, nil
}

// walkFile forgives a line without an end in the newest file alone.
func walkFile(f *os.File, newest bool, c *chain, visit func(row) error) (end, error) {
	name, ls := filepath.Base(f.Name()), newLines(f)
	e := end{name: name}
	for {
		line, err := ls.next()
		switch {
		case errors.Is(err, io.EOF):
			return e, nil
		case errors.Is(err, errTorn) && newest:
			e.torn = ls.n
			return e, nil
		case errors.Is(err, errTorn), errors.Is(err, errLong):
			return e, bad(name, ls.n, err)
		case err != nil:
			return e, err
		}
		if err := take(name, ls.n, line, c, visit); err != nil {
			return e, bad(name, ls.n, err)
		}
		e.size = ls.end
	}
}

// take checks one line and gives it to visit.
func take(name string, n int, line []byte, c *chain, visit func(row) error) error {
	r, err := parse(line)
	if err != nil {
		return err
	}
	if first, _ := firstOf(name); n == 1 && (r.kind != KindCheckpoint || r.seq != first) {
		return errors.New("its file begins with another record")
	}
	if err := c.follow(r); err != nil {
		return err
	}
	return visit(r)
}
