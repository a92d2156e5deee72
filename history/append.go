package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// Append writes a record; it is on disk when Append returns. What only repeats what was told last
// writes nothing, so that a quiet or held round leaves no trace. After an error the record does not
// count, and the caller must do nothing until an Append succeeds.
func (j *Journal) Append(e Entry) error {
	j.write.Lock()
	defer j.write.Unlock()
	if err := j.append(e); err != nil {
		return fmt.Errorf("append to journal %s: %w", e.Kind(), err)
	}
	return nil
}

func (j *Journal) append(e Entry) error {
	if err := j.writable(); err != nil {
		return err
	}
	e = e.bound()
	if j.state.repeats(e) {
		return nil
	}
	if err := j.state.admit(e, j.opts.Now()); err != nil {
		return err
	}
	if j.size > j.opts.MaxBytes {
		if err := j.rotate(); err != nil {
			return err
		}
	}
	r, e, err := j.row(e)
	if err != nil {
		return err
	}
	return j.put(r, e)
}

func (j *Journal) writable() error {
	switch {
	case j.stuck != nil:
		return j.stuck
	case j.tampered != nil:
		return j.tampered
	case j.lock == nil:
		return ErrReadOnly
	}
	return nil
}

// row is the next record, and its entry as it will be read again.
func (j *Journal) row(e Entry) (row, Entry, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return row{}, nil, err
	}
	if len(data) > maxLine-1<<10 {
		return row{}, nil, errLong
	}
	if e, err = decode(e.Kind(), data); err != nil {
		return row{}, nil, err
	}
	return row{seq: j.chain.seq + 1, time: j.opts.Now().UTC().Round(0), kind: e.Kind(), prev: j.chain.hash, data: data}, e, nil
}

// put writes the record and takes back what was written of it when that fails.
func (j *Journal) put(r row, e Entry) error {
	b := r.encode()
	if _, err := j.file.Write(b); err != nil {
		return j.undo(err)
	}
	if err := j.file.Sync(); err != nil {
		// What the kernel could not write it may now claim to have written.
		j.stuck = fmt.Errorf("until it is opened again: %w", err)
		return j.undo(err)
	}
	j.size += int64(len(b))
	j.learn(r, e)
	return nil
}

func (j *Journal) undo(err error) error {
	if terr := j.file.Truncate(j.size); terr != nil {
		j.stuck = fmt.Errorf("until it is opened again: %w", errors.Join(err, terr))
	}
	return err
}

// learn makes a record that is on disk part of the state.
func (j *Journal) learn(r row, e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.chain = chain{seq: r.seq, hash: r.hash}
	j.state.apply(r, e)
}

// nextFile is the new file while it is written; it gets its name when it is complete.
const nextFile = "next"

// rotate begins a new file with a checkpoint and removes the oldest.
func (j *Journal) rotate() error {
	r, e, err := j.row(j.state.checkpoint(j.opts.Now()))
	if err != nil {
		return err
	}
	b := r.encode()
	f, err := j.begin(b, fileName(r.seq))
	if err != nil {
		return err
	}
	if j.file != nil {
		j.file.Close() // every record of it was synced
	}
	j.file, j.size = f, int64(len(b))
	j.learn(r, e)
	if err := syncDir(j.root, "."); err != nil {
		j.stuck = fmt.Errorf("until it is opened again: %w", err)
		return err
	}
	return j.prune()
}

// begin makes a complete file with one line.
func (j *Journal) begin(line []byte, name string) (*os.File, error) {
	f, err := j.root.OpenFile(nextFile, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(line); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = j.root.Rename(nextFile, name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (j *Journal) prune() error {
	names, err := files(j.root)
	if err != nil {
		return err
	}
	for _, n := range names[:max(0, len(names)-j.opts.Keep)] {
		if err := j.root.Remove(n); err != nil {
			return err
		}
	}
	return nil
}
