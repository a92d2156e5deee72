package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
)

var snapshotRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Snapshot keeps the disks of every node under a name, each as of one instant. Nodes that are
// on stay on; their writes wait meanwhile.
func (l *Lab) Snapshot(ctx context.Context, name string) error {
	return l.each(func(n *Node) error { return n.Snapshot(ctx, name) })
}

// Reset takes every node back to a snapshot, or to bare when name is "", and starts it.
func (l *Lab) Reset(ctx context.Context, name string) error {
	return l.each(func(n *Node) error { return n.Reset(ctx, name) })
}

// Snapshot keeps the node's disks as of now under a name, in place of an earlier one.
func (n *Node) Snapshot(ctx context.Context, name string) (err error) {
	if !snapshotRule.MatchString(name) {
		return fmt.Errorf("snapshot name %q: want letters, digits, dots and dashes", name)
	}
	release, err := n.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	dir := n.path("snapshots", name)
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return err
	}
	if n.State() != Off {
		thaw, err := n.freeze(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, thaw()) }()
	}
	for _, d := range Disks() {
		if err := copyImage(ctx, n.image(d), n.path("snapshots", name, string(d)+".img")); err != nil {
			return err
		}
	}
	return nil
}

// freeze stops writes to the node's disks, in order: root last frozen is first thawed.
func (n *Node) freeze(ctx context.Context) (thaw func() error, err error) {
	var frozen []string
	thaw = func() error {
		var errs []error
		for _, path := range frozen {
			_, err := run(context.WithoutCancel(ctx), "fsfreeze", "--unfreeze", path)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
	for _, d := range Disks() {
		if _, err := run(ctx, "fsfreeze", "--freeze", n.mounted(d)); err != nil {
			return nil, errors.Join(err, thaw())
		}
		frozen = append(frozen, n.mounted(d))
	}
	return thaw, nil
}

// Reset cuts the node's power, takes its disks back to a snapshot, or to bare when name is
// "", mends its network and starts it.
func (n *Node) Reset(ctx context.Context, name string) error {
	release, err := n.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	if name != "" && !exists(n.path("snapshots", name)) {
		return fmt.Errorf("%s has no snapshot %q", n.Name, name)
	}
	if err := n.powerCut(ctx); err != nil {
		return err
	}
	if err := remove(n.path("cut")); err != nil {
		return err
	}
	for _, d := range Disks() {
		if err := errors.Join(remove(n.image(d)), remove(n.path("lost-"+string(d)))); err != nil {
			return err
		}
		if name == "" {
			continue
		}
		if err := copyImage(ctx, n.path("snapshots", name, string(d)+".img"), n.image(d)); err != nil {
			return err
		}
	}
	return n.powerOn(ctx)
}

// copyImage copies what is written of a disk.
func copyImage(ctx context.Context, from, to string) error {
	_, err := run(ctx, "cp", "--sparse=always", "--reflink=auto", from, to)
	return err
}
