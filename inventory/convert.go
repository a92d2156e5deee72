package inventory

import (
	"strings"

	"gopkg.in/yaml.v3"

	vaults "github.com/pigsync/pigsync/inventory/vault"
)

// convert turns the library's tree into ours: aliases followed, merge keys applied, scalars typed
// as PyYAML types them, duplicate keys reported.
func convert(src *source, doc *yaml.Node, problems *collector) (*node, error) {
	return (&loader{problems: problems, rereads: true}).convert(src, doc)
}

func (l *loader) convert(src *source, doc *yaml.Node) (*node, error) {
	m := &meter{src: src, total: l.nodes, known: map[*yaml.Node]extent{}}
	if _, err := m.measure(doc, 1); err != nil {
		return nil, err
	}
	l.nodes = m.total
	c := &converter{loader: l, src: src, problems: l.problems, json: src.json, frees: !l.rereads, done: map[*yaml.Node]*node{}}
	return c.node(doc), nil
}

// extent is the size of a tree with its aliases expanded.
type extent struct{ nodes, depth int }

// meter refuses trees that are too large before anything walks them whole.
type meter struct {
	src   *source
	total int
	known map[*yaml.Node]extent // of anchored nodes; zero while one is being measured
}

func (m *meter) measure(n *yaml.Node, level int) (extent, error) {
	if level > maxDepth {
		return extent{}, refuse(m.src, n.Line, n.Column, CodeLimit, "nested deeper than %d levels", maxDepth)
	}
	if n.Kind == yaml.AliasNode {
		return m.alias(n, level)
	}
	before := m.total
	if err := m.count(n, 1); err != nil {
		return extent{}, err
	}
	if n.Anchor != "" {
		m.known[n] = extent{}
	}
	e := extent{depth: 1}
	for _, child := range n.Content {
		sub, err := m.measure(child, level+1)
		if err != nil {
			return extent{}, err
		}
		e.depth = max(e.depth, sub.depth+1)
	}
	e.nodes = m.total - before
	if n.Anchor != "" {
		m.known[n] = e
	}
	return e, nil
}

func (m *meter) alias(n *yaml.Node, level int) (extent, error) {
	e := m.known[n.Alias]
	switch {
	case e.nodes == 0:
		return e, refuse(m.src, n.Line, n.Column, CodeLimit, "this alias stands inside what it names")
	case level+e.depth-1 > maxDepth:
		return e, refuse(m.src, n.Line, n.Column, CodeLimit, "nested deeper than %d levels", maxDepth)
	}
	return e, m.count(n, e.nodes)
}

func (m *meter) count(n *yaml.Node, nodes int) error {
	m.total += nodes
	if m.total > maxNodes {
		return refuse(m.src, n.Line, n.Column, CodeLimit, "more than %d values with aliases expanded", maxNodes)
	}
	return nil
}

type converter struct {
	loader   *loader
	src      *source
	problems *collector
	done     map[*yaml.Node]*node // of anchored nodes
	json     bool                 // the file is JSON, which knows more numbers
	frees    bool                 // nobody reads the library's tree again, and large inventories need the memory
	unsafe   bool                 // what is read now stands in a collection with the tag !unsafe
	secret   bool                 // what is read now belongs to a name that SecretName knows
	slabs    slabs
}

func (c *converter) node(y *yaml.Node) *node {
	if y.Kind == yaml.AliasNode {
		n := *c.done[y.Alias] // the value is the anchor's, the place is the alias's
		n.line, n.col, n.secret = y.Line, y.Column, n.secret || c.secret
		if c.unsafe && n.kind == String && n.held != vault {
			n.held, n.form = ready, unsafe
		}
		return &n
	}
	n := c.slabs.node()
	*n = *c.src.node(y.Line, y.Column)
	n.secret = c.secret || c.src.sealed
	switch y.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		c.collection(n, y)
	default:
		c.scalar(n, y)
	}
	c.checkTag(n, y)
	if y.Anchor != "" {
		c.done[y] = n
	}
	if c.frees {
		y.Content = nil
	}
	return n
}

