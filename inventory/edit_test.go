package inventory

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"
)

func apply(text string, edits ...Edit) (string, error) {
	out, err := Apply(file, []byte(text), edits...)
	return string(out), err
}

func TestApply(t *testing.T) {
	tests := []struct {
		name, text string
		edits      []Edit
		want       string
	}{
		{"a scalar, its comment and spacing kept", "all:\n  vars:\n    a :   5   # five\n    b: x\n",
			[]Edit{Set(At("all.vars.a"), 6)}, "all:\n  vars:\n    a :   6   # five\n    b: x\n"},
		{"quotes kept", "a: 'x' # c\nb: \"y\"\n",
			[]Edit{Set(At("a"), "it's"), Set(At("b"), "z\n")}, "a: 'it''s' # c\nb: \"z\\n\"\n"},
		{"quotes where YAML 1.1 needs them", "a: x\nb: x\nc: x\nd: x\ne: x\nf: x\n",
			[]Edit{Set(At("a"), "off"), Set(At("b"), "010"), Set(At("c"), "1:30"), Set(At("d"), "2030-12-31"), Set(At("e"), "y"), Set(At("f"), "10.10.10.2/24")},
			"a: 'off'\nb: '010'\nc: '1:30'\nd: '2030-12-31'\ne: 'y'\nf: 10.10.10.2/24\n"},
		{"a key without a value", "a:\nb:   # c\n", []Edit{Set(At("a"), true), Set(At("b"), nil)}, "a: true\nb: null   # c\n"},
		{"text over several lines", "a: one\n  two\n\n  three  # c\nb: 1\n", []Edit{Set(At("a"), "x")}, "a: x  # c\nb: 1\n"},
		{"a literal text", "a: |\n  one\n   two\n\n# c\nb: 1\n", []Edit{Set(At("a"), "x")}, "a: x\n\n# c\nb: 1\n"},
		{"a literal text with an indicator", "a:\n  - |2\n      one\n  - x\n", []Edit{Set(At("a[0]"), "x")}, "a:\n  - x\n  - x\n"},
		{"a flow mapping on one line", "a: { b: 1 ,c: x, d: [ 1, 2 ] } # c\n",
			[]Edit{Set(At("a.b"), 2), Rename(At("a.c"), "e"), Append(At("a.d"), 3)}, "a: { b: 2 ,e: x, d: [ 1, 2, 3 ] } # c\n"},
		{"CRLF and no last line end", "a: 1\r\nb: 2", []Edit{Set(At("a"), 3), Insert(Spot{}, "c", 4, "")}, "a: 3\r\nb: 2\r\nc: 4"},
		{"CRLF", "v:\r\n  a: 1\r\n  b: 2", []Edit{Set(At("v.a"), 3), Insert(At("v"), "c", 4, "")}, "v:\r\n  a: 3\r\n  b: 2\r\n  c: 4"},
		{"rename, with a colon far away", "a:\n  old   : 1 # c\n", []Edit{Rename(At("a.old"), "new")}, "a:\n  new   : 1 # c\n"},
		{"rename in a chain", "a: 1\nb: 2\n", []Edit{Rename(At("a"), "c"), Rename(At("b"), "a")}, "c: 1\na: 2\n"},
		{"delete a block with its comments only", "# head\na:\n  b: 1 # b\n  # of c\n  c:\n    - 1\n    - 2\n  # of d\n  d: 4\n",
			[]Edit{Delete(At("a.c"))}, "# head\na:\n  b: 1 # b\n  # of c\n  # of d\n  d: 4\n"},
		{"delete the last line without a line end", "a: 1\nb: 2", []Edit{Delete(At("b"))}, "a: 1"},
		{"delete all there is", "a:\n  b: 1\n", []Edit{Delete(At("a.b"))}, "a:\n  {}\n"},
		{"delete the only item", "a:\n- 1\nb: 2\n", []Edit{Delete(At("a[0]"))}, "a:\n []\nb: 2\n"},
		{"delete the first key of an item", "- a: 1 # x\n  b: 2\n- c: 3\n", []Edit{Delete(At("[0].a"))}, "- b: 2\n- c: 3\n"},
		{"delete the first key of an item before a comment", "- a: 1 # x\n  # of b\n  b: 2\n", []Edit{Delete(At("[0].a"))}, "- \n  # of b\n  b: 2\n"},
		{"delete an item", "a:\n  - x: 1\n    y: 2\n  - z\n", []Edit{Delete(At("a[0]"))}, "a:\n  - z\n"},
		{"delete in brackets", "a: {b: 1, c: 2 ,d: 3}\n", []Edit{Delete(At("a.c"))}, "a: {b: 1, d: 3}\n"},
		{"delete several in brackets", "a: {b: 1, c: 2 ,d: 3}\n", []Edit{Delete(At("a.c")), Delete(At("a.d"))}, "a: {b: 1}\n"},
		{"delete all in brackets", "a: { b: 1, }\n", []Edit{Delete(At("a.b"))}, "a: { }\n"},
		{"insert behind a sibling and its comment", "a:\n  b: 1 # b\n  # of c\n  c: 3\n",
			[]Edit{Insert(At("a"), "x", []any{"p", Pairs{{"q", 1}}}, "b")}, "a:\n  b: 1 # b\n  x: [p, { q: 1 }]\n  # of c\n  c: 3\n"},
		{"insert into nothing", "a:\n  b: # c\n  c: {}\n  d: { }\n", []Edit{Insert(At("a.b"), "x", 1, ""), Insert(At("a.c"), "y", "off", ""), Insert(At("a.d"), "z", 1, "")},
			"a:\n  b: # c\n    x: 1\n  c: { 'y': 'off' }\n  d: { z: 1 }\n"},
		{"insert what is long", "a:\n  b: 1\n", []Edit{Insert(At("a"), "rules", []any{Pairs{{"title", strings.Repeat("t", 50)}, {"rules", []any{strings.Repeat("r", 30), "host all all"}}}}, "")},
			"a:\n  b: 1\n  rules:\n    - title: " + strings.Repeat("t", 50) + "\n      rules: [" + strings.Repeat("r", 30) + ", 'host all all']\n"},
		{"append", "a:\n- x # c\n# end\n", []Edit{Append(At("a"), Pairs{{"n", 1}})}, "a:\n- x # c\n- { 'n': 1 }\n# end\n"},
		{"a mapping for a mapping", "a:\n    b: 1\n    c: 2\nd: 3\n", []Edit{Set(At("a"), Pairs{{"x", 1}, {"y", []any{}}})}, "a:\n    x: 1\n    'y': []\nd: 3\n"},
		{"an alias that stands alone is replaced", "a: &x 1\nb: *x\n", []Edit{Set(At("b"), 2)}, "a: &x 1\nb: 2\n"},
		{"an anchor nobody uses stays", "a: &x 1 # c\n", []Edit{Set(At("a"), 2)}, "a: &x 2 # c\n"},
		{"a tag goes with its value", "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  31\nb: 1\n", []Edit{Set(At("a"), "plain")}, "a: plain\nb: 1\n"},
		{"a BOM and letters of more bytes", "\ufeffä: ö # ü\n", []Edit{Set(At("ä"), "ß ü"), Rename(At("ä"), "a")}, "\ufeffa: 'ß ü' # ü\n"},
		{"keys with dots", "hosts:\n  10.0.0.1: { a: 1 }\n  10.0: { b: 2 }\n", []Edit{Set(At("hosts.10.0.0.1.a"), 3), Set(At("hosts.10.0.b"), 4)}, "hosts:\n  10.0.0.1: { a: 3 }\n  10.0: { b: 4 }\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := apply(tt.text, tt.edits...)
			if err != nil || got != tt.want {
				t.Errorf("got %q (%v)\nwant %q", got, err, tt.want)
			}
		})
	}
}

