package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"

	"github.com/pigsync/pigsync/resource"
)

const (
	// asidePrefix begins the directory in which the contents of a mount point are set aside.
	asidePrefix = ".pigsync-aside-"
	defaultDir  = 0o755
	// maxDepth bounds a recursive removal, which holds one directory open for each level.
	maxDepth = 256
)

func (v *view) seeDir(name string) (resource.Spec, error) {
	s, info, err := v.stat(name)
	if err != nil || info == nil {
		return nil, err
	}
	if err := mustBe(info, os.ModeDir, "a directory"); err != nil {
		return nil, err
	}
	a, err := v.accounts()
	if err != nil {
		return nil, err
	}
	st := sysStat(info)
	d := resource.Dir{Mode: st.Mode & permissions}
	d.Owner, d.Group = a.names(st.Uid, st.Gid)
	d.Vacant, err = vacant(s)
	switch {
	case absent(err): // it went since it was looked at
		return nil, errReplaced
	case err != nil:
		return nil, err
	}
	return d, nil
}

// vacant stops at the first entry that counts.
func vacant(s spot) (bool, error) {
	dir, err := s.dir.OpenRoot(s.name)
	if err != nil {
		return false, err
	}
	defer shut(dir)
	f, err := dir.Open(".")
	if err != nil {
		return false, err
	}
	defer shut(f)
	for {
		names, err := f.Readdirnames(16)
		for _, name := range names {
			if counts(name) {
				return false, nil
			}
		}
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// counts tells whether an entry makes a directory not vacant.
func counts(name string) bool {
	return name != "lost+found" && !strings.HasPrefix(name, asidePrefix)
}

func (w *work) makeDir(_ context.Context, want resource.Dir, have resource.Spec) error {
	s, err := w.place(w.id.Name)
	if err != nil {
		return err
	}
	h, there := have.(resource.Dir)
	switch {
	case !there:
		if err := w.mounted(w.id.Name); err != nil {
			return err
		}
		return w.mkdir(s, want)
	case want.Vacant && !h.Vacant:
		return w.vacate(s, want, h)
	}
	return w.setAttributes(s, want.Mode, want.Owner, want.Group)
}

// mkdir lets nobody in before the attributes are right.
func (w *work) mkdir(s spot, want resource.Dir) error {
	if err := s.dir.Mkdir(s.name, 0o700); err != nil {
		return err
	}
	if want.Mode == 0 {
		want.Mode = defaultDir
	}
	if err := w.setAttributes(s, want.Mode, want.Owner, want.Group); err != nil {
		return errors.Join(err, s.dir.Remove(s.name))
	}
	return syncDir(s.dir)
}

// vacate sets the contents aside: the directory as a whole, or what is in it where it is a mount
// point.
func (w *work) vacate(s spot, want, have resource.Dir) error {
	stamp := strconv.FormatInt(w.l.now().Unix(), 10)
	mount, err := isMount(s)
	if err != nil {
		return err
	}
	if mount {
		if err := emptyAside(s, asidePrefix+stamp); err != nil {
			return err
		}
		return w.setAttributes(s, want.Mode, want.Owner, want.Group)
	}
	aside := s.name + ".pigsync-" + stamp
	if _, err := s.dir.Lstat(aside); !absent(err) {
		return errors.Join(fmt.Errorf("%s is in the way", path.Join(path.Dir(s.path), aside)), err)
	}
	if err := s.dir.Rename(s.name, aside); err != nil {
		return err
	}
	return w.mkdir(s, inherit(want, have))
}

// inherit gives the new directory what nobody asked to be otherwise.
func inherit(want, have resource.Dir) resource.Dir {
	if want.Mode == 0 {
		want.Mode = have.Mode
	}
	if want.Owner == "" {
		want.Owner = have.Owner
	}
	if want.Group == "" {
		want.Group = have.Group
	}
	return want
}

func emptyAside(s spot, aside string) error {
	dir, err := s.dir.OpenRoot(s.name)
	if err != nil {
		return err
	}
	defer shut(dir)
	if err := dir.Mkdir(aside, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	names, err := namesIn(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !counts(name) {
			continue
		}
		if err := dir.Rename(name, aside+"/"+name); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// removeDir removes the directory; its contents only when it was declared to hold data, whose loss
// the plan then showed as a hazard.
func (w *work) removeDir(_ context.Context, was, _ resource.Spec) error {
	s, info, err := w.stat(w.id.Name)
	if err != nil || info == nil {
		return err
	}
	if err := mustBe(info, os.ModeDir, "a directory"); err != nil {
		return err
	}
	if d, _ := was.(resource.Dir); d.Data {
		if err := w.unserved(); err != nil {
			return err
		}
		if err := w.empty(s); err != nil {
			return err
		}
	}
	err = s.dir.Remove(s.name)
	switch {
	case errors.Is(err, syscall.ENOTEMPTY), errors.Is(err, syscall.EEXIST):
		return errors.New("is not empty, so it stays")
	case errors.Is(err, syscall.EBUSY):
		return errors.New("is a mount point, so it stays, empty; unmount it or keep it in the inventory")
	case err != nil:
		return err
	}
	return syncDir(s.dir)
}

// empty removes what is in the directory.
func (w *work) empty(s spot) error {
	mounts, err := mountPoints()
	if err != nil {
		return err
	}
	dir, err := s.dir.OpenRoot(s.name)
	if err != nil {
		return err
	}
	defer shut(dir)
	device, err := deviceOf(dir)
	if err != nil {
		return err
	}
	return sweeper{mounts: mounts, device: device}.empty(dir, s.real(), maxDepth)
}

// sweeper removes contents, without crossing a mount point or following a symlink.
type sweeper struct {
	mounts map[string]bool
	device uint64
}

func (x sweeper) empty(dir *os.Root, at string, depth int) error {
	if depth == 0 {
		return fmt.Errorf("%s is nested too deeply", at)
	}
	names, err := namesIn(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := x.remove(dir, name, at+"/"+name, depth); err != nil {
			return err
		}
	}
	return nil
}

func (x sweeper) remove(dir *os.Root, name, at string, depth int) error {
	info, err := dir.Lstat(name)
	if err != nil {
		return err
	}
	// Only directories tell their file system reliably: the files of an overlay have other devices.
	if x.mounts[at] || info.IsDir() && sysStat(info).Dev != x.device {
		return fmt.Errorf("%s is a mount point, so nothing below it is removed", at)
	}
	if info.IsDir() {
		sub, err := dir.OpenRoot(name)
		if err != nil {
			return err
		}
		err = x.empty(sub, at, depth-1)
		shut(sub)
		if err != nil {
			return err
		}
	}
	return dir.Remove(name)
}

func deviceOf(dir *os.Root) (uint64, error) {
	info, err := dir.Lstat(".")
	if err != nil {
		return 0, err
	}
	return sysStat(info).Dev, nil
}

func isMount(s spot) (bool, error) {
	mounts, err := mountPoints()
	if err != nil {
		return false, err
	}
	info, err := s.dir.Lstat(s.name)
	if err != nil {
		return false, err
	}
	device, err := deviceOf(s.dir)
	return mounts[s.real()] || sysStat(info).Dev != device, err
}

// mountPoints asks the kernel: a bind mount shows in no attribute of a directory.
func mountPoints() (map[string]bool, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	points := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 4 {
			points[unescape(f[4])] = true
		}
	}
	return points, nil
}

// unescape undoes the octal escapes of spaces and the like.
func unescape(s string) string {
	for _, c := range []string{" ", "\t", "\n", `\`} {
		s = strings.ReplaceAll(s, fmt.Sprintf(`\%03o`, c[0]), c)
	}
	return s
}