// collection fills n with what y holds. Of a collection inside !unsafe, Ansible makes a copy before
// it has read what is in it, so that the copy stays empty.
func (c *converter) collection(n *node, y *yaml.Node) {
	n.kind = Map
	if y.Kind == yaml.SequenceNode {
		n.kind = List
	}
	outside := c.unsafe
	defer func() { c.unsafe = outside }()
	c.unsafe = y.Tag == "!unsafe"
	switch {
	case outside && !c.unsafe && len(y.Content) > 0:
		c.problems.warnf(n, CodeUnsafe, "%s inside !unsafe is empty for Ansible: give it the tag !unsafe itself", n.kind)
	case n.kind == Map:
		c.mapping(n, y)
	default:
		for _, item := range y.Content {
			n.list = append(n.list, c.node(item))
		}
	}
}

// mapping fills n with y's entries. What << brings in stands before what is written here, and
// of several the first mapping of a list wins, as in PyYAML.
func (c *converter) mapping(n *node, y *yaml.Node) {
	var merged, own []entry
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := c.node(y.Content[i])
		key.secret = c.secret // names are no secrets, wherever they stand
		value := c.under(key, y.Content[i+1])
		switch {
		case y.Content[i].Tag == "!!merge":
			merged = append(merged, c.merge(value)...)
		case key.kind == List || key.kind == Map:
			c.problems.errorf(key, CodeKey, "%s cannot be a key", key.kind)
		case len(key.text) > maxKey:
			c.problems.errorf(key, CodeLimit, "a key of %d bytes: at most %d", len(key.text), maxKey)
		default:
			own = append(own, entry{key, value})
		}
	}
	n.entries = c.unique(own)
	if len(merged) > 0 {
		n.entries = overlay(merged, n.entries)
	}
	if y.Style&yaml.FlowStyle == 0 && len(own) == len(y.Content)/2 && len(own) == len(n.entries) && inLines(own) {
		n.form = lines
	}
}

// inLines reports whether the keys stand below each other, each in a line of its own.
func inLines(own []entry) bool {
	for i, e := range own {
		if e.key.col != own[0].key.col || i > 0 && e.key.line <= own[i-1].key.line {
			return false
		}
	}
	return len(own) > 0
}

// under converts the value of a key.
func (c *converter) under(key *node, y *yaml.Node) *node {
	outside := c.secret
	c.secret = outside || SecretName(key.text)
	defer func() { c.secret = outside }()
	return c.node(y)
}

func (c *converter) merge(value *node) []entry {
	switch value.kind {
	case Map:
		return value.entries
	case List:
		var all []entry
		for i := len(value.list) - 1; i >= 0; i-- {
			if value.list[i].kind != Map {
				return c.notMerged(value.list[i])
			}
			all = append(all, value.list[i].entries...)
		}
		return all
	}
	return c.notMerged(value)
}

func (c *converter) notMerged(value *node) []entry {
	c.problems.errorf(value, CodeMerge, "<<: want a mapping, got %s", value.kind)
	return nil
}

// unique reports keys given twice; the last one stays, as in Ansible.
func (c *converter) unique(own []entry) []entry {
	if len(own) <= fewEntries && distinct(own) {
		return own
	}
	first := make(map[string]*node, len(own))
	for _, e := range own {
		if before, ok := first[e.key.text]; ok {
			c.problems.errorf(e.key, CodeDuplicate, "%s is given twice, first at %s", quoteKeyOf(e.key), before.pos())
			continue
		}
		first[e.key.text] = e.key
	}
	if len(first) == len(own) {
		return own
	}
	return overlay(nil, own)
}

// distinct compares every key with every other.
func distinct(own []entry) bool {
	for i, e := range own {
		for _, other := range own[:i] {
			if other.key.text == e.key.text {
				return false
			}
		}
	}
	return true
}