// A place told as a position is one in the text as given, whatever edits come before.
func TestApplyAtPositions(t *testing.T) {
	text := "all:\n  vars:\n    - a: 1\n    - b: 2\n    - c: [x, y]\n"
	at := func(line, col int) Spot {
		s := Spot{}
		s.Pos.Filename, s.Pos.Line, s.Pos.Column = file, line, col
		return s
	}
	got, err := apply(text, Rename(at(2, 3), "list"), Delete(At("all.list[0]")), Rename(at(5, 7), "d"), Set(at(5, 14), "z"))
	if want := "all:\n  list:\n    - b: 2\n    - d: [x, z]\n"; err != nil || got != want {
		t.Errorf("got %q (%v)\nwant %q", got, err, want)
	}
	got, err = apply(text, Rename(at(2, 3), "list"), Rename(at(5, 7), "d"), Set(at(5, 14), "z"), Delete(at(4, 10)))
	if want := "all:\n  list:\n    - a: 1\n    - {}\n    - d: [x, z]\n"; err != nil || got != want {
		t.Errorf("got %q (%v)\nwant %q", got, err, want)
	}
	if _, err = apply(text, Set(at(3, 1), 1)); err == nil || !strings.Contains(err.Error(), "begins here") {
		t.Errorf("nothing begins there: %v", err)
	}
}

