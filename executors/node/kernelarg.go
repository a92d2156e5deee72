package node

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// kernelArgStamp remembers that an argument is ours, and whether it was there before.
type kernelArgStamp struct {
	Arg    string
	Before bool
}

var kernelArg = regexp.MustCompile(`^[a-z0-9_.]+=[A-Za-z0-9_.,:-]+$`)

const (
	grubby     = "/usr/sbin/grubby"
	updateGrub = "/usr/sbin/update-grub"
	grubConfig = "/boot/grub/grub.cfg"
	entries    = "/boot/loader/entries"
	grubEnv    = "/boot/grub2/grubenv"
)

var errNoLoader = errors.New("this node has no boot loader that pigsync knows: neither grubby nor update-grub is here")

func (v *view) seeKernelArg(arg string) (resource.Spec, error) {
	if !kernelArg.MatchString(arg) {
		return nil, fmt.Errorf("%q is no argument of a kernel", arg)
	}
	var stamp kernelArgStamp
	if err := v.stamp("kernelarg", arg, &stamp); err != nil || stamp.Arg != arg {
		return nil, err
	}
	kept, err := v.bootsWith(arg)
	if err != nil {
		return nil, err
	}
	line, err := v.small("/proc/cmdline")
	return resource.KernelArg{Kept: kept, Running: hasWord(string(line), arg)}, err
}

func hasWord(text, word string) bool { return slices.Contains(strings.Fields(text), word) }

// bootsWith tells whether every entry of the boot loader gives the kernel an argument.
func (v *view) bootsWith(arg string) (bool, error) {
	if fedora, err := v.anyOf(grubby); err != nil || fedora {
		return v.entriesHave(arg)
	}
	b, err := v.small(grubConfig)
	if err != nil {
		return false, err
	}
	found := false
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == "linux" {
			if found = slices.Contains(f, arg); !found && !slices.Contains(f, "single") {
				return false, nil // a rescue entry gets none of them
			}
		}
	}
	return strings.Contains(string(b), " "+arg), nil
}

// entriesHave reads the entries that grubby keeps; some leave the arguments to a variable of grub's.
func (v *view) entriesHave(arg string) (bool, error) {
	s, info, err := v.stat(entries)
	if err != nil || info == nil {
		return false, err
	}
	dir, err := s.dir.OpenRoot(s.name)
	if err != nil {
		return false, err
	}
	defer shut(dir)
	names, err := namesIn(dir)
	if err != nil {
		return false, err
	}
	env, err := v.small(grubEnv)
	if err != nil {
		return false, err
	}
	all := false
	for _, name := range names {
		if !strings.HasSuffix(name, ".conf") {
			continue
		}
		b, err := v.small(path.Join(entries, name))
		if err != nil {
			return false, err
		}
		if all = entryHas(string(b), string(env), arg); !all {
			return false, nil
		}
	}
	return all, nil
}

func entryHas(entry, env, arg string) bool {
	for line := range strings.Lines(entry) {
		options, ok := strings.CutPrefix(line, "options ")
		if !ok {
			continue
		}
		if hasWord(options, "$kernelopts") {
			for line := range strings.Lines(env) {
				if opts, ok := strings.CutPrefix(line, "kernelopts="); ok {
					options += " " + opts
				}
			}
		}
		return hasWord(options, arg)
	}
	return false
}

func (w *work) makeKernelArg(ctx context.Context, _ resource.KernelArg, have resource.Spec) error {
	if have == nil {
		before, err := w.bootsWith(w.id.Name)
		if err != nil {
			return err
		}
		if err := w.putStamp("kernelarg", w.id.Name, kernelArgStamp{w.id.Name, before}); err != nil {
			return err
		}
		if before {
			return nil
		}
	}
	return w.setKernelArg(ctx, true)
}

// removeKernelArg leaves an argument that was there before it was ours.
func (w *work) removeKernelArg(ctx context.Context) error {
	var stamp kernelArgStamp
	if err := w.stamp("kernelarg", w.id.Name, &stamp); err != nil {
		return err
	}
	if !stamp.Before {
		if err := w.setKernelArg(ctx, false); err != nil {
			return err
		}
	}
	return w.dropStamp("kernelarg", w.id.Name)
}

func (w *work) setKernelArg(ctx context.Context, on bool) error {
	if fedora, err := w.anyOf(grubby); err != nil || fedora {
		verb := map[bool]string{true: "--args=", false: "--remove-args="}[on]
		return errors.Join(err, w.command(ctx, "grubby", "--update-kernel=ALL", verb+w.id.Name))
	}
	if debian, err := w.anyOf(updateGrub); err != nil || !debian {
		return errors.Join(err, errNoLoader)
	}
	file := "/etc/default/grub.d/pigsync-" + strings.NewReplacer("=", "-", ".", "-", ",", "-", ":", "-").Replace(w.id.Name) + ".cfg"
	var err error
	if on {
		err = w.ownFile(file, fmt.Sprintf("GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX %s\"\n", w.id.Name))
	} else {
		err = w.forget(file)
	}
	if err != nil {
		return err
	}
	return w.command(ctx, "update-grub")
}
