package sops

import (
	"crypto/hmac"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// The ways in which a file does not open. An Error is one of them.
var (
	ErrKey         = errors.New("no key opens it")
	ErrFormat      = errors.New("not as SOPS writes it")
	ErrMAC         = errors.New("changed since it was encrypted")
	ErrUnsupported = errors.New("not supported")
)

// Error says what is wrong and where in the file.
type Error struct {
	Line, Column int
	Kind         error
	Msg          string
}

// Error is the message.
func (e *Error) Error() string { return e.Msg }

// Unwrap is the kind.
func (e *Error) Unwrap() error { return e.Kind }

func wrong(at *yaml.Node, kind error, msg string) error {
	return &Error{Line: at.Line, Column: at.Column, Kind: kind, Msg: msg}
}

// Is reports whether the top of a document is that of a SOPS file.
func Is(root *yaml.Node) bool {
	at, ok := find(root)
	if !ok || root.Content[at+1].Kind != yaml.MappingNode {
		return false
	}
	meta := root.Content[at+1]
	for i := 0; i+1 < len(meta.Content); i += 2 {
		if meta.Content[i].Value == "mac" {
			return true
		}
	}
	return false
}

// find returns where the metadata is among the content of the top mapping.
func find(root *yaml.Node) (int, bool) {
	if root.Kind != yaml.MappingNode {
		return 0, false
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "sops" {
			return i, true
		}
	}
	return 0, false
}

// Open opens the values of a SOPS file in their places and takes the metadata away. It returns the
// values that were sealed. After an error, which is an *Error, the tree is as it was.
func Open(root *yaml.Node, keys *Keys) (opened []*yaml.Node, err error) {
	at, ok := find(root)
	if !ok {
		return nil, wrong(root, ErrFormat, "it has no metadata of SOPS")
	}
	meta, err := readMetadata(root.Content[at+1])
	if err != nil {
		return nil, err
	}
	key, err := meta.dataKey(root.Content[at], keys)
	if err != nil {
		return nil, err
	}
	o := &opener{meta: meta, key: key, mac: sha512.New(), plain: map[*yaml.Node]value{}, remarks: map[*yaml.Node]*yaml.Node{}}
	if meta.MACOnlyEncrypted {
		o.mac.Write(onlyEncrypted)
	}
	if err := o.mapping(without(root, at), nil); err != nil {
		return nil, err
	}
	if err := o.verify(root.Content[at]); err != nil {
		return nil, err
	}
	root.Content = without(root, at).Content
	return o.apply(), nil
}

// Lock takes the metadata away and leaves the values as they are. It returns the sealed ones.
func Lock(root *yaml.Node) (sealed []*yaml.Node) {
	if at, ok := find(root); ok {
		root.Content = without(root, at).Content
	}
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		if n.Kind == yaml.SequenceNode {
			n.Content = slices.DeleteFunc(n.Content, isRemark)
		}
		if n.Kind == yaml.ScalarNode && Sealed(n.Value) {
			sealed = append(sealed, n)
		}
		for _, child := range n.Content {
			visit(child)
		}
	}
	visit(root)
	return sealed
}

// isRemark reports whether an item of a list is a sealed comment.
func isRemark(item *yaml.Node) bool {
	return item.Kind == yaml.ScalarNode && Sealed(item.Value) && strings.HasSuffix(item.Value, ",type:comment]")
}

// without returns the top mapping without its metadata.
func without(root *yaml.Node, at int) *yaml.Node {
	rest := *root
	rest.Content = append(append([]*yaml.Node{}, root.Content[:at]...), root.Content[at+2:]...)
	return &rest
}

// onlyEncrypted begins the MAC of files that authenticate their sealed values alone.
var onlyEncrypted = []byte{
	0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b,
	0x0b, 0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
}

// opener walks over a file once.
type opener struct {
	meta    *metadata
	key     []byte
	mac     hash.Hash
	plain   map[*yaml.Node]value
	order   []*yaml.Node              // the keys of plain, as they stand in the file
	remarks map[*yaml.Node]*yaml.Node // comments among items, and the lists they are in
}

func (o *opener) node(n *yaml.Node, path []string) error {
	switch n.Kind {
	case yaml.MappingNode:
		return o.mapping(n, path)
	case yaml.SequenceNode:
		return o.sequence(n, path)
	case yaml.AliasNode:
		return wrong(n, ErrUnsupported, "an alias in a SOPS file: SOPS writes out what it stands for")
	}
	return o.scalar(n, path)
}

