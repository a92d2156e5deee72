package node

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

var moduleName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// seeModule looks for a module among those that are loaded and those that are part of the kernel: both
// have a directory in sysfs, but for parts without parameters, which a list names.
func (v *view) seeModule(name string) (resource.Spec, error) {
	if !moduleName.MatchString(name) {
		return nil, errors.New("the name is none of a kernel module")
	}
	name = strings.ReplaceAll(name, "-", "_")
	_, info, err := v.stat("/sys/module/" + name)
	if err != nil {
		return nil, err
	}
	if info != nil {
		return resource.KernelModule{}, nil
	}
	built, err := v.builtin(name)
	if err != nil || !built {
		return nil, err
	}
	return resource.KernelModule{}, nil
}

// builtin reads the kernel's list of what was compiled into it; where there is no list, nothing was.
func (v *view) builtin(name string) (bool, error) {
	release, err := v.small("/proc/sys/kernel/osrelease")
	if err != nil {
		return false, err
	}
	list, err := v.small("/lib/modules/" + strings.TrimSpace(string(release)) + "/modules.builtin")
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(list)) {
		base := line[strings.LastIndexByte(line, '/')+1:]
		if module, _, _ := strings.Cut(base, ".ko"); strings.ReplaceAll(module, "-", "_") == name {
			return true, nil
		}
	}
	return false, nil
}

func (w *work) loadModule(ctx context.Context, _ resource.KernelModule, _ resource.Spec) error {
	return w.command(ctx, "modprobe", w.id.Name)
}
