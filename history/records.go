package history

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pigsync/pigsync/resource"
)

// Query says which records are wanted; the zero value wants all, the newest first.
type Query struct {
	Kinds  []Kind      // none means any
	ID     resource.ID // what was planned and done to this resource, and how it drifted or waited; zero means any record
	Since  time.Time   // at or after; zero means any
	Until  time.Time   // before; zero means any
	Limit  int         // at most so many; 0 means no limit
	Oldest bool        // the oldest first
}

// Records reads records from disk as they are asked for. A record that does not hold is given as an
// error with its place, and does not end the walk; whether the chain holds is for Verify to say.
func (j *Journal) Records(q Query) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		fs, err := openAll(j.root)
		if err != nil {
			yield(Record{}, fmt.Errorf("read journal %s: %w", j.root.Name(), err))
			return
		}
		defer closeAll(fs)
		if !q.Oldest {
			slices.Reverse(fs)
		}
		left := q.Limit
		for _, f := range fs {
			for r, err := range q.file(f) {
				if !yield(r, err) {
					return
				}
				if left--; err == nil && left == 0 {
					return
				}
			}
		}
	}
}

// file yields what is wanted of one file.
func (q Query) file(f *os.File) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		ends, err := lineEnds(f)
		if err != nil && !yield(Record{}, bad(filepath.Base(f.Name()), len(ends)+1, err)) {
			return
		}
		var buf []byte
		for k := range ends {
			if !q.Oldest {
				k = len(ends) - 1 - k
			}
			var r Record
			var want bool
			if buf, err = readLine(f, ends, k, buf); err == nil {
				r, want, err = q.pick(buf)
			}
			if err != nil {
				r, err = Record{}, bad(filepath.Base(f.Name()), k+1, err)
			}
			if (want || err != nil) && !yield(r, err) {
				return
			}
		}
	}
}

// pick decodes a line when it is wanted.
func (q Query) pick(line []byte) (Record, bool, error) {
	h, err := parse(line)
	if err != nil {
		return Record{}, false, err
	}
	if len(q.Kinds) > 0 && !slices.Contains(q.Kinds, h.kind) || h.time.Before(q.Since) ||
		!q.Until.IsZero() && !h.time.Before(q.Until) {
		return Record{}, false, nil
	}
	r, err := h.record()
	return r, err == nil && (q.ID == resource.ID{} || about(r.Entry, q.ID)), err
}

func about(e Entry, id resource.ID) bool {
	switch e := e.(type) {
	case Planned:
		return slices.ContainsFunc(e.Steps, func(s Step) bool { return s.ID == id })
	case Intent:
		return e.Step.ID == id
	case Result:
		return e.Step.ID == id
	case Drifted:
		began := slices.ContainsFunc(e.Began, func(d Drift) bool { return d.ID == id })
		return began || slices.Contains(e.Ended, id)
	case Restarts:
		waits := slices.ContainsFunc(e.Pending, func(p PendingRestart) bool { return p.ID == id })
		return waits || slices.Contains(e.Over, id)
	}
	return false
}

// maxLines is how many lines of a file are read; a good file has far fewer.
const maxLines = 1 << 22

// lineEnds finds where the complete lines of a file end; a last one without an end is being written.
func lineEnds(f *os.File) (ends []int64, err error) {
	for ls := newLines(f); len(ends) < maxLines; ends = append(ends, ls.end) {
		_, err := ls.next()
		if errors.Is(err, io.EOF) || errors.Is(err, errTorn) {
			return ends, nil
		}
		if err != nil {
			return ends, err
		}
	}
	return ends, errLong
}

func readLine(f *os.File, ends []int64, k int, buf []byte) ([]byte, error) {
	var from int64
	if k > 0 {
		from = ends[k-1]
	}
	n := int(ends[k] - from - 1)
	buf = slices.Grow(buf[:0], n)[:n]
	_, err := f.ReadAt(buf, from)
	return buf, err
}

// ErrNoPlan says that no plan with that digest is remembered.
var ErrNoPlan = errors.New("no such plan")

// Plan finds the newest plan with that digest, or fails with ErrNoPlan.
func (j *Journal) Plan(digest string) (Planned, error) {
	for r, err := range j.Records(Query{Kinds: []Kind{KindPlanned}}) {
		if err != nil {
			return Planned{}, err
		}
		if p, ok := r.Entry.(Planned); ok && p.Digest == digest {
			return p, nil
		}
	}
	return Planned{}, fmt.Errorf("plan %q: %w", digest, ErrNoPlan)
}