func TestApplyRefuses(t *testing.T) {
	tests := []struct {
		name, text string
		edit       Edit
		want       string
	}{
		{"what an alias stands for", "a: &x { b: 1 }\nc: *x\n", Set(At("a.b"), 2), "would also change *x at pigsty.yml:2:4"},
		{"what is behind an alias", "a: &x { b: 1 }\nc: *x\n", Set(At("c.b"), 2), "what *x stands for"},
		{"what << brings", "a: &x { b: 1 }\nc:\n  <<: *x\n", Set(At("c.b"), 2), "<< may bring it"},
		{"a delete that lets << through", "x: &x { b: 1 }\nc:\n  <<: *x\n  b: 2\n", Delete(At("c.b")), "without changing something else"},
		{"a name that is taken", "a: 1\nb: 2\n", Rename(At("a"), "b"), "the key b is there already"},
		{"a key that is taken", "v: { a: 1 }\n", Insert(At("v"), "a", 2, ""), "the key a is there already"},
		{"a key given twice", "a: 1\na: 2\n", Set(At("a"), 3), "there twice"},
		{"no such key", "a: 1\n", Set(At("b"), 3), "pigsty"},
		{"no such item", "a: [1]\n", Set(At("a[1]"), 3), "no item 1"},
		{"no path", "a: [1]\n", Set(At("a[x]"), 3), "a path is keys"},
		{"the whole file", "a: 1\n", Set(Spot{Path: "."}, 3), ""},
		{"no list", "a: 1\n", Append(At("a"), 3), "no list"},
		{"no mapping", "a: 1\n", Insert(At("a"), "b", 3, ""), "no mapping"},
		{"no value", "a: 1\n", Set(At("a"), struct{}{}), "a value is nothing"},
		{"text that is not UTF-8", "a: 1\n", Set(At("a"), "\xff"), "not UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := strings.Replace(tt.want, "pigsty.yml", file, 1)
			if want == "pigsty" {
				want = "b: there is no key b"
			}
			if got, err := apply(tt.text, tt.edit); err == nil || got != "" || !strings.Contains(err.Error(), want) {
				t.Errorf("got %q, error %v, want %q", got, err, want)
			}
		})
	}
}

// Written texts are read back as the same text by YAML 1.1 and by YAML 1.2.
func TestScalarTextReadsBack(t *testing.T) {
	words := rapid.SampledFrom([]string{"y", "No", "ON", "off", "~", "null", ".inf", "-.INF", ".nan", "010", "0o14", "0x1F", "1e3", "1.5", "1_000", "1:30", "190:20:30.15",
		"2030-12-31", "2001-12-14t21:59:43.10-05:00", "=", "<<", "- x", "? y", "a: b", "a #b", "#", "", " x", "x ", "a\tb", "\x00", "\u2028", "\ufeff", "*a", "&a", "!t", "{{ x }}", "%", "@", "`", "|", ">", "\U0001f600", "\U000e0001"})
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(words, rapid.String(), rapid.StringMatching(`[-+0-9a-f:._xeE/ ]{0,12}`)).Draw(t, "s")
		style := rapid.SampledFrom([]yaml.Style{0, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle}).Draw(t, "style")
		for _, text := range []string{scalarText(s, style), "[" + scalarText(s, style) + "]", "{k: " + scalarText(s, style) + "}"} {
			var doc yaml.Node
			if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
				t.Fatalf("%q written as %s: %v", s, text, err)
			}
			n := doc.Content[0]
			if len(n.Content) > 0 {
				n = n.Content[len(n.Content)-1]
			}
			plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
			if n.Value != s || n.Tag != "!!str" || plain && plainKind(s) != String {
				t.Fatalf("%q written as %s is read as %s %q", s, text, n.Tag, n.Value)
			}
		}
	})
}

// scribe writes a random tree as YAML in random layouts, with a comment wherever one may stand.
type scribe struct {
	t        *rapid.T
	comments int
	newline  string
	keys     int
}

func (s *scribe) pick(n int) int { return rapid.IntRange(0, n-1).Draw(s.t, "pick") }

func (s *scribe) comment() string {
	if s.pick(3) > 0 {
		return ""
	}
	s.comments++
	return fmt.Sprintf(" #c%d", s.comments)
}

