package node

import (
	"context"
	"errors"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

const (
	selinuxConfig  = "/etc/selinux/config"
	selinuxEnforce = "/sys/fs/selinux/enforce" // there while SELinux runs
)

func (v *view) seeSELinux() (resource.Spec, error) {
	b, err := v.small(selinuxConfig)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return resource.SELinux{Absent: true}, nil
	}
	s := resource.SELinux{Boot: selinuxMode(string(b)), Running: resource.SELinuxOff}
	now, err := v.small(selinuxEnforce)
	switch strings.TrimSpace(string(now)) {
	case "0":
		s.Running = "permissive"
	case "1":
		s.Running = "enforcing"
	}
	return s, err
}

// selinuxMode is what the last line SELINUX= says, as libselinux reads it: case means nothing.
func selinuxMode(config string) (mode string) {
	for line := range strings.Lines(config) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "SELINUX="); ok {
			mode = strings.ToLower(strings.TrimSpace(value))
		}
	}
	return mode
}

// makeSELinux writes the mode for the next start, and switches now where the kernel can.
func (w *work) makeSELinux(ctx context.Context, want resource.SELinux, have resource.Spec) error {
	h, ok := have.(resource.SELinux)
	if !ok || h.Absent {
		return errors.New("this system has no SELinux")
	}
	if h.Boot != want.Boot {
		if err := w.rewrite(selinuxConfig, func(text string) string { return withMode(text, want.Boot) }); err != nil {
			return err
		}
	}
	if h.Running == want.Running || h.Running == resource.SELinuxOff || want.Running == resource.SELinuxOff {
		return nil
	}
	return w.command(ctx, "setenforce", map[string]string{"enforcing": "1", "permissive": "0"}[want.Running])
}

func withMode(config, mode string) string {
	var b strings.Builder
	for line := range strings.Lines(config) {
		if !strings.HasPrefix(strings.TrimSpace(line), "SELINUX=") {
			b.WriteString(line)
		}
	}
	text := b.String()
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + "SELINUX=" + mode + "\n"
}

// rewrite changes a shared file that is there, and keeps what it was for undo.
func (w *work) rewrite(path string, change func(string) string) error {
	s, info, err := w.stat(path)
	if err != nil {
		return err
	}
	if info == nil {
		return errors.New(path + " is not there")
	}
	old, err := s.read(info, maxSmall)
	if err != nil {
		return err
	}
	text := change(string(old))
	if text == string(old) {
		return nil
	}
	d, err := w.draft(s, []byte(text), 0, "", "")
	if err != nil {
		return err
	}
	return w.write(s, d)
}
