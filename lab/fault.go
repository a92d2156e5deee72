package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// FillDisk takes all the space that is left on a disk. It takes no time and no space of the
// host.
func (n *Node) FillDisk(ctx context.Context, d Disk) error {
	if err := n.wantMounted(d); err != nil {
		return err
	}
	f, err := os.OpenFile(n.filler(d), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	return fill(f)
}

// FreeDisk gives back what FillDisk took.
func (n *Node) FreeDisk(ctx context.Context, d Disk) error {
	if err := n.wantMounted(d); err != nil {
		return err
	}
	return remove(n.filler(d))
}

// filler is outside of what the node sees of the disk.
func (n *Node) filler(d Disk) string { return filepath.Join(n.mounted(d), "filler") }

// ReadOnlyDisk makes a disk refuse writes, as Linux does after an error of the device, also
// to files that are open.
func (n *Node) ReadOnlyDisk(ctx context.Context, d Disk) error {
	if err := n.wantMounted(d); err != nil {
		return err
	}
	if _, err := run(ctx, "mount", "-o", "remount,ro", n.mounted(d)); err == nil {
		return nil
	}
	// Files are open for writing: have the kernel meet an error, as it would.
	devices := slices.DeleteFunc(loops(n.image(d)), func(l loop) bool { return l.deleted })
	if len(devices) != 1 {
		return fmt.Errorf("%s: %d loop devices of its %s disk", n.Name, len(devices), d)
	}
	return os.WriteFile(filepath.Join("/sys/fs/ext4", devices[0].name, "trigger_fs_error"), []byte("1"), 0o200)
}

// WritableDisk undoes ReadOnlyDisk. When files were open for writing the node must be off:
// the disk is checked before it is mounted again.
func (n *Node) WritableDisk(ctx context.Context, d Disk) error {
	if n.State() == Off {
		return nil // checked and mounted for writing when it comes on
	}
	if _, err := run(ctx, "mount", "-o", "remount,rw", n.mounted(d)); err != nil {
		return fmt.Errorf("%s: its %s disk had open files; power it off and on: %w", n.Name, d, err)
	}
	return nil
}

// LoseDisk breaks a disk for good: from now on every access fails, and when the node comes on
// again there is an empty one in its place. A node without its Root disk is bare.
func (n *Node) LoseDisk(ctx context.Context, d Disk) error {
	if err := n.lab.WantUp(); err != nil {
		return err
	}
	if err := os.WriteFile(n.path("lost-"+string(d)), nil, 0o644); err != nil {
		return err
	}
	if n.State() == Off {
		return nil
	}
	return shutDown(n.mounted(d))
}

// wantMounted refuses a node that is off, whose disks are not mounted.
func (n *Node) wantMounted(d Disk) error {
	if n.State() == Off {
		return fmt.Errorf("%s is off", n.Name)
	}
	if !exists(filepath.Join(n.mounted(d), "files")) {
		return errors.New(n.Name + ": its " + string(d) + " disk is lost")
	}
	return nil
}
