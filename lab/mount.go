package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

const busyLimit = 5 * time.Second

// mountPoint is one line of a mountinfo file.
type mountPoint struct{ path, kind, options string }

// parseMounts reads a mountinfo file; see proc_pid_mountinfo(5).
func parseMounts(text string) []mountPoint {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var all []mountPoint
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		dash := slices.Index(fields, "-")
		if len(fields) < 5 || dash < 0 || dash+3 >= len(fields) {
			continue
		}
		all = append(all, mountPoint{path: unescape.Replace(fields[4]), kind: fields[dash+1], options: fields[dash+3]})
	}
	return all
}

// mountsBelow are the mounts at dir and below, the last one made first.
func mountsBelow(dir string) ([]string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, m := range parseMounts(string(text)) {
		if within(m.path, dir) {
			paths = append(paths, m.path)
		}
	}
	slices.Reverse(paths)
	return paths, nil
}

// unmountAll takes away every mount at path and below, and waits for a short use to end.
func unmountAll(ctx context.Context, path string) error {
	var last error
	err := await(ctx, busyLimit, "unmount of "+path, func() bool {
		paths, err := mountsBelow(path)
		last = err
		for _, p := range paths {
			if err := umount(p, false); err != nil && !errors.Is(err, syscall.EINVAL) {
				last = err
			}
		}
		return last == nil
	})
	if err != nil && last != nil {
		return last
	}
	return err
}

// removeTree deletes a directory and all below it, unless something is mounted there: that
// would be deleted, too.
func removeTree(dir string) error {
	paths, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	if len(paths) > 0 {
		return fmt.Errorf("remove %s: %s is mounted", dir, paths[0])
	}
	return os.RemoveAll(dir)
}

// holdMounts makes the lab's directory a mount that shares its own mounts. Every nspawn, and
// whatever else has a mount namespace, takes copies of all that is mounted; a disk that is
// unmounted here then goes there as well, instead of staying busy.
func (l *Lab) holdMounts(ctx context.Context) error {
	paths, err := mountsBelow(l.cfg.Dir)
	if err != nil || slices.Contains(paths, l.cfg.Dir) {
		return err
	}
	if _, err := run(ctx, "mount", "--bind", l.cfg.Dir, l.cfg.Dir); err != nil {
		return err
	}
	// Private first: else it stays in the peer group of the file system it is a part of.
	if _, err := run(ctx, "mount", "--make-private", l.cfg.Dir); err != nil {
		return err
	}
	_, err = run(ctx, "mount", "--make-shared", l.cfg.Dir)
	return err
}
