package history

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// inboxDir is where other processes leave their decisions: a directory of the daemon's user alone.
const inboxDir = "inbox"

// maxInbox is how many decisions may wait.
const maxInbox = 1000

// decisionExt ends the names of complete decisions; the rest of the name is the id.
const decisionExt = ".json"

// Submit leaves a decision for the process that writes the journal in dir and returns the decision's
// id. It is taken whole or not at all, in the order of now. What root submits belongs to the owner of
// the inbox. Only Open makes the inbox: without it no daemon has run here.
func Submit(dir string, now time.Time, d Decision) (id string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("submit a decision: %w", err)
	}
	defer root.Close()
	if id, err = submit(root, now, d); err != nil {
		return "", fmt.Errorf("submit a decision to %s: %w", dir, err)
	}
	return id, nil
}

func submit(root *os.Root, now time.Time, d Decision) (string, error) {
	b, err := d.encode()
	if err != nil {
		return "", err
	}
	if err := alone(root, inboxDir); err != nil {
		return "", err
	}
	waiting, err := list(root, inboxDir)
	if err != nil {
		return "", err
	}
	if len(waiting) >= maxInbox {
		return "", errors.New("too many decisions wait: does the daemon run?")
	}
	id := fmt.Sprintf("%020d-%s", max(0, now.UnixNano()), strings.ToLower(rand.Text()))
	return id, deliver(root, path.Join(inboxDir, id), b)
}

// deliver makes the file appear complete.
func deliver(root *os.Root, name string, b []byte) (err error) {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			root.Remove(name)
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = giveTo(root, inboxDir, name); err != nil {
		return err
	}
	if err = root.Rename(name, name+decisionExt); err != nil {
		return err
	}
	return syncDir(root, inboxDir)
}

// Collect moves the waiting decisions into the journal, the oldest first, and returns those that are
// new. A decision counts once, even when a crash comes between the journal and the inbox. One that
// cannot be read is removed and part of the error; the others are taken all the same. When the journal
// cannot be written the decisions stay.
func (j *Journal) Collect() ([]Decision, error) {
	j.collecting.Lock()
	defer j.collecting.Unlock()
	if err := alone(j.root, inboxDir); err != nil {
		return nil, fmt.Errorf("collect decisions: %w", err)
	}
	names, err := list(j.root, inboxDir)
	if err != nil {
		return nil, fmt.Errorf("collect decisions: %w", err)
	}
	var taken []Decision
	var errs []error
	for _, n := range names {
		id, ok := strings.CutSuffix(n, decisionExt)
		if !ok {
			continue
		}
		d, fresh, err := j.collect(id, path.Join(inboxDir, n))
		if fresh {
			taken = append(taken, d)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("collect decision %s: %w", id, err))
		}
	}
	return taken, errors.Join(errs...)
}

// Decide journals a decision that was made through this process, without the inbox.
func (j *Journal) Decide(d Decision) error {
	if _, err := d.encode(); err != nil {
		return err
	}
	return j.Append(d.entry())
}

// collect journals first and removes then.
func (j *Journal) collect(id, name string) (d Decision, fresh bool, err error) {
	if !j.decided(id) {
		d, err = readDecision(j.root, id, name)
		if errors.Is(err, ErrDecision) {
			return d, false, errors.Join(err, j.root.Remove(name))
		}
		if err == nil {
			err = j.Append(d.entry())
		}
		if err != nil {
			return d, false, err
		}
		fresh = true
	}
	return d, fresh, j.root.Remove(name)
}

func (j *Journal) decided(id string) bool {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return slices.Contains(j.state.decisions, id)
}

func readDecision(root *os.Root, id, name string) (Decision, error) {
	f, err := openFile(root, name)
	if err != nil {
		return Decision{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxDecision+1))
	if err != nil {
		return Decision{}, err
	}
	if len(b) > maxDecision {
		return Decision{}, badDecision("it has more than %d bytes", maxDecision)
	}
	return decodeDecision(id, b)
}
