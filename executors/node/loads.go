package node

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pigsync/pigsync/resource"
)

// What a unit has read: the stamp says it of a process that we started, the times and contents of the
// files of any other.

// inputs tells what the running process was started with, and whether the stamp is about this very
// process. Of one that somebody else started it is known only while the files are those of the stamp
// and older than the process.
func (v *view) inputs(stamp unitStamp, s UnitState) (inputs string, noted bool, err error) {
	if stamp.Invocation != "" && stamp.Invocation == s.Invocation {
		return stamp.Inputs, true, nil
	}
	read, err := v.readAll(stamp, s, false)
	if err != nil || !read || stamp.Inputs == "" {
		return "", false, err
	}
	return stamp.Inputs, false, nil
}

// conf tells the same of what a reload reads again. A directory that has got or lost a file since is
// another configuration, and a file that was written anew may have been read while it was another.
func (v *view) conf(stamp unitStamp, s UnitState) (string, error) {
	if stamp.Invocation != "" && stamp.Invocation == s.Invocation {
		same, err := v.sameDirs(stamp)
		if err == nil && same {
			same, err = v.unwritten(stamp)
		}
		if err != nil || !same {
			return "", err
		}
		return stamp.Conf, nil
	}
	read, err := v.readAll(stamp, s, true)
	if err != nil || !read {
		return "", err
	}
	return stamp.Conf, nil
}

// readAll tells whether a process that somebody else started has read the files of the stamp, those
// behind Conf or the others, as the stamp has them.
func (v *view) readAll(stamp unitStamp, s UnitState, conf bool) (bool, error) {
	if s.Started.Before(stamp.Since) {
		return false, nil
	}
	for _, load := range stamp.Loads {
		if load.Conf != conf {
			continue
		}
		if read, err := v.hasRead(load, s.Started); err != nil || !read {
			return false, err
		}
	}
	return true, nil
}

// hasRead tells whether a process started then has read a file as the stamp has it.
func (v *view) hasRead(load loaded, started time.Time) (bool, error) {
	_, info, err := v.stat(load.Path)
	if err != nil {
		return false, err
	}
	if info != nil {
		st := sysStat(info)
		changed := time.Unix(st.Ctim.Unix())
		if changed.Add(tick).After(started) {
			return false, nil
		}
	}
	sum, err := v.loadSum(load.Load)
	return sum == load.Sum, err
}

// sameDirs tells whether the directories of a stamp hold what they held when it was written.
func (v *view) sameDirs(stamp unitStamp) (bool, error) {
	for _, load := range stamp.Loads {
		if load.Files == "" {
			continue
		}
		if sum, err := v.loadSum(load.Load); err != nil || sum != load.Sum {
			return false, err
		}
	}
	return true, nil
}

// unwritten tells whether nothing behind Conf was written since the stamp was.
func (v *view) unwritten(stamp unitStamp) (bool, error) {
	for _, load := range stamp.Loads {
		if load.Written.IsZero() {
			continue // there was nothing, or the stamp is of a time when this was not noted
		}
		if written, err := v.written(load.Load); err != nil || !written.Equal(load.Written) {
			return false, err
		}
	}
	return true, nil
}

// written is when a file behind Conf was last written, or the newest file of a directory; zero when there
// is none.
func (v *view) written(load resource.Load) (last time.Time, err error) {
	if !load.Conf {
		return time.Time{}, nil
	}
	names := []string{load.Path}
	if load.Files != "" {
		if names, err = v.filesOf(load); err != nil {
			return time.Time{}, err
		}
	}
	for _, name := range names {
		_, info, err := v.stat(name)
		if err != nil {
			return time.Time{}, err
		}
		if info != nil && info.ModTime().After(last) {
			last = info.ModTime().UTC()
		}
	}
	return last, nil
}

// loadSum digests the lines of a file but those that begin with Skip, or the files of a directory; ""
// when there is nothing.
func (v *view) loadSum(load resource.Load) (string, error) {
	if load.Files != "" {
		return v.filesSum(load)
	}
	s, info, err := v.stat(load.Path)
	if err != nil || info == nil {
		return "", err
	}
	if info.Size() > maxFile {
		return "", tooLarge(maxFile)
	}
	f, err := s.openFile(info)
	if err != nil {
		return "", fmt.Errorf("%s: %w", load.Path, err)
	}
	defer shut(f)
	return sumLines(io.LimitReader(f, maxFile), load.Skip)
}

// filesSum digests the names and contents of those files of a directory that the program reads.
func (v *view) filesSum(load resource.Load) (string, error) {
	files, err := v.filesOf(load)
	if files == nil || err != nil {
		return "", err
	}
	h := sha256.New()
	for _, file := range files {
		sum, err := v.loadSum(resource.Load{Path: file})
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %s\n", path.Base(file), sum)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// filesOf are the files of a directory that the program reads, in order; nil when there is no directory.
func (v *view) filesOf(load resource.Load) ([]string, error) {
	dir, err := v.open(load.Path)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names, err := namesIn(dir)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	files := []string{}
	for _, name := range names {
		if ok, err := path.Match(load.Files, name); err == nil && ok && !strings.HasPrefix(name, ".") {
			files = append(files, path.Join(load.Path, name))
		}
	}
	return files, nil
}

func sumLines(r io.Reader, skip string) (string, error) {
	h := sha256.New()
	in := bufio.NewReader(r)
	begins, skipping := true, false
	for {
		line, err := in.ReadSlice('\n')
		if begins {
			skipping = skip != "" && bytes.HasPrefix(line, []byte(skip))
		}
		if !skipping {
			h.Write(line)
		}
		switch {
		case errors.Is(err, io.EOF):
			return hex.EncodeToString(h.Sum(nil)), nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
		begins = err == nil
	}
}

// sums digests the files that the unit loads, as they are now.
func (w *work) sums(want resource.Unit) ([]loaded, error) {
	var sums []loaded
	for _, load := range want.Loads {
		sum, err := w.loadSum(load)
		if err != nil {
			return nil, err
		}
		written, err := w.written(load)
		if err != nil {
			return nil, err
		}
		sums = append(sums, loaded{load, sum, written})
	}
	return sums, nil
}
