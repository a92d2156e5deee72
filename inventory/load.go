package inventory

import (
	"fmt"
	"io"
	"io/fs"
)

// Limits against hostile input. Real inventories of a thousand hosts are far below all of them.
const (
	maxBytes       = 4 << 20   // of a file
	maxNodes       = 500_000   // YAML values, each alias counted as what it stands for
	maxDepth       = 64        // of nesting, through aliases; and of groups in groups
	maxKey         = 1024      // bytes of a key
	maxGroups      = 5_000     // definitions of groups
	maxMemberships = 2_000_000 // hosts times the groups they are in, parents included
)

// Load reads the inventory called name in fsys and resolves it. The problems are sorted and
// complete up to the first thousand. The error is not nil when the file cannot be read as an
// inventory at all; when that is due to its content, errors.As finds a Problem with the place.
func Load(fsys fs.FS, name string) (*Inventory, []Problem, error) {
	return LoadWith(fsys, name, Options{})
}

// LoadWith is Load with the keys and places that the options allow.
func LoadWith(fsys fs.FS, name string, _ Options) (*Inventory, []Problem, error) {
	text, err := read(fsys, name)
	if err != nil {
		return nil, nil, err
	}
	src := &source{name: name}
	doc, err := parse(src, text)
	if err != nil {
		return nil, nil, err
	}
	problems := &collector{src: src}
	root, err := convert(src, doc, problems)
	if err != nil {
		return nil, nil, err
	}
	inv, err := build(root, problems)
	if err != nil {
		return nil, nil, err
	}
	return inv, problems.result(), nil
}

func read(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read inventory: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("read inventory: %w", err)
	}
	if len(text) > maxBytes {
		return nil, refuse(&source{name: name}, 1, 1, CodeTooLarge, "larger than %d MiB", maxBytes>>20)
	}
	return text, nil
}

// refuse makes the error for a file that cannot be read as an inventory.
func refuse(src *source, line, col int, code, format string, args ...any) error {
	return Problem{Pos: src.node(line, col).pos(), Code: code, Msg: fmt.Sprintf(format, args...)}
}
