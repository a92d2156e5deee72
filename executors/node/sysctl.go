package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"

	"github.com/pigsync/pigsync/resource"
)

// sysctlStamp remembers that a parameter is ours, and what it was before.
type sysctlStamp struct {
	Name   string
	Before string
}

var sysctlName = regexp.MustCompile(`^[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_:@/-]+)+$`)

// sysctlPath is where the kernel has a parameter. As sysctl(8) has it, a slash in a name stands for the
// dot in the name of an interface.
func sysctlPath(name string) (string, error) {
	if !sysctlName.MatchString(name) || strings.Contains(name, "//") {
		return "", fmt.Errorf("%q is no name of a kernel parameter", name)
	}
	swap := strings.NewReplacer(".", "/", "/", ".")
	return "/proc/sys/" + swap.Replace(name), nil
}

func (v *view) seeSysctl(name string) (resource.Spec, error) {
	var stamp sysctlStamp
	if err := v.stamp("sysctl", name, &stamp); err != nil {
		return nil, err
	}
	if stamp.Name != name {
		return nil, nil
	}
	value, err := v.sysctl(name)
	if err != nil {
		return nil, err
	}
	return resource.Sysctl{Value: value}, nil
}

var errNoSysctl = errors.New("the kernel of this node has no such parameter")

// sysctl is the value in force.
func (v *view) sysctl(name string) (string, error) {
	path, err := sysctlPath(name)
	if err != nil {
		return "", err
	}
	b, err := v.small(path)
	if err != nil {
		return "", err
	}
	if b == nil {
		return "", errNoSysctl
	}
	return strings.Join(strings.Fields(string(b)), " "), nil
}

// makeSysctl sets a parameter, having noted what it was when it was not ours yet.
func (w *work) makeSysctl(_ context.Context, want resource.Sysctl, have resource.Spec) error {
	before, err := w.sysctl(w.id.Name)
	if err != nil {
		return err
	}
	if have == nil {
		if err := w.putStamp("sysctl", w.id.Name, sysctlStamp{Name: w.id.Name, Before: before}); err != nil {
			return err
		}
	}
	return w.setSysctl(want.Value, before)
}

// removeSysctl gives a parameter the value back that it had before it was ours.
func (w *work) removeSysctl(context.Context) error {
	var stamp sysctlStamp
	if err := w.stamp("sysctl", w.id.Name, &stamp); err != nil {
		return err
	}
	now, err := w.sysctl(w.id.Name)
	if err == nil {
		err = w.setSysctl(stamp.Before, now)
	}
	if err != nil && !errors.Is(err, errNoSysctl) {
		return err
	}
	return w.dropStamp("sysctl", w.id.Name)
}

func (w *work) setSysctl(value, now string) error {
	if value == now {
		return nil
	}
	path, err := sysctlPath(w.id.Name)
	if err != nil {
		return err
	}
	s, err := w.at(path)
	if err != nil {
		return err
	}
	f, err := s.dir.OpenFile(s.name, os.O_WRONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return refusedBy(err, value)
	}
	_, err = f.WriteString(value + "\n")
	return refusedBy(errors.Join(err, f.Close()), value)
}

func refusedBy(err error, value string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the kernel refuses %q: %w", value, plain(err))
}
