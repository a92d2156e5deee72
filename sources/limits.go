package sources

import "strings"

// Limits bounds what a revision may hold. A zero field means its default; the defaults are
// far above any inventory and far below what would hurt the machine.
type Limits struct {
	File    int64 // bytes in one file; 0 means 4 MiB
	Total   int64 // bytes in all files together; 0 means 64 MiB
	Entries int   // files and directories; 0 means 20,000
	Depth   int   // names in a path; 0 means 32
}

// Filled is l with its defaults filled in.
func (l Limits) Filled() Limits {
	if l.File <= 0 {
		l.File = 4 << 20
	}
	if l.Total <= 0 {
		l.Total = 64 << 20
	}
	if l.Entries <= 0 {
		l.Entries = 20_000
	}
	if l.Depth <= 0 {
		l.Depth = 32
	}
	return l
}

// Tally counts what a walk over a tree has met and refuses what goes past the limits. Paths
// are slash-separated and relative to the root of the revision.
type Tally struct {
	limits  Limits
	entries int
	total   int64
}

// Tally starts counting from nothing.
func (l Limits) Tally() *Tally { return &Tally{limits: l.Filled()} }

// Dir counts a directory, before it is walked into.
func (t *Tally) Dir(path string) error {
	if err := CheckPath(path); err != nil {
		return err
	}
	if depth := strings.Count(path, "/") + 1; depth > t.limits.Depth {
		return Errorf(ErrRefused, "%s is %d directories deep: at most %d are allowed", path, depth, t.limits.Depth)
	}
	if t.entries++; t.entries > t.limits.Entries {
		return Errorf(ErrRefused, "%s is one entry too many: at most %d files and directories are allowed", path, t.limits.Entries)
	}
	return nil
}

// File counts a file of size bytes, before it is read.
func (t *Tally) File(path string, size int64) error {
	if err := t.Dir(path); err != nil {
		return err
	}
	if size > t.limits.File {
		return Errorf(ErrRefused, "%s is too big: %d bytes, at most %d are allowed in a file", path, size, t.limits.File)
	}
	if t.total += size; t.total > t.limits.Total {
		return Errorf(ErrRefused, "%s is too much: all files together may have %d bytes", path, t.limits.Total)
	}
	return nil
}
