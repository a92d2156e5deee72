package inventory

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// patch replaces a stretch of the text.
type patch struct {
	begin, end int
	text       string
}

type patches []patch

// overlap reports whether any of the new patches would disturb one that is there.
func (p patches) overlap(more patches) bool {
	for _, a := range p {
		for _, b := range more {
			if a.begin == b.begin || a.begin < b.end && b.begin < a.end {
				return true
			}
		}
	}
	return false
}

func (p patches) apply(text []byte) []byte {
	sorted := slices.Clone(p)
	slices.SortFunc(sorted, func(a, b patch) int { return cmp.Compare(a.begin, b.begin) })
	var out bytes.Buffer
	at := 0
	for _, one := range sorted {
		out.Write(text[at:one.begin])
		out.WriteString(one.text)
		at = one.end
	}
	out.Write(text[at:])
	return out.Bytes()
}

var (
	errRoot = errors.New("the whole file cannot be replaced")
	errMap  = errors.New("this is no mapping")
	errList = errors.New("this is no list")
)

func (d *draft) set(at slot, value any) (patches, error) {
	if at.parent == nil {
		return nil, errRoot
	}
	begin, end, err := d.replaceable(at)
	if err != nil {
		return nil, err
	}
	text, err := d.written(at, value, d.column(d.body(at.value)))
	if err != nil {
		return nil, err
	}
	if begin > 0 && strings.IndexByte(" \t\r\n[{", d.text[begin-1]) < 0 {
		text = " " + text
	}
	if comment := d.header(at.value); comment > begin {
		return patches{{begin, comment, text}, {d.lineEnd(comment), end, ""}}, nil
	}
	return patches{{begin, end, text}}, nil
}

// header returns where the comment begins on the line on which a literal text is announced, with
// the blanks before it; zero when there is none.
func (d *draft) header(n *yaml.Node) int {
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		return 0
	}
	at := d.body(n)
	line := d.text[at:d.lineEnd(at)]
	comment := bytes.IndexByte(line, '#')
	if comment < 0 {
		return 0
	}
	return at + len(bytes.TrimRight(line[:comment], " \t"))
}

// replaceable returns the stretch that a new value takes the place of. An anchor stays; a tag
// belongs to the old value.
func (d *draft) replaceable(at slot) (begin, end int, err error) {
	if end, err = d.end(at); err != nil {
		return 0, 0, err
	}
	switch {
	case isEmpty(at.value):
		return end, end, nil
	case at.value.Style&yaml.TaggedStyle != 0:
		return d.begin(at.value), end, nil
	}
	return d.body(at.value), end, nil
}

// written is a new value as it is written at a place: like the value before where that is possible.
func (d *draft) written(at slot, value any, column int) (string, error) {
	old := at.value
	if old.Kind == yaml.ScalarNode || old.Kind == yaml.AliasNode || isFlow(old) || isFlow(at.parent) {
		return inline(value, old.Style)
	}
	lines, err := block(value, column)
	return strings.Join(lines, d.newline()+strings.Repeat(" ", column)), err
}

func (d *draft) rename(at slot, name string) (patches, error) {
	if at.key == nil {
		return nil, errors.New("only a key has a name")
	}
	if err := d.shared(at.key); err != nil {
		return nil, err
	}
	end, err := d.endOf(at.key)
	if err != nil {
		return nil, err
	}
	text, err := inline(name, at.key.Style)
	return patches{{d.body(at.key), end, text}}, err
}

func (d *draft) insert(at slot, e Edit) (patches, error) {
	switch {
	case isEmpty(at.value):
		return d.insertFirst(at, e)
	case at.value.Kind == yaml.ScalarNode && at.value.Tag == "!!null" && at.parent != nil:
		return d.set(at, Pairs{{e.name, e.value}})
	case at.value.Kind != yaml.MappingNode:
		return nil, errMap
	}
	pairs := at.value.Content
	if isFlow(at.value) || len(pairs) == 0 {
		text, err := inlinePair(e.name, e.value)
		if err != nil {
			return nil, err
		}
		return d.insertFlow(at.value, e.after, text)
	}
	lines, err := blockPair(e.name, e.value)
	if err != nil {
		return nil, err
	}
	sibling, err := d.sibling(at.value, e.after)
	if err != nil {
		return nil, err
	}
	return d.insertLines(sibling, d.column(d.begin(pairs[0])), lines)
}

// insertFirst gives a key without a value its first entry.
func (d *draft) insertFirst(at slot, e Edit) (patches, error) {
	if at.key == nil || isFlow(at.parent) {
		return d.set(at, Pairs{{e.name, e.value}})
	}
	lines, err := blockPair(e.name, e.value)
	if err != nil {
		return nil, err
	}
	return d.insertLines(at, d.column(d.begin(at.key))+2, lines)
}

