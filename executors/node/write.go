package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// tempPrefix begins the name of every file we have not finished.
const tempPrefix = ".pigsync-"

// draft is a file about to be.
type draft struct {
	content  []byte
	mode     uint32
	uid, gid int
	check    func(path string) error // nil accepts
	forget   bool                    // the previous content is not kept for undo: it is a key
}

// draft fills in from what is at s what is not asked for. A mode of 0 stays when nothing is there.
func (w *work) draft(s spot, content []byte, mode uint32, owner, group string) (draft, error) {
	d := draft{content: content, mode: mode}
	var err error
	if d.uid, d.gid, err = w.numbers(owner, group); err != nil {
		return d, err
	}
	info, err := s.lstat()
	if err != nil || info == nil {
		return d, err
	}
	st := sysStat(info)
	if mode == 0 {
		d.mode = st.Mode & permissions
	}
	if owner == "" {
		d.uid = int(st.Uid)
	}
	if group == "" {
		d.gid = int(st.Gid)
	}
	return d, nil
}

// write puts a file at s in one step: whoever looks sees the old one or the new one.
func (w *work) write(s spot, d draft) error {
	temp, err := w.stage(s, d)
	if err != nil {
		return fmt.Errorf("write %s: %w", s.path, plain(err))
	}
	defer temp.drop()
	if d.check != nil {
		if err := d.check(temp.real()); err != nil {
			return err
		}
	}
	return w.finish(s, temp, d)
}

// finish keeps what is at s and puts temp in its place.
func (w *work) finish(s spot, temp *temporary, d draft) error {
	info, err := s.lstat()
	if err != nil {
		return err
	}
	if info != nil && !d.forget {
		if err := w.keep(s, info); err != nil {
			return err
		}
	}
	if err := temp.rename(s, d.content); err != nil {
		return fmt.Errorf("write %s: %w", s.path, plain(err))
	}
	return syncDir(s.dir)
}

// temporary is a file beside its place. It is locked while its writer lives.
type temporary struct {
	spot
	f    *os.File
	gone bool
}

// stage writes, but for the rename.
func (w *work) stage(s spot, d draft) (*temporary, error) {
	if err := sweep(s); err != nil {
		return nil, err
	}
	t := &temporary{spot: spot{s.dir, tempName(s.name), s.path}}
	f, err := s.dir.OpenFile(t.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	t.f = f
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		_, err = f.Write(d.content)
	}
	if err == nil {
		err = setHandle(f, d.mode, d.uid, d.gid)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		t.drop()
		return nil, err
	}
	return t, nil
}

// rename puts the temporary in the place s. Where that is a mount point, as /etc/hosts in a
// container, it cannot be replaced and is written over.
func (t *temporary) rename(s spot, content []byte) error {
	err := t.dir.Rename(t.name, s.name)
	if errors.Is(err, syscall.EBUSY) {
		return overwrite(s, content)
	}
	t.gone = err == nil
	return err
}

func overwrite(s spot, content []byte) error {
	f, err := s.dir.OpenFile(s.name, os.O_WRONLY|os.O_TRUNC|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// drop closes the temporary and removes it unless it has become the file.
func (t *temporary) drop() {
	if !t.gone {
		_ = t.dir.Remove(t.name) // the next sweep tries again
	}
	_ = t.f.Close() // it was synced, or is dropped
}

// tempName tells whose temporary it is, so that only its own next writer sweeps it.
func tempName(name string) string { return tempOf(name) + strings.ToLower(rand.Text()) }

func tempOf(name string) string { return tempPrefix + digestOf([]byte(name))[:12] + "-" }

// sweep removes what killed writers of s left. A temporary that is locked has a living writer.
func sweep(s spot) error {
	names, err := namesIn(s.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, tempOf(s.name)) || locked(s.dir, name) {
			continue
		}
		if err := s.dir.Remove(name); err != nil && !absent(err) {
			return err
		}
	}
	return nil
}

func locked(dir *os.Root, name string) bool {
	info, err := dir.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := dir.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer shut(f)
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

func namesIn(dir *os.Root) ([]string, error) {
	f, err := dir.Open(".")
	if err != nil {
		return nil, err
	}
	defer shut(f)
	return f.Readdirnames(-1)
}

// syncDir makes a rename or removal last.
func syncDir(dir *os.Root) error {
	f, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer shut(f)
	return f.Sync()
}
