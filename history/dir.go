package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// private makes dir when there is none and refuses one that others may write to.
func private(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err == nil && info.Mode().Perm()&0o022 != 0 {
		err = fmt.Errorf("others may write to it (%v): chmod 700", info.Mode().Perm())
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

// ensure makes a directory of ours and refuses one that is not ours alone.
func ensure(root *os.Root, dir string) error {
	if err := root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return alone(root, dir)
}

// alone refuses what is no directory or is open to others.
func alone(root *os.Root, dir string) error {
	info, err := root.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is not a directory of its owner alone (%v): chmod 700", dir, info.Mode())
	}
	return nil
}
