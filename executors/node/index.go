package node

import (
	"bytes"
	"errors"
	"path"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"
)

// listsDir is where apt keeps the indexes it has fetched.
const listsDir = "/var/lib/apt/lists"

// keepIndex makes what was fetched outlast a power cut, which apt does not: only then may a stamp say
// that it is there.
func (w *work) keepIndex() error {
	dir, err := w.open(listsDir)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	f, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer shut(f)
	return unix.Syncfs(int(f.Fd()))
}

// damaged finds the indexes that apt cannot read: a power cut may leave files of the right time and size
// with nothing in them, and apt never fetches those again by itself.
var damaged = regexp.MustCompile(`Unable to parse package file (/var/lib/apt/lists/[^/\s]+)|Encountered a section with no Package: header|could not be parsed or opened`)

// forgetIndex drops the indexes that apt complains about, and what says that any was fetched, so that
// they are fetched anew. It tells whether there was something to drop.
func (w *work) forgetIndex(out []byte) (bool, error) {
	found := damaged.FindAllSubmatch(out, -1)
	if len(found) == 0 {
		return false, nil
	}
	var errs []error
	for _, m := range found {
		if len(m[1]) > 0 {
			errs = append(errs, w.forget(path.Clean(string(m[1]))))
		}
	}
	return true, errors.Join(append(errs, w.dropStamps("repo"))...)
}

// dropStamps drops all stamps of a kind.
func (w *work) dropStamps(kind string) error {
	dir, err := w.state("stamps")
	if err != nil {
		return err
	}
	names, err := namesIn(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, kind+"-") {
			if err := dir.Remove(name); err != nil && !absent(err) {
				return err
			}
		}
	}
	return nil
}

// complained joins an error of apt with what it takes to overcome it in the next round.
func (w *work) complained(out []byte, err error) error {
	if err == nil {
		return nil
	}
	_, drop := w.forgetIndex(out)
	return errors.Join(err, drop)
}

// complains tells whether apt says that something could not be fetched. Other warnings, as those
// about a weak key, do not make an index incomplete.
func complains(out []byte) bool {
	for line := range bytes.Lines(out) {
		if bytes.HasPrefix(line, []byte("E: ")) || bytes.HasPrefix(line, []byte("Err:")) ||
			bytes.Contains(line, []byte("Failed to fetch")) || bytes.Contains(line, []byte("failed to download")) {
			return true
		}
	}
	return false
}
