package history

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// Options are how a journal is kept. The zero value is good.
type Options struct {
	MaxBytes int64            // a file longer than this is followed by a new one; 0 means 16 MiB
	Keep     int              // how many files; 0 means 8, and 2 is the least
	Events   int              // how many results Past remembers; 0 means 100,000
	Now      func() time.Time // nil means time.Now
}

func (o Options) filled() Options {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 16 << 20
	}
	if o.Keep == 0 {
		o.Keep = 8
	}
	o.Keep = max(o.Keep, 2)
	if o.Events <= 0 {
		o.Events = 100_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Journal is the memory of one inventory. It may be used by many goroutines.
type Journal struct {
	root     *os.Root
	opts     Options
	lock     *os.File // nil when it is only read
	tampered error
	torn     int64

	collecting sync.Mutex // held while the inbox is emptied

	write sync.Mutex // held while a record is made durable; guards what follows
	file  *os.File   // the newest
	size  int64      // of its complete lines
	stuck error      // why nothing can be written until the journal is opened again

	mu    sync.RWMutex // guards what follows; it changes only while write is held, too
	chain chain
	state state
}

// Errors of a journal that cannot be used as asked.
var (
	ErrLocked   = errors.New("another process writes this journal")
	ErrReadOnly = errors.New("the journal was opened for reading")
)

// Open opens the journal in dir for writing, making both when there is none. It fails with ErrLocked
// when another process has done so, and when others may write to dir. A broken chain is no error here:
// see Tampered.
func Open(dir string, opts Options) (*Journal, error) {
	root, err := private(dir)
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	j := newJournal(root, opts)
	if err := j.own(); err != nil {
		j.Close()
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	return j, nil
}

// own makes the journal ours to write.
func (j *Journal) own() (err error) {
	if j.lock, err = lock(j.root); err != nil {
		return err
	}
	if err = ensure(j.root, inboxDir); err != nil {
		return err
	}
	if j.torn, err = heal(j.root); err != nil {
		return err
	}
	e, err := j.replay()
	if err != nil || j.tampered != nil {
		return err
	}
	return j.resume(e)
}

// OpenReadOnly reads the journal in dir as it is now, beside whoever writes it. It takes no lock and
// changes nothing. It fails with fs.ErrNotExist when there is no such directory.
func OpenReadOnly(dir string, opts Options) (*Journal, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := newJournal(root, opts)
	if _, err := j.replay(); err != nil {
		j.Close()
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	return j, nil
}

func newJournal(root *os.Root, opts Options) *Journal {
	j := &Journal{root: root, opts: opts.filled()}
	j.state.trail = newTrail(j.opts.Events)
	return j
}

// Close lets others write the journal.
func (j *Journal) Close() error {
	j.write.Lock()
	defer j.write.Unlock()
	errs := []error{j.root.Close()}
	for _, f := range []*os.File{j.file, j.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	j.file, j.lock, j.stuck = nil, nil, os.ErrClosed
	return errors.Join(errs...)
}

// replay derives the state from the files; a chain that breaks sets tampered.
func (j *Journal) replay() (end, error) {
	fs, err := openAll(j.root)
	if err != nil {
		return end{}, err
	}
	defer closeAll(fs)
	e, err := walk(fs, &j.chain, j.recall)
	if errors.Is(err, ErrTampered) {
		j.tampered, err = err, nil
	}
	return e, err
}

// recall applies a record. A plan is long and is decoded only when it is asked for.
func (j *Journal) recall(r row) (err error) {
	var e Entry = Planned{}
	if r.kind != KindPlanned {
		if e, err = decode(r.kind, r.data); err != nil {
			return err
		}
	}
	j.state.apply(r, e)
	return nil
}

// resume goes on at the end of the newest file, or begins the first.
func (j *Journal) resume(e end) (err error) {
	if e.name == "" {
		j.chain.hash = nothing
		return j.rotate()
	}
	j.size = e.size
	j.file, err = j.root.OpenFile(e.name, os.O_WRONLY|os.O_APPEND, 0)
	return err
}

// Tampered is why the chain does not hold, nil when it does. Such a journal is read up to the break
// and never written: move its directory away to begin a new one.
func (j *Journal) Tampered() error { return j.tampered }

// Torn is how many bytes of a last line without an end were set aside by Open, in the file "torn".
func (j *Journal) Torn() int64 { return j.torn }

// Head names the newest record. Kept elsewhere, it proves that no newer records were cut off.
func (j *Journal) Head() (seq uint64, hash string) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.chain.seq, j.chain.hash
}

// LastConverged is the revision that converged last.
func (j *Journal) LastConverged() (revision string, ok bool) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.state.Converged, j.state.Converged != ""
}

// Settled tells whether all that a revision asks for was seen to be true, but for what somebody left behind
// who left the inventory, and no other was attempted since: what differs now is drift.
func (j *Journal) Settled(revision string) bool {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.state.settled(revision)
}

// Attempted is the revision that converged last, if any, and those that were attempted since, the
// oldest first: whatever pigsync may have made and not taken away. Of very many it is the newest
// 1,000; what older ones made is then left where it is.
func (j *Journal) Attempted() []string {
	j.mu.RLock()
	defer j.mu.RUnlock()
	var out []string
	if j.state.Converged != "" {
		out = append(out, j.state.Converged)
	}
	return append(out, j.state.Attempted...)
}

// Past is what was done to a resource from that time on, the oldest first, as far as it is among the
// newest results (Options.Events). It fits policies.Case.
func (j *Journal) Past(id resource.ID, since time.Time) []policies.Event {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.state.trail.since(id, since)
}

// Approvals are those that count now, without the steps that have been done since. It is the newest
// 100 at most.
func (j *Journal) Approvals(now time.Time) []policies.Approval {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.state.liveApprovals(now)
}

// Holds are those that count now.
func (j *Journal) Holds(now time.Time) []policies.HoldOrder {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.state.liveHolds(now)
}

// Unfinished are the steps that were begun and have no result: under way, or interrupted when the
// daemon died. It is for people; the next round looks for itself.
func (j *Journal) Unfinished() []Intent {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return append([]Intent(nil), j.state.Unfinished...)
}
