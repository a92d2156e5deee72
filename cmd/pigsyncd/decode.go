package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// decoder fills structs from YAML and notes every problem with its place, and the place of every
// value for those who look closer. It never repeats a value it cannot read: it may be a secret.
type decoder struct {
	file     string
	places   map[string]token.Position // by path: "inventories[0].git.url"
	unread   map[string]bool           // by path: what could not be read
	problems []problem
}

// problem is something wrong at a place of the configuration.
type problem struct {
	pos  token.Position
	path string
	msg  string
}

func newDecoder(file string) *decoder {
	return &decoder{file: file, places: map[string]token.Position{}, unread: map[string]bool{}}
}

func (d *decoder) pos(n *yaml.Node) token.Position {
	return token.Position{Filename: d.file, Line: n.Line, Column: n.Column}
}

// wrong is about what cannot be read.
func (d *decoder) wrong(n *yaml.Node, path, format string, args ...any) {
	d.unread[path] = true
	d.problems = append(d.problems, problem{d.pos(n), path, fmt.Sprintf(format, args...)})
}

// wrongAt is about values that were read, and is silent about what was not. What is not there is
// wrong at the nearest thing around it.
func (d *decoder) wrongAt(path, format string, args ...any) {
	var pos token.Position
	for at := path; ; at = at[:max(0, strings.LastIndexAny(at, ".["))] {
		if d.unread[at] {
			return
		}
		if !pos.IsValid() {
			pos = d.places[at]
		}
		if at == "" {
			break
		}
	}
	if !pos.IsValid() { // an empty file
		pos = token.Position{Filename: d.file, Line: 1, Column: 1}
	}
	d.problems = append(d.problems, problem{pos, path, fmt.Sprintf(format, args...)})
}

// err is all problems, a line each, in the order of their places.
func (d *decoder) err() error {
	slices.SortStableFunc(d.problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.pos.Line, b.pos.Line), cmp.Compare(a.pos.Column, b.pos.Column))
	})
	var all []error
	for _, p := range d.problems {
		if p.path != "" {
			p.msg = p.path + ": " + p.msg
		}
		all = append(all, fmt.Errorf("%s: %s", p.pos, p.msg))
	}
	return errors.Join(all...)
}

// decode fills out, a pointer to a struct, from text. An empty text fills nothing.
func (d *decoder) decode(text []byte, out any) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		d.unread[""] = true
		d.problems = append(d.problems, problem{syntaxPlace(d.file, err), "", "not YAML: " + syntaxText(err)})
		return
	}
	if len(doc.Content) > 0 {
		d.fill(doc.Content[0], reflect.ValueOf(out).Elem(), "")
	}
}

var duration = reflect.TypeFor[time.Duration]()

// fill sets v, of one of the few types a configuration is made of. Null leaves the default.
func (d *decoder) fill(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.places[path] = d.pos(n)
	if n.Tag == "!!null" {
		return
	}
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.fill(n, v.Elem(), path)
	case v.Kind() == reflect.Struct:
		d.fillStruct(n, v, path)
	case v.Kind() == reflect.Slice:
		d.fillSlice(n, v, path)
	case v.Kind() == reflect.Map:
		d.fillMap(n, v, path)
	default:
		d.fillScalar(n, v, path)
	}
}

func (d *decoder) fillStruct(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.wrong(n, path, "want a mapping, got %s", kindOf(n))
		return
	}
	fields := fieldsOf(v.Type())
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, name := n.Content[i], n.Content[i].Value
		field, known := fields[name]
		switch {
		case seen[name]:
			d.wrong(key, join(path, name), "is given twice")
		case !known:
			d.wrong(key, join(path, name), "unknown key%s", instead(name, fields))
		default:
			d.fill(n.Content[i+1], v.Field(field), join(path, name))
		}
		seen[name] = true
	}
}

func (d *decoder) fillSlice(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.wrong(n, path, "want a list, got %s", kindOf(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.fill(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

// fillMap fills a mapping whose keys are texts of the administrator's choice.
func (d *decoder) fillMap(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.wrong(n, path, "want a mapping, got %s", kindOf(n))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i < len(n.Content); i += 2 {
		key := reflect.ValueOf(n.Content[i].Value)
		if n.Content[i].Kind != yaml.ScalarNode || v.MapIndex(key).IsValid() {
			d.wrong(n.Content[i], join(path, n.Content[i].Value), "want a text that is no key already")
			continue
		}
		value := reflect.New(v.Type().Elem()).Elem()
		d.fill(n.Content[i+1], value, join(path, n.Content[i].Value))
		v.SetMapIndex(key, value)
	}
}

func (d *decoder) fillScalar(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.wrong(n, path, "want %s, got %s", wanted(v), kindOf(n))
		return
	}
	switch {
	case v.Type() == duration:
		t, err := time.ParseDuration(n.Value)
		if err != nil || t < 0 {
			d.wrong(n, path, "want %s", wanted(v))
		}
		v.SetInt(int64(t))
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(strings.ToLower(n.Value))
		if err != nil || n.Tag != "!!bool" {
			d.wrong(n, path, "want %s", wanted(v))
		}
		v.SetBool(b)
	case v.Kind() == reflect.Int:
		i, err := strconv.Atoi(n.Value)
		if err != nil || i < 0 {
			d.wrong(n, path, "want %s", wanted(v))
		}
		v.SetInt(int64(i))
	default:
		v.SetString(n.Value)
	}
}

// wanted says what a scalar should be.
func wanted(v reflect.Value) string {
	switch {
	case v.Type() == duration:
		return "a time such as 30s or 5m"
	case v.Kind() == reflect.Bool:
		return "true or false"
	case v.Kind() == reflect.Int:
		return "a whole number"
	}
	return "a text"
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}

// fieldsOf gives the index of every field by its key.
func fieldsOf(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" {
			fields[key] = i
		}
	}
	return fields
}

// instead proposes the key that was probably meant, or names all.
func instead(name string, fields map[string]int) string {
	var keys []string
	for key := range fields {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	if near := nearest(name, keys); near != "" {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	return ": want one of " + strings.Join(keys, ", ")
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// syntaxPlace finds the line that the parser names in its words; it has no better way to tell.
func syntaxPlace(file string, err error) token.Position {
	pos := token.Position{Filename: file, Line: 1, Column: 1}
	if _, after, ok := strings.Cut(err.Error(), "line "); ok {
		digits, _, _ := strings.Cut(after, ":")
		if line, err := strconv.Atoi(digits); err == nil {
			pos.Line = line
		}
	}
	return pos
}

// syntaxText is what the parser says without its prefix, its line and what it quotes of the file.
func syntaxText(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.HasPrefix(text, "line ") {
		_, text, _ = strings.Cut(text, ": ")
	}
	if strings.HasPrefix(text, "unknown anchor") {
		return "an alias without its anchor: quote a text that begins with *"
	}
	return text
}
