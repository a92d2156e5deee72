package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"syscall"
)

const (
	// maxHops bounds the symlinks on the way to a directory, as the kernel does.
	maxHops = 40
	// maxSmall bounds the files that are read whole to be understood: passwd, os-release, hosts.
	maxSmall = 8 << 20
)

// tree opens directories below a root, each once.
type tree struct {
	root *os.Root
	dirs map[string]*os.Root
}

// spot is a name in an open directory. The name itself is never followed.
type spot struct {
	dir  *os.Root
	name string
	path string // as it was asked for
}

func newTree(root *os.Root) *tree { return &tree{root: root, dirs: map[string]*os.Root{}} }

func (t *tree) close() {
	for _, d := range t.dirs {
		shut(d)
	}
}

// shut closes what was only read, or synced before: an error says nothing more.
func shut(c io.Closer) { _ = c.Close() }

// at opens the directory of an absolute path.
func (t *tree) at(name string) (spot, error) {
	if !path.IsAbs(name) || path.Clean(name) != name || name == "/" || strings.ContainsRune(name, 0) {
		return spot{}, fmt.Errorf("%q is no clean absolute path", name)
	}
	dir, err := t.open(path.Dir(name))
	return spot{dir: dir, name: path.Base(name), path: name}, err
}

func (t *tree) open(dir string) (*os.Root, error) {
	if d, ok := t.dirs[dir]; ok {
		return d, nil
	}
	rel, err := t.resolve(dir)
	if err != nil {
		return nil, err
	}
	d, err := t.root.OpenRoot(rel)
	if err != nil {
		return nil, err
	}
	t.dirs[dir] = d
	return d, nil
}

// resolve follows the symlinks of a directory as a chroot would: an absolute target starts at the
// root again. os.Root alone refuses those.
func (t *tree) resolve(dir string) (string, error) {
	done, todo := ".", split(dir)
	for hops := 0; len(todo) > 0; {
		next := path.Join(done, todo[0])
		if todo[0] == ".." {
			done, todo = path.Dir(done), todo[1:]
			continue
		}
		info, err := t.root.Lstat(next)
		if err != nil {
			return "", err
		}
		if info.Mode()&os.ModeSymlink == 0 {
			done, todo = next, todo[1:]
			continue
		}
		if hops++; hops > maxHops {
			return "", fmt.Errorf("/%s: %w", next, syscall.ELOOP)
		}
		target, err := t.follow(done, next, info)
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) {
			done = "."
		}
		todo = append(split(target), todo[1:]...)
	}
	return done, nil
}

// follow reads a symlink on the way. One that somebody else than root could have put there leads
// where they want, so it is not followed.
func (t *tree) follow(dir, link string, info os.FileInfo) (string, error) {
	if !ours(info) {
		parent, err := t.root.Lstat(dir)
		if err != nil {
			return "", err
		}
		if !ours(parent) || parent.Mode().Perm()&0o022 != 0 {
			return "", fmt.Errorf("/%s is a symlink that is not root's, so it is not followed", link)
		}
	}
	return t.root.Readlink(link)
}

func ours(info os.FileInfo) bool {
	uid := int(sysStat(info).Uid)
	return uid == 0 || uid == os.Geteuid()
}

func split(p string) []string {
	return strings.FieldsFunc(p, func(r rune) bool { return r == '/' })
}

func sysStat(info os.FileInfo) *syscall.Stat_t { return info.Sys().(*syscall.Stat_t) }

// lstat looks at the spot; nil, nil is absent.
func (s spot) lstat() (os.FileInfo, error) {
	info, err := s.dir.Lstat(s.name)
	if absent(err) {
		return nil, nil
	}
	return info, err
}

// real is the spot's path as commands see it.
func (s spot) real() string { return path.Join(s.dir.Name(), s.name) }

// stat is lstat for paths whose directory may be missing, too.
func (t *tree) stat(name string) (spot, os.FileInfo, error) {
	s, err := t.at(name)
	if absent(err) {
		return s, nil, nil
	}
	if err != nil {
		return s, nil, err
	}
	info, err := s.lstat()
	return s, info, err
}

// want fails unless info is of the type wanted.
func mustBe(info os.FileInfo, want os.FileMode, name string) error {
	if info.Mode().Type() == want {
		return nil
	}
	return fmt.Errorf("is %s, not %s", typeName(info.Mode()), name)
}

func typeName(m os.FileMode) string {
	switch {
	case m.IsRegular():
		return "a file"
	case m.IsDir():
		return "a directory"
	case m&os.ModeSymlink != 0:
		return "a symlink"
	case m&os.ModeNamedPipe != 0:
		return "a named pipe"
	case m&os.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// errReplaced says that a file is not the one that was looked at a moment ago.
var errReplaced = errors.New("is being replaced all the time")

// openFile opens a regular file for reading and makes sure that it is what was looked at.
func (s spot) openFile(info os.FileInfo) (*os.File, error) {
	if err := mustBe(info, 0, "a file"); err != nil {
		return nil, err
	}
	f, err := s.dir.OpenFile(s.name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if absent(err) {
		return nil, errReplaced
	}
	if err != nil {
		return nil, err
	}
	now, err := f.Stat()
	if err == nil && !os.SameFile(info, now) {
		err = errReplaced
	}
	if err != nil {
		shut(f)
		return nil, err
	}
	return f, nil
}

// read reads a small file at the spot; nil info is absent.
func (s spot) read(info os.FileInfo, limit int64) ([]byte, error) {
	f, err := s.openFile(info)
	if err != nil {
		return nil, err
	}
	defer shut(f)
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = tooLarge(limit)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func tooLarge(limit int64) error { return fmt.Errorf("is larger than %d bytes", limit) }

// small reads a small system file, following a symlink at its end (as /etc/os-release is one); nil
// with no error is absent.
func (t *tree) small(name string) ([]byte, error) {
	for range maxHops {
		s, info, err := t.stat(name)
		if err != nil || info == nil {
			return nil, err
		}
		if info.Mode()&os.ModeSymlink == 0 {
			return s.read(info, maxSmall)
		}
		target, err := s.dir.Readlink(s.name)
		if err != nil {
			return nil, err
		}
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(name), target)
		}
		name = path.Clean(target)
	}
	return nil, fmt.Errorf("%s: %w", name, syscall.ELOOP)
}