// overlay joins both with later entries in place of earlier ones of the same key.
func overlay(merged, own []entry) []entry {
	at := make(map[string]int, len(own))
	joined := make([]entry, 0, len(merged)+len(own))
	for _, list := range [2][]entry{merged, own} {
		for _, e := range list {
			if i, ok := at[e.key.text]; ok {
				joined[i] = e
				continue
			}
			at[e.key.text] = len(joined)
			joined = append(joined, e)
		}
	}
	return joined
}

func (c *converter) scalar(n *node, y *yaml.Node) {
	n.text, n.kind = y.Value, String
	if c.sopsValue(n, y) {
		return
	}
	quoted := y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	if y.Style&yaml.TaggedStyle != 0 {
		c.tagged(n, y)
	} else if !quoted {
		c.plain(n)
	}
	switch {
	case n.kind != String || n.held != ready || n.form == stamp:
	case c.unsafe || y.Tag == "!unsafe":
		n.form = unsafe
	case n.seal == nil && vaults.Is([]byte(y.Value)):
		c.problems.errorf(n, CodeBroken, "this is encrypted, and without the tag !vault the cipher itself would be the value: want !vault | before it")
	case isExpression(y.Value):
		n.held = expression
	}
}

// plain types a scalar without quotes and without a tag.
func (c *converter) plain(n *node) {
	switch n.kind = plainKind(n.text); {
	case n.kind == String && c.json && isJSONFloat(n.text):
		n.kind, n.text = Float, yamlOfJSONFloat(n.text)
	case n.kind == String && n.text == "=":
		c.problems.errorf(n, CodeTag, "a lone = is no value for Ansible: it must stand in quotes")
	case n.kind == String && isStamp(n.text):
		c.stamp(n)
	}
}

func (c *converter) stamp(n *node) {
	text, ok := pythonStamp(n.text)
	if !ok {
		c.problems.errorf(n, CodeDate, "no calendar has this date: what is no date must stand in quotes")
		return
	}
	n.form, n.text = stamp, text
}

// isExpression reports whether Ansible would hand the text to Jinja.
func isExpression(s string) bool {
	for {
		i := strings.IndexByte(s, '{')
		if i < 0 || i+1 == len(s) {
			return false
		}
		if strings.IndexByte("{%#", s[i+1]) >= 0 {
			return true
		}
		s = s[i+1:]
	}
}

// tagged types a scalar with a tag of its own.
func (c *converter) tagged(n *node, y *yaml.Node) {
	want := String
	switch y.ShortTag() {
	case "!vault", "!vault-encrypted":
		c.vault(n)
		return
	case "!!null":
		want = Null
	case "!!bool":
		want = Bool
	case "!!int":
		want = Int
	case "!!float":
		want = Float
	case "!!timestamp":
		if !isStamp(y.Value) {
			c.problems.errorf(n, CodeTag, "want a date, as the tag !!timestamp says")
			return
		}
		c.stamp(n)
	}
	kind := plainKind(y.Value)
	if kind == Int && want == Float {
		i, _ := bigInt(y.Value)
		n.text, kind = i.String()+".0", Float
	}
	if want != String && kind != want {
		c.problems.errorf(n, CodeTag, "want %s, as the tag %s says", want, y.ShortTag())
		return
	}
	n.kind = want
}

func (c *converter) checkTag(n *node, y *yaml.Node) {
	if y.Style&yaml.TaggedStyle == 0 {
		return
	}
	tag := y.ShortTag()
	var fits bool
	switch n.kind {
	case Map:
		fits = tag == "!!map" || tag == "!unsafe"
	case List:
		fits = tag == "!!seq" || tag == "!unsafe"
	default:
		fits = strings.Contains(" !!str !!null !!bool !!int !!float !!timestamp !vault !vault-encrypted !unsafe ", " "+tag+" ")
	}
	if !fits && n.secret {
		c.problems.errorf(n, CodeTag, "a tag is not understood here: a text that begins with ! must stand in quotes")
	} else if !fits {
		c.problems.errorf(n, CodeTag, "tag %s is not understood here", quote(tag))
	}
}
