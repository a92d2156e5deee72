package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

const (
	// maxFile bounds the files that are managed.
	maxFile = 64 << 20
	// maxShown bounds the files whose content is observed, so that a plan can show its lines.
	maxShown = 64 << 10
	// permissions are the bits of a mode that are managed.
	permissions = 0o7777
)

func (v *view) seeFile(name string) (resource.Spec, error) {
	s, info, err := v.stat(name)
	if err != nil || info == nil {
		return nil, err
	}
	f, err := v.file(s, info)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (v *view) file(s spot, info os.FileInfo) (resource.File, error) {
	a, err := v.accounts()
	if err != nil {
		return resource.File{}, err
	}
	st := sysStat(info)
	f := resource.File{Mode: st.Mode & permissions}
	f.Owner, f.Group = a.names(st.Uid, st.Gid)
	f.Sum, f.Content, err = v.digest(s, info)
	return f, err
}

// digest reads a file; the content is kept only of a small one that everybody may read.
func (v *view) digest(s spot, info os.FileInfo) (sum string, content resource.Content, err error) {
	if sysStat(info).Mode&0o004 != 0 && info.Size() <= maxShown {
		b, err := s.read(info, maxShown)
		if err != nil {
			return "", nil, err
		}
		if len(b) > 0 {
			content = b
		}
		return digestOf(b), content, nil
	}
	f, err := s.openFile(info)
	if err != nil {
		return "", nil, err
	}
	defer shut(f)
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(f, maxFile+1))
	if err == nil && n > maxFile {
		err = tooLarge(maxFile)
	}
	return hex.EncodeToString(h.Sum(nil)), nil, err
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (w *work) makeFile(ctx context.Context, want resource.File, have resource.Spec) error {
	s, err := w.place(w.id.Name)
	if err != nil {
		return err
	}
	h, there := have.(resource.File)
	if there && h.Sum == want.Sum {
		return w.setAttributes(s, want.Mode, want.Owner, want.Group)
	}
	if len(want.Content) > maxFile {
		return tooLarge(maxFile)
	}
	if digestOf(want.Content) != want.Sum {
		return errors.New("the content is not what its digest says")
	}
	d, err := w.draft(s, want.Content, want.Mode, want.Owner, want.Group)
	if err != nil {
		return err
	}
	if d.mode == 0 {
		d.mode = defaultMode(want.Secret)
	}
	d.check = func(path string) error { return w.validate(ctx, want, path) }
	return w.write(s, d)
}

func defaultMode(secret bool) uint32 {
	if secret {
		return 0o600
	}
	return 0o644
}

// validate lets the file's own program judge the new file. What it says of a secret one is kept, but for lines
// that begin with "reason: ": those are from who knows that.
func (w *work) validate(ctx context.Context, want resource.File, path string) error {
	if len(want.Validate) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	argv := make([]string, len(want.Validate))
	for i, arg := range want.Validate {
		argv[i] = strings.ReplaceAll(arg, "{}", path)
	}
	out, err := w.l.run(ctx, Command{Argv: argv})
	if want.Secret {
		out = reasons(out)
	}
	if err := said(argv[0], out, err); err != nil {
		return fmt.Errorf("the new content was refused by %w", err)
	}
	return nil
}

func reasons(out []byte) (told []byte) {
	for line := range bytes.Lines(out) {
		if reason, ok := bytes.CutPrefix(line, []byte("reason: ")); ok {
			told = append(told, reason...)
		}
	}
	return told
}

// place is the spot for something new. The directory must be there: it is a resource of its own.
func (w *work) place(name string) (spot, error) {
	s, err := w.at(name)
	if absent(err) {
		return s, fmt.Errorf("the directory of %s does not exist: %w", name, plain(err))
	}
	return s, err
}

// setAttributes changes mode and owner of what is at s through an open handle, so that a symlink put
// there meanwhile is not followed.
func (w *work) setAttributes(s spot, mode uint32, owner, group string) error {
	uid, gid, err := w.numbers(owner, group)
	if err != nil {
		return err
	}
	info, err := s.dir.Lstat(s.name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		d, err := s.dir.OpenRoot(s.name)
		if err != nil {
			return err
		}
		defer shut(d)
		f, err := d.Open(".")
		if err != nil {
			return err
		}
		defer shut(f)
		return setHandle(f, mode, uid, gid)
	}
	f, err := s.openFile(info)
	if err != nil {
		return err
	}
	defer shut(f)
	return setHandle(f, mode, uid, gid)
}

// setHandle changes the owner first, since that may clear bits of the mode.
func setHandle(f *os.File, mode uint32, uid, gid int) error {
	if err := f.Chown(uid, gid); err != nil {
		return err
	}
	if mode == 0 {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		mode = sysStat(info).Mode & permissions
	}
	return f.Chmod(fileMode(mode))
}

// fileMode translates permission bits to Go's.
func fileMode(bits uint32) os.FileMode {
	m := os.FileMode(bits & 0o777)
	if bits&0o4000 != 0 {
		m |= os.ModeSetuid
	}
	if bits&0o2000 != 0 {
		m |= os.ModeSetgid
	}
	if bits&0o1000 != 0 {
		m |= os.ModeSticky
	}
	return m
}

func (w *work) numbers(owner, group string) (uid, gid int, err error) {
	a, err := w.accounts()
	if err != nil {
		return 0, 0, err
	}
	return a.numbers(owner, group)
}

// dropFile removes the file that the change is about.
func (w *work) dropFile(context.Context) error { return w.removeFile(w.id.Name) }

// removeFile keeps the content for undo.
func (w *work) removeFile(name string) error {
	s, info, err := w.stat(name)
	if err != nil || info == nil {
		return err
	}
	if err := mustBe(info, 0, "a file"); err != nil {
		return err
	}
	if err := w.keep(s, info); err != nil {
		return err
	}
	if err := s.dir.Remove(s.name); err != nil {
		return err
	}
	return syncDir(s.dir)
}
