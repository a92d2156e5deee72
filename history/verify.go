package history

import (
	"errors"
	"fmt"
	"os"
)

// ErrTorn says that the last line has no end: it is being written, or its writer died there.
var ErrTorn = errors.New("torn last line")

// Verify checks every record of the journal in dir: its hash, its place in the chain, its payload.
// It fails with ErrTampered or ErrTorn, naming the file and line of the first that does not hold.
func Verify(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("verify journal: %w", err)
	}
	defer root.Close()
	if err := verify(root); err != nil {
		return fmt.Errorf("verify journal %s: %w", dir, err)
	}
	return nil
}

func verify(root *os.Root) error {
	fs, err := openAll(root)
	if err != nil {
		return err
	}
	defer closeAll(fs)
	e, err := walk(fs, &chain{}, func(r row) error {
		_, err := r.record()
		return err
	})
	if err == nil && e.torn > 0 {
		err = fmt.Errorf("%w: %s:%d", ErrTorn, e.name, e.torn)
	}
	return err
}
