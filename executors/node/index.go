package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// listsDir is where apt keeps the indexes it has fetched.
const listsDir = "/var/lib/apt/lists"

// fetchWhole fetches the index of a source file as if nothing of it had been fetched before. A power cut
// may leave an index with nothing in it beside a Release file that is whole, and apt takes that for the
// current one as long as the Release file does not change. So what is not stamped is not believed, and
// the stamp is there only when all before it is on the disk.
func (w *work) fetchWhole(ctx context.Context, file string, stamp repoStamp) error {
	if err := w.dropStamp("repo", stamp.Path); err != nil {
		return fmt.Errorf("forget what was fetched: %w", err)
	}
	if err := w.dropLists(ctx, file); err != nil {
		return fmt.Errorf("drop what was fetched: %w", err)
	}
	if err := w.fetch(ctx, file); err != nil {
		return err
	}
	if err := w.keepIndex(); err != nil {
		return fmt.Errorf("keep what was fetched: %w", err)
	}
	return w.putStamp("repo", stamp.Path, stamp)
}

// refetch fetches all anew that was fetched before.
func (w *work) refetch(ctx context.Context) error {
	stamps, err := w.fetched()
	errs := []error{err}
	for _, stamp := range stamps {
		s, err := w.place(stamp.Path)
		if err == nil {
			err = w.fetchWhole(ctx, s.real(), stamp)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// fetched are the stamps of what was fetched. One that cannot be read counts for nothing, as everywhere.
func (w *work) fetched() (stamps []repoStamp, err error) {
	dir, err := w.state("stamps")
	if err != nil {
		return nil, err
	}
	names, err := namesIn(dir)
	for _, name := range names {
		var stamp repoStamp
		b, _ := dir.ReadFile(name)
		if strings.HasPrefix(name, "repo-") && json.Unmarshal(b, &stamp) == nil {
			stamps = append(stamps, stamp)
		}
	}
	return stamps, err
}

// dropLists removes what apt has fetched of one source file, or was about to.
func (w *work) dropLists(ctx context.Context, file string) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	out, err := w.l.run(ctx, update(file, "--print-uris"))
	if err != nil {
		return said("apt-get --print-uris update", out, err)
	}
	lists := listsOf(out)
	for _, dir := range []string{listsDir, listsDir + "/partial"} {
		err = errors.Join(err, w.dropNamed(dir, lists))
	}
	return err
}

// dropNamed removes the lists from a directory, also those that are compressed or signed apart.
func (w *work) dropNamed(at string, lists map[string]bool) error {
	dir, err := w.open(at)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	names, err := namesIn(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !lists[name] && !lists[strings.TrimSuffix(name, path.Ext(name))] {
			continue
		}
		if err := dir.Remove(name); err != nil && !absent(err) {
			return err
		}
	}
	return nil
}

// listsOf reads the names of lists from lines as "'http://h/p/InRelease' h_p_InRelease 0": apt makes them
// of the address. A release is kept under one name or the other, depending on how it is signed.
func listsOf(out []byte) map[string]bool {
	lists := map[string]bool{}
	for line := range bytes.Lines(out) {
		_, rest, quoted := bytes.Cut(line, []byte("' "))
		name, _, _ := strings.Cut(strings.TrimSpace(string(rest)), " ")
		if !quoted || name == "" {
			continue
		}
		lists[name] = true
		if dist, ok := strings.CutSuffix(name, "InRelease"); ok {
			lists[dist+"Release"] = true
		}
	}
	return lists
}

// update is apt-get update of one source file.
func update(file string, args ...string) Command {
	argv := []string{
		"apt-get", "-o", "APT::Update::Error-Mode=any", "-o", "Dir::Etc::sourcelist=" + file,
		"-o", "Dir::Etc::sourceparts=-", "-o", "APT::Get::List-Cleanup=0",
	}
	return Command{Argv: append(append(argv, args...), "update")}
}

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