// sequence opens the items of a list. SOPS keeps a comment between items as an item of its own, which
// is no part of the MAC.
func (o *opener) sequence(n *yaml.Node, path []string) error {
	for _, item := range n.Content {
		if v, err := o.comment(item, path); err == nil && v.kind == "comment" {
			o.remarks[item] = n
			continue
		}
		if err := o.node(item, path); err != nil {
			return err
		}
	}
	return nil
}

func (o *opener) comment(item *yaml.Node, path []string) (value, error) {
	if !isRemark(item) || !o.meta.sealed(path) {
		return value{}, errForm
	}
	return unseal(item.Value, o.key, placeOf(path))
}

// placeOf is the form in which a path is authenticated with its value.
func placeOf(path []string) string { return strings.Join(path, ":") + ":" }

func (o *opener) mapping(n *yaml.Node, path []string) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			return wrong(key, ErrFormat, "a key that is a list or mapping: SOPS writes none")
		}
		inside := append(path[:len(path):len(path)], key.Value)
		if err := o.node(n.Content[i+1], inside); err != nil {
			return err
		}
	}
	return nil
}

func (o *opener) scalar(n *yaml.Node, path []string) error {
	if n.ShortTag() == "!!null" {
		return nil
	}
	if !o.meta.sealed(path) {
		return o.bare(n)
	}
	if n.Value == "" {
		return nil // SOPS leaves empty text as it is
	}
	v, err := unseal(n.Value, o.key, placeOf(path))
	switch {
	case errors.Is(err, errForm), v.kind == "comment":
		return wrong(n, ErrFormat, "a value that is not encrypted, though the rules under sops say it is: encrypt the file again with sops")
	case err != nil:
		return wrong(n, ErrMAC, "this value was changed, or moved here from another place, since SOPS encrypted it")
	}
	o.plain[n] = v
	o.order = append(o.order, n)
	o.mac.Write([]byte(v.authenticated()))
	return nil
}

// authenticated is the form in which the value is part of the MAC.
func (v value) authenticated() string {
	switch v.kind {
	case "float":
		f, _ := strconv.ParseFloat(v.text, 64) // it was judged
		return strconv.FormatFloat(f, 'f', -1, 64)
	case "int":
		i, _ := strconv.Atoi(v.text)
		return strconv.Itoa(i)
	case "bool":
		b, _ := strconv.ParseBool(v.text)
		return boolean(b)
	case "time":
		t, _ := time.Parse(time.RFC3339Nano, v.text)
		return t.Format(time.RFC3339Nano)
	}
	return v.text
}

func boolean(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// bare adds a value that is not sealed to the MAC, as SOPS reads it.
func (o *opener) bare(n *yaml.Node) error {
	if o.meta.MACOnlyEncrypted {
		return nil
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return wrong(n, ErrFormat, "a value that does not fit its tag")
	}
	switch v := v.(type) {
	case nil:
	case string:
		o.mac.Write([]byte(v))
	case bool:
		o.mac.Write([]byte(boolean(v)))
	case int:
		o.mac.Write([]byte(strconv.Itoa(v)))
	case float64:
		o.mac.Write([]byte(strconv.FormatFloat(v, 'f', -1, 64)))
	case time.Time:
		o.mac.Write([]byte(v.Format(time.RFC3339Nano)))
	default:
		return wrong(n, ErrFormat, "a value of a kind that SOPS does not write")
	}
	return nil
}

func (o *opener) verify(at *yaml.Node) error {
	mac, err := unseal(o.meta.MAC, o.key, o.meta.Modified)
	if err != nil {
		return wrong(at, ErrMAC, "the MAC of the file does not open: its metadata was changed since SOPS encrypted it")
	}
	if !hmac.Equal([]byte(mac.text), fmt.Appendf(nil, "%X", o.mac.Sum(nil))) {
		return wrong(at, ErrMAC, "the file was changed since SOPS encrypted it: edit it with sops, which keeps its MAC")
	}
	return nil
}

// apply puts the plain values where the sealed ones were.
func (o *opener) apply() []*yaml.Node {
	for _, list := range o.remarks {
		list.Content = slices.DeleteFunc(list.Content, func(item *yaml.Node) bool { return o.remarks[item] != nil })
	}
	for n, v := range o.plain {
		n.Value, n.Style = v.text, 0
		switch v.kind {
		case "int":
			n.Tag = "!!int"
		case "float":
			n.Tag = "!!float"
		case "bool":
			n.Tag = "!!bool"
		case "time":
			n.Tag = "!!timestamp"
		default:
			n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
		}
	}
	return o.order
}
