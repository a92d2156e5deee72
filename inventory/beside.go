package inventory

import (
	"fmt"
	"io"
	"path"
)

// maxBeside bounds a file that is no inventory.
const maxBeside = 1 << 20

// Beside reads a file of the same tree, by its path from the directory of the inventory. No path leads out of
// the tree.
func (inv *Inventory) Beside(name string) ([]byte, error) {
	if path.IsAbs(name) {
		return nil, fmt.Errorf("%s is not in the repository", name)
	}
	f, err := inv.fsys.Open(path.Join(path.Dir(inv.File()), name))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxBeside+1))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil && len(text) > maxBeside {
		err = fmt.Errorf("%s is larger than %d MiB", name, maxBeside>>20)
	}
	return text, err
}