func (s *scribe) scalar() string {
	return []string{"5", "off", "word", "two words", "'it''s'", `"d\t\"q"`, "~", "1.5", "10.10.10.2/24", "'# no'", "ä"}[s.pick(11)]
}

func (s *scribe) key() string {
	s.keys++
	return []string{fmt.Sprintf("k%d", s.keys), fmt.Sprintf("'k %d'", s.keys), fmt.Sprintf("10.0.0.%d", s.keys)}[s.pick(3)]
}

func (s *scribe) flow(depth int) string {
	switch kind := s.pick(3); {
	case kind == 0 || depth == 0:
		return s.scalar()
	case kind == 1:
		var items []string
		for range s.pick(3) {
			items = append(items, s.flow(depth-1))
		}
		return "[" + strings.Join(items, " ,") + "]"
	}
	var items []string
	for range s.pick(3) {
		items = append(items, s.key()+": "+s.flow(depth-1))
	}
	return "{ " + strings.Join(items, ", ") + " }"
}

// value writes what follows a colon or a dash, with its line end.
func (s *scribe) value(indent string, depth int) string {
	switch kind := s.pick(6); {
	case kind == 0:
		return s.comment() + s.newline // nothing
	case kind == 1:
		return " |" + s.comment() + s.newline + indent + "  lit # no" + s.newline + s.newline + indent + "   eral" + s.newline
	case kind == 2:
		return " plain" + s.newline + indent + "  folded" + s.comment() + s.newline
	case kind == 3 && depth > 0:
		return s.comment() + s.newline + s.block(indent+"  ", depth-1, s.pick(2) == 0)
	}
	return " " + s.flow(2) + s.comment() + s.newline
}

func (s *scribe) block(indent string, depth int, list bool) string {
	var b strings.Builder
	for range 1 + s.pick(4) {
		if c := s.comment(); c != "" {
			b.WriteString(indent + strings.TrimSpace(c) + s.newline)
		}
		head := indent + "-"
		if !list {
			head = indent + s.key() + ":"
		}
		b.WriteString(head + s.value(indent, depth))
	}
	return b.String()
}

func drawText(t *rapid.T) string {
	s := &scribe{t: t, newline: rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "newline")}
	text := s.block("", 2, false)
	if s.pick(4) == 0 {
		text = strings.TrimSuffix(text, s.newline)
	}
	return text
}

// path is a way into a plain Go value.
func drawPath(t *rapid.T, value any, path string) (string, any) {
	switch v := value.(type) {
	case map[string]any:
		if len(v) > 0 && (path == "" || rapid.IntRange(0, 3).Draw(t, "down") > 0) {
			keys := sortedPairs(v)
			p := rapid.SampledFrom(keys).Draw(t, "key")
			return drawPath(t, p.Value, strings.TrimPrefix(path+"."+p.Key, "."))
		}
	case []any:
		if len(v) > 0 && rapid.IntRange(0, 3).Draw(t, "down") > 0 {
			i := rapid.IntRange(0, len(v)-1).Draw(t, "item")
			return drawPath(t, v[i], path+"["+strconv.Itoa(i)+"]")
		}
	}
	return path, value
}

func drawValue(t *rapid.T) any {
	return rapid.SampledFrom([]any{nil, true, 5, int64(-7), 2.5, 1e30, "word", "off", "two words", "it's", "a: #b", "l1\nl2", []any{1, "x"}, []any{},
		Pairs{{"z", 1}, {"a", []any{"y", nil}}}, map[string]any{"b": "1:30"}, Pairs{}}).Draw(t, "value")
}

func drawEdit(t *rapid.T, path string, value any) Edit {
	_, isMap := value.(map[string]any)
	_, isList := value.([]any)
	switch op := rapid.IntRange(0, 4).Draw(t, "op"); {
	case op == 1 && !strings.HasSuffix(path, "]"):
		return Rename(At(path), rapid.SampledFrom([]string{"fresh", "off", "a b"}).Draw(t, "name"))
	case op == 2:
		return Delete(At(path))
	case op == 3 && (isMap || value == nil):
		return Insert(At(path), "fresh", drawValue(t), "")
	case op == 4 && isList:
		return Append(At(path), drawValue(t))
	}
	return Set(At(path), drawValue(t))
}