func (d *draft) append(at slot, value any) (patches, error) {
	if at.value.Kind != yaml.SequenceNode {
		return nil, errList
	}
	items := at.value.Content
	if isFlow(at.value) || len(items) == 0 {
		text, err := inline(value, 0)
		if err != nil {
			return nil, err
		}
		return d.insertFlow(at.value, "", text)
	}
	lines, err := blockItem(value)
	if err != nil {
		return nil, err
	}
	dash, err := d.dash(items[0])
	if err != nil {
		return nil, err
	}
	last := slot{parent: at.value, value: items[len(items)-1], index: len(items) - 1}
	return d.insertLines(last, d.column(dash), lines)
}

// dash returns where the dash of an item is.
func (d *draft) dash(item *yaml.Node) (int, error) {
	before := bytes.TrimRight(d.text[:d.begin(item)], " \t")
	if !bytes.HasSuffix(before, []byte("-")) {
		return 0, errEnd
	}
	return len(before) - 1, nil
}

// sibling finds the entry of a mapping behind which something is to go.
func (d *draft) sibling(n *yaml.Node, after string) (slot, error) {
	if after != "" {
		return into(n, step{key: after})
	}
	last := len(n.Content) - 2
	return slot{parent: n, key: n.Content[last], value: n.Content[last+1], index: last}, nil
}

// insertLines puts lines behind the entry at a place.
func (d *draft) insertLines(at slot, column int, lines []string) (patches, error) {
	end, err := d.end(at)
	if err != nil {
		return nil, err
	}
	if !d.restIsBlank(end) {
		return nil, errEnd
	}
	indent, newline := strings.Repeat(" ", column), d.newline()
	text := indent + strings.Join(lines, newline+indent)
	if next := d.nextLine(end); next > d.lineEnd(end) {
		return patches{{next, next, text + newline}}, nil
	}
	return patches{{len(d.text), len(d.text), newline + text}}, nil
}

// insertFlow puts text into brackets, behind the entry called after or at the end.
func (d *draft) insertFlow(n *yaml.Node, after, text string) (patches, error) {
	if len(n.Content) == 0 {
		return d.fillBrackets(n, text)
	}
	at := slot{parent: n, value: n.Content[len(n.Content)-1]}
	if n.Kind == yaml.MappingNode {
		var err error
		if at, err = d.sibling(n, after); err != nil {
			return nil, err
		}
	}
	end, err := d.end(at)
	return patches{{end, end, ", " + text}}, err
}

func (d *draft) fillBrackets(n *yaml.Node, text string) (patches, error) {
	end, err := d.endOf(n)
	if err != nil {
		return nil, err
	}
	begin := d.body(n) + 1
	if inside := d.text[begin : end-1]; !isBlank(inside) {
		return patches{{begin, begin, text}}, nil
	}
	if n.Kind == yaml.MappingNode {
		text = " " + text + " "
	}
	return patches{{begin, end - 1, text}}, nil
}

// change makes an edit in the tree: this is what Apply expects to read back.
func change(n *node, steps []step, e Edit) (*node, error) {
	if len(steps) == 0 {
		return grow(n, e)
	}
	changed := *n
	if len(steps) == 1 && e.op == opRename {
		return &changed, changed.renameEntry(steps[0].key, e.name)
	}
	if len(steps) == 1 && e.op == opLift {
		return &changed, changed.liftEntry(steps[0].key)
	}
	last := len(steps) == 1 && e.op == opDelete
	if steps[0].item {
		return &changed, changed.changeItem(steps, e, last)
	}
	return &changed, changed.changeEntry(steps, e, last)
}

func (n *node) changeItem(steps []step, e Edit, remove bool) error {
	i := steps[0].index
	if i >= len(n.list) {
		return fmt.Errorf("there is no item %d", i)
	}
	n.list = slices.Clone(n.list)
	if remove {
		n.list = slices.Delete(n.list, i, i+1)
		return nil
	}
	var err error
	n.list[i], err = change(n.list[i], steps[1:], e)
	return err
}

func (n *node) changeEntry(steps []step, e Edit, remove bool) error {
	i := n.indexOf(steps[0].key)
	if i < 0 {
		return fmt.Errorf("there is no key %s", quoteKey(steps[0].key))
	}
	n.entries = slices.Clone(n.entries)
	if remove {
		n.entries = slices.Delete(n.entries, i, i+1)
		return nil
	}
	var err error
	n.entries[i].value, err = change(n.entries[i].value, steps[1:], e)
	return err
}

func (n *node) indexOf(key string) int {
	return slices.IndexFunc(n.entries, func(e entry) bool { return e.key.text == key })
}
