package node

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

func (v *view) seeHostname() (resource.Spec, error) {
	kernel, err := v.kernelName()
	if err != nil {
		return nil, err
	}
	b, err := v.small("/etc/hostname")
	if err != nil {
		return nil, err
	}
	return resource.Hostname{Name: kernel, Static: staticName(string(b))}, nil
}

func (v *view) kernelName() (string, error) {
	b, err := v.small("/proc/sys/kernel/hostname")
	if err == nil && b == nil {
		err = errors.New("/proc is not there")
	}
	return strings.TrimSpace(string(b)), err
}

// staticName is the first line that is no comment.
func staticName(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return line
		}
	}
	return ""
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$`)

func (w *work) makeHostname(_ context.Context, want resource.Hostname, have resource.Spec) error {
	if !hostName.MatchString(want.Name) || want.Static != want.Name {
		return fmt.Errorf("%q is no host name", want.Name)
	}
	h, _ := have.(resource.Hostname)
	if h.Static != want.Static {
		if err := w.writeHostname(want.Static); err != nil {
			return err
		}
	}
	if h.Name == want.Name {
		return nil
	}
	return w.l.setName(want.Name)
}

func (w *work) writeHostname(name string) error {
	s, err := w.place("/etc/hostname")
	if err != nil {
		return err
	}
	d, err := w.draft(s, []byte(name+"\n"), 0o644, "", "")
	if err != nil {
		return err
	}
	return w.write(s, d)
}
