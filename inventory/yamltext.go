package inventory

import (
	"errors"

	"gopkg.in/yaml.v3"
)

// maxYAMLText is how many values a text that an expression reads as YAML may have.
const maxYAMLText = 20_000

// What keeps a text from being read, without quoting it: it may be a secret.
var (
	errNoYAML  = errors.New("not YAML, or more than it may be")
	errOddYAML = errors.New("a date, or a tag that it cannot have")
)

// ReadYAML reads a text as the filter from_yaml does, in the types that expressions compute with. What PyYAML
// would make an object of, such as a date, is refused.
func ReadYAML(text string) (any, error) {
	src := &source{}
	doc, err := parseAny(src, []byte(text))
	if err != nil {
		return nil, errNoYAML
	}
	if doc == nil {
		return nil, nil
	}
	if !plainTags(doc) {
		return nil, errOddYAML
	}
	problems := &collector{src: src}
	n, err := (&loader{problems: problems, nodes: maxNodes - maxYAMLText}).convert(src, doc)
	if err != nil || HasErrors(problems.list) {
		return nil, errNoYAML
	}
	if n.first(func(n *node) bool { return n.form == stamp }) != nil {
		return nil, errOddYAML
	}
	return toValue(n.literal()), nil
}

// plainTags reports whether no value has a tag of its own.
func plainTags(n *yaml.Node) bool {
	if n.Style&yaml.TaggedStyle != 0 {
		return false
	}
	for _, child := range n.Content {
		if !plainTags(child) {
			return false
		}
	}
	return true
}

// literal takes what looks like an expression for the text that it is.
func (n *node) literal() *node {
	if n.held == expression {
		n.held = ready
	}
	for _, item := range n.list {
		item.literal()
	}
	for _, e := range n.entries {
		e.key.literal()
		e.value.literal()
	}
	return n
}
