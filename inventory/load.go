package inventory

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"gopkg.in/yaml.v3"
)

// Limits against hostile input. Real inventories of a thousand hosts are far below all of them.
const (
	maxBytes       = 4 << 20   // of a file
	maxTotal       = 16 << 20  // of all files
	maxNodes       = 500_000   // YAML values, each alias counted as what it stands for
	maxDepth       = 64        // of nesting, through aliases; and of groups in groups
	maxKey         = 1024      // bytes of a key
	maxGroups      = 5_000     // definitions of groups
	maxVaults      = 1_000     // values and files that ansible-vault has encrypted: passwords are slow to try
	maxHosts       = 100_000   // mentions of hosts, those that a range stands for counted one by one
	maxMemberships = 2_000_000 // hosts times the groups they are in, parents included
)

// Load reads the inventory called name in fsys, with the group_vars and host_vars beside it, and
// resolves it. The problems are sorted and complete up to the first thousand. The error is not
// nil when the file cannot be read as an inventory at all; when that is due to its content,
// errors.As finds a Problem with the place.
func Load(fsys fs.FS, name string) (*Inventory, []Problem, error) {
	return LoadWith(fsys, name, Options{})
}

// LoadWith is Load with the keys and places that the options allow.
func LoadWith(fsys fs.FS, name string, options Options) (*Inventory, []Problem, error) {
	return newLoader(fsys, name, options).load()
}

func (l *loader) load() (*Inventory, []Problem, error) {
	text, err := l.read(l.src)
	if err != nil {
		return nil, nil, err
	}
	if inv := l.shared(text); inv != nil {
		return inv, slices.Clone(inv.said), nil
	}
	root, err := l.root(text)
	if err != nil {
		return nil, nil, err
	}
	inv, err := l.build(root)
	if err != nil {
		return nil, nil, err
	}
	inv.said = inv.discreet(l.problems.result())
	own := inv.src.kept
	inv.read, inv.src.kept = &own, kept{}
	return inv, slices.Clone(inv.said), nil
}

// opened reports whether anything of the inventory may have been decrypted.
func (l *loader) opened() bool {
	if l.vaults > 0 {
		return true
	}
	for _, src := range l.files {
		if src.sealed || src.sops {
			return true
		}
	}
	return false
}

// loader reads the files of one inventory.
type loader struct {
	fsys     fs.FS
	name     string
	options  Options
	files    fileSet
	prev     *Inventory // the state before, when it is loaded again
	groups   int        // about as many as there will be
	hosts    int
	src      *source // of the inventory itself
	problems *collector
	rereads  bool                 // what was parsed is read again after it was converted
	bytes    int                  // read so far
	nodes    int                  // converted so far
	vaults   int                  // opened so far
	sops     map[*yaml.Node]*seal // values that stand encrypted in a SOPS file
}

func newLoader(fsys fs.FS, name string, options Options) *loader {
	l := &loader{fsys: fsys, name: name, options: options, files: fileSet{}}
	l.src = l.files.newSource(name)
	l.src.plans = &plans{}
	l.problems = &collector{src: l.src}
	return l
}

// root converts the inventory's own file.
func (l *loader) root(text []byte) (*node, error) {
	root, err := l.converted(l.src, text)
	if root == nil && err == nil {
		return nil, refuse(l.src, 1, 1, CodeNoGroups, "the inventory is empty")
	}
	return root, err
}

// file reads and converts one file; nil when there is nothing in it.
func (l *loader) file(src *source) (*node, error) {
	text, err := l.read(src)
	if err != nil {
		return nil, err
	}
	return l.converted(src, text)
}

func (l *loader) converted(src *source, text []byte) (*node, error) {
	options := l.options // of its own: what was read outlives its loader
	src.options = &options
	text, err := l.unseal(src, text)
	if err != nil {
		return nil, err
	}
	if root, ok := l.again(src, text); ok {
		return root, nil
	}
	return l.parsed(src, text)
}

func (l *loader) parsed(src *source, text []byte) (*node, error) {
	if src.json = isJSON(text); src.json {
		text = yamlOfJSON(text)
	}
	doc, err := parseAny(src, text)
	if err != nil || doc == nil {
		return nil, err
	}
	if err := l.openSOPS(src, doc); err != nil {
		return nil, err
	}
	nodes, said := l.nodes, len(l.problems.list)
	simple := !src.json && !src.sealed && plainBreaks(text) && plainTree(doc)
	root, err := l.convert(src, doc)
	if err == nil {
		src.keep(text, root, l.nodes-nodes, simple && said == len(l.problems.list))
	}
	return root, err
}

func (l *loader) read(src *source) ([]byte, error) {
	f, err := l.fsys.Open(src.name)
	if err != nil {
		return nil, fmt.Errorf("read inventory: %w", err)
	}
	text, err := readAll(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("read inventory: %w", err)
	}
	if len(text) > maxBytes {
		return nil, refuse(src, 1, 1, CodeTooLarge, "larger than %d MiB", maxBytes>>20)
	}
	if l.bytes += len(text); l.bytes > maxTotal {
		return nil, refuse(src, 1, 1, CodeTooLarge, "with this file the inventory is larger than %d MiB", maxTotal>>20)
	}
	return text, nil
}

// readAll reads a file, and of one that is too large as much as shows that.
func readAll(f fs.File) ([]byte, error) {
	var text bytes.Buffer
	if info, err := f.Stat(); err == nil {
		text.Grow(int(min(info.Size(), maxBytes)) + bytes.MinRead)
	}
	_, err := text.ReadFrom(io.LimitReader(f, maxBytes+1))
	return text.Bytes(), err
}

// refuse makes the error for a file that cannot be read as an inventory.
func refuse(src *source, line, col int, code, format string, args ...any) error {
	return Problem{Pos: src.node(line, col).pos(), Code: code, Msg: fmt.Sprintf(format, args...)}
}