// TestApplyChangesOnlyThat draws a text and an edit. What the tree must become, Apply compares by
// itself; here it is what must stay: comments, and every byte but one stretch around the value.
func TestApplyChangesOnlyThat(t *testing.T) {
	refused := 0
	rapid.Check(t, func(t *rapid.T) {
		text := drawText(t)
		d, err := readDraft(file, []byte(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		path, value := drawPath(t, plain(d.tree), "")
		e := drawEdit(t, path, value)
		got, err := apply(text, e)
		if err != nil {
			if refused++; e.op == opSet || e.op == opRename {
				t.Fatalf("%v: op %d with %#v in\n%s", err, e.op, e.value, text)
			}
			return
		}
		stays(t, d, e, got)
		if e.op == opSet {
			if again, err := apply(got, e); err != nil || again != got {
				t.Fatalf("again: %v\n%s\n%s", err, got, again)
			}
		}
		if !strings.HasSuffix(text, "\n") && strings.HasSuffix(got, "\n") || strings.Count(text, "\r\n") > 0 && strings.Count(got, "\n") != strings.Count(got, "\r\n") {
			t.Fatalf("other line ends: %q\n%q", text, got)
		}
	})
	t.Logf("%d refused", refused)
}

// stays checks that the text around what was edited is as before, byte for byte.
func stays(t *rapid.T, d *draft, e Edit, after string) {
	begin, end := touched(t, d, e)
	before := string(d.text)
	if !strings.HasPrefix(after, before[:begin]) || !strings.HasSuffix(after, before[end:]) || len(after) < begin+len(before)-end {
		t.Fatalf("more than %q has changed:\n%s\n---\n%s", before[begin:end], before, after)
	}
}

// touched returns the stretch that an edit may change: the name, the value, or one place to put
// something; for a delete the lines of the entry with the dash or comma before it.
func touched(t *rapid.T, d *draft, e Edit) (begin, end int) {
	steps, _ := d.parsePath(e.at.Path)
	at, err := d.walk(steps)
	if err != nil {
		t.Fatal(err)
	}
	end, _ = d.end(at)
	begin = min(d.begin(at.value), end)
	switch e.op {
	case opRename:
		end, _ = d.endOf(at.key)
		begin = d.begin(at.key)
	case opInsert, opAppend:
		if len(at.value.Content) > 0 && !isFlow(at.value) {
			begin = end
		}
		if next := d.nextLine(end); !isFlow(at.value) {
			end = next
		}
	case opDelete:
		if at.key != nil {
			begin = d.begin(at.key)
		}
		if comma := d.skipBlank(end); comma < len(d.text) && d.text[comma] == ',' {
			end = comma + 1
		}
		end = d.skipBlank(d.nextLine(end))
		begin = len(strings.TrimRight(string(d.text[:begin]), ",- \r\n"))
	}
	return begin, end
}

func FuzzApply(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "all.vars.admin_ip", uint8(0), "off")
	}
	for op := range uint8(5) {
		f.Add("a: &x {b: [1, 'x'], c: }\nd: *x\ne:\r\n- f: |+\n   g\n\n  h: \"i\\\"\"", "e[0].f", op, "x")
		f.Add("\ufeff? a\n: - b\n  -  c\n  - !!str 5\n", "a[1]", op, "1:30")
	}
	f.Fuzz(func(t *testing.T, text, path string, op uint8, value string) {
		e := Edit{op: operation(op % 5), at: Spot{Path: path}, name: value, value: value}
		before, readErr := readDraft(file, []byte(text))
		got, err := apply(text, e)
		if err != nil {
			return
		}
		if readErr != nil {
			t.Fatal("edited what cannot be read")
		}
		after, err := readDraft(file, []byte(got))
		if err != nil {
			t.Fatalf("cannot be read any more: %v", err)
		}
		steps, _ := before.parsePath(path)
		if want, err := change(before.tree, steps, e); err != nil || !same(after.tree, want) {
			t.Fatalf("%q became %q", text, got)
		}
		if e.op == opSet {
			if again, err := apply(got, e); err == nil && again != got {
				t.Fatalf("again: %q became %q", got, again)
			}
		}
	})
}

func TestPatchesOverlap(t *testing.T) {
	p := patches{{2, 4, "x"}, {6, 6, "y"}}
	for _, tt := range []struct {
		patch
		want bool
	}{{patch{0, 2, ""}, false}, {patch{3, 3, ""}, true}, {patch{4, 6, ""}, false}, {patch{6, 6, ""}, true}, {patch{2, 2, ""}, true}, {patch{0, 9, ""}, true}} {
		if got := p.overlap(patches{tt.patch}); got != tt.want {
			t.Errorf("%v: got %v", tt.patch, got)
		}
	}
	if got := string(p.apply([]byte("0123456789"))); got != "01x45y6789" {
		t.Error(got)
	}
}
