package inventory

import (
	"bytes"
	"strings"

	"gopkg.in/yaml.v3"
)

func (d *draft) remove(at slot) (patches, error) {
	if at.parent == nil {
		return nil, errRoot
	}
	end, err := d.end(at)
	if err != nil {
		return nil, err
	}
	if isFlow(at.parent) {
		return d.removeFlow(at, end)
	}
	begin, err := d.entry(at)
	if err != nil {
		return nil, err
	}
	if len(at.parent.Content) == at.width() {
		return patches{{begin, end, empty(at)}}, nil
	}
	if !isBlank(d.text[d.lineStart(begin):begin]) {
		return d.removeFirst(at, begin, end)
	}
	if !d.restIsBlank(end) {
		return nil, errEnd
	}
	return d.removeLines(d.lineStart(begin), end), nil
}

// width is how many nodes one entry takes: a key and a value, or an item.
func (p slot) width() int {
	if p.key != nil {
		return 2
	}
	return 1
}

// entry returns where an entry of a block begins: at its key, or at its dash.
func (d *draft) entry(at slot) (int, error) {
	if at.key != nil {
		return d.begin(at.key), nil
	}
	return d.dash(at.value)
}

// empty is what is left of a block whose only entry goes.
func empty(at slot) string {
	if at.key != nil {
		return "{}"
	}
	return " []" // it must stand further right than a key that the dash was under
}

// removeLines takes whole lines out. The last line of a file may have no line break: then the one
// before it goes, so that the file still ends as it did.
func (d *draft) removeLines(begin, end int) patches {
	next := d.nextLine(end)
	if next == d.lineEnd(end) && begin > 0 {
		begin--
		if begin > 0 && d.text[begin] == '\n' && d.text[begin-1] == '\r' {
			begin--
		}
	}
	return patches{{begin, next, ""}}
}

// removeFirst takes out an entry that begins behind the dash of an item: the next one moves there.
func (d *draft) removeFirst(at slot, begin, end int) (patches, error) {
	next := at.index + at.width()
	if next >= len(at.parent.Content) || !d.restIsBlank(end) {
		return nil, errEnd
	}
	follower := slot{parent: at.parent, value: at.parent.Content[next]}
	if at.key != nil {
		follower.key = follower.value
	}
	to, err := d.entry(follower)
	if err != nil {
		return nil, err
	}
	if between := d.text[d.nextLine(end):to]; !isBlank(between) {
		return patches{{begin, d.lineEnd(end), ""}}, nil // comments stay where they are
	}
	return patches{{begin, to, ""}}, nil
}

// removeFlow takes an entry out of brackets, with one comma.
func (d *draft) removeFlow(at slot, end int) (patches, error) {
	begin := d.begin(at.value)
	if at.key != nil {
		begin = d.begin(at.key)
	}
	comma := d.skipBlank(end)
	if comma < len(d.text) && d.text[comma] == ',' {
		return patches{{begin, d.afterComma(comma), ""}}, nil
	}
	before := bytes.TrimRight(d.text[:begin], " \t\r\n")
	if bytes.HasSuffix(before, []byte(",")) && at.index > 0 {
		return patches{{len(before) - 1, end, ""}}, nil
	}
	return patches{{begin, end, ""}}, nil
}

// afterComma returns where the next entry on the line begins, or the end of the line.
func (d *draft) afterComma(comma int) int {
	at := comma + 1
	for at < len(d.text) && strings.IndexByte(" \t", d.text[at]) >= 0 {
		at++
	}
	if at < len(d.text) && (d.text[at] == '#' || d.text[at] == '\n' || d.text[at] == '\r') {
		return comma + 1
	}
	return at
}

// lift takes out a key and moves what it held to where it stood; its comment gets a line to itself.
func (d *draft) lift(at slot) (patches, error) {
	if at.key == nil || at.value.Kind != yaml.MappingNode || len(at.value.Content) == 0 {
		return nil, errMap
	}
	end, err := d.endOf(at.value)
	if err != nil {
		return nil, err
	}
	begin, inner := d.begin(at.key), d.body(at.value)
	if isFlow(at.value) {
		return patches{{begin, inner, ""}, {inner, end, trimBrackets(d.text[inner:end])}}, nil
	}
	from, err := d.from(at)
	if err != nil {
		return nil, err
	}
	if !isBlank(d.text[d.lineStart(begin):begin]) || d.nextLine(from) > inner {
		return nil, errEnd
	}
	made := patches{{begin, d.skipSpaces(from), ""}}
	if made[0].end == d.lineEnd(from) {
		made[0] = patch{d.lineStart(begin), d.nextLine(from), ""}
	}
	return append(made, d.dedent(d.nextLine(from), end, d.column(inner)-d.column(begin))...), nil
}

func trimBrackets(text []byte) string {
	return strings.Trim(string(text[1:len(text)-1]), " \t\r\n,")
}

func (d *draft) skipSpaces(at int) int {
	for at < len(d.text) && (d.text[at] == ' ' || d.text[at] == '\t') {
		at++
	}
	return at
}

// dedent moves lines to the left.
func (d *draft) dedent(begin, end, by int) patches {
	var made patches
	for at := begin; at < end; at = d.nextLine(at) {
		if n := min(d.skipSpaces(at)-at, by); n > 0 {
			made = append(made, patch{at, at + n, ""})
		}
	}
	return made
}
