package main

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

const (
	drawnGroups = 6
	drawnHosts  = 5
)

func drawnHost(i int) string { return fmt.Sprintf("10.0.0.%d", 8+i) }

// scalars are values as people write them, of every kind that the YAML of Ansible knows.
var scalars = []string{
	"text", "'quoted'", `"a\tb \u00e9 \u2028 \x01 \x7f"`, "", "~", "null", "Null", "yes", "No", "on", "OFF", "True", "y", "n",
	"1", "-12", "+3", "010", "0o10", "0x1F", "0b101", "1_000", "08", "1:30", "190:20:30", "1:60", "-1:30", "12345678901234567890123",
	"1.5", "-.5", ".5", "1.", "1.0e+3", "1e3", "1.5e-7", "6.02e+23", "1_0.5", "1:30.5", "-1:02.25", ".inf", "-.INF", ".nan", "0.1",
	"2024-01-02", "2024-1-2", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.1234567 Z", "2001-12-14 1:59:43", "2001-12-14 21:59:43 +5:30",
	"'2024-01-02'", "!!str 12", "!!float 12", "!!int '12'", "!!timestamp '2024-01-02'", "!unsafe '{{ x }}'", "!unsafe 12", "!unsafe",
	"'{{ other }}-{{ hostvars }}'", "a # b", "a#b", "'# no'", "<none>", "'@os'", "10.0.0.1", "::1", "a: b", "-", "- a", "[]", "{}",
	"[1, yes, ~, a, [b], {c: d}]", "{ 1: a, b: {c: [d]} }", "{ 2: a, 10: b, 9: c }", "{ yes: a }", "{ ~: a }", "{ 1.5: a }",
	"!unsafe [a, 1, [b], {c: d}, !unsafe [e]]", "!unsafe { a: b, c: [d], e: {}, f: !unsafe {g: h} }", "{ '<<': a }",
	"{ <<: {a: 1, b: 2}, b: 3 }", "{ <<: [{a: 1}, {a: 2, b: 2}], c: 3 }", "*anchor", "{ <<: *anchor, z: 1 }",
}

// drawValue returns what may stand behind "key: ", continued with a deeper indent.
func drawValue(t *rapid.T, indent string) string {
	switch rapid.IntRange(0, 9).Draw(t, "form") {
	case 0:
		return "!vault |\n" + indent + "  $ANSIBLE_VAULT;1.1;AES256\n" + indent + "  6162"
	case 1:
		return rapid.SampledFrom([]string{"|", ">", "|-", ">+", "|2"}).Draw(t, "block") + "\n" + indent + "  two\n" + indent + "   lines\n"
	case 2:
		return "\n" + indent + "  - a: 1\n" + indent + "    b: 2\n" + indent + "  - c"
	}
	s := rapid.SampledFrom(scalars).Draw(t, "value")
	if s == "a: b" || s == "- a" || s == "-" {
		return "'" + s + "'"
	}
	return s
}

// drawVars returns lines of variables.
func drawVars(t *rapid.T, indent, label string, anchors bool) string {
	var b strings.Builder
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "pg_port", "Z", "ansible_host", "inventory_file", "_x", "é"}), 0, 4, rapid.ID).Draw(t, label)
	for _, name := range names {
		value := drawValue(t, indent)
		if !anchors && strings.Contains(value, "*anchor") {
			value = "none"
		}
		fmt.Fprintf(&b, "%s%s: %s\n", indent, name, value)
	}
	return b.String()
}

// section writes a key with lines below it, or one of the ways to write nothing.
func section(t *rapid.T, indent, key, below string) string {
	if below != "" {
		return indent + key + ":\n" + below
	}
	return rapid.SampledFrom([]string{"", indent + key + ":\n", indent + key + ": {}\n", indent + key + ": ~\n"}).Draw(t, key)
}

// drawHostKey is one host, or several as a range.
func drawHostKey(t *rapid.T) string {
	return rapid.OneOf(
		rapid.Map(rapid.IntRange(0, drawnHosts-1), drawnHost),
		rapid.SampledFrom([]string{"10.0.0.[8:9]", "10.0.0.[9:12:2]", "10.0.[0:1].10", "10.0.0.1[0:2]", "10.0.0.11:2222", "node-[a:c]", "node-a", "n[08:10]x", "2001:db8::[1:2]", "2001:DB8::1"}),
	).Draw(t, "host")
}

func drawHosts(t *rapid.T, indent string) string {
	var b strings.Builder
	keys := rapid.SliceOfNDistinct(rapid.Custom(drawHostKey), 0, 4, rapid.ID).Draw(t, "hosts")
	for _, key := range keys {
		b.WriteString(entryOf(indent, key, drawVars(t, indent+"  ", "host vars", true)))
	}
	return b.String()
}

// entryOf writes a key with lines below it, or with nothing.
func entryOf(indent, key, below string) string {
	if below == "" {
		return indent + key + ":\n"
	}
	return indent + key + ":\n" + below
}

// drawGroup writes a definition of group i with children of higher numbers, so that none is its own
// ancestor; some children are defined right there.
func drawGroup(t *rapid.T, indent string, i, level int) string {
	vars := drawVars(t, indent+"    ", "vars", true)
	if rapid.Bool().Draw(t, "has priority") {
		vars += fmt.Sprintf("%s    ansible_group_priority: %s\n", indent, rapid.SampledFrom([]string{"0", "1", "2", "010", "-1"}).Draw(t, "priority"))
	}
	var children strings.Builder
	for j := i + 1; j < drawnGroups; j++ {
		if groupName(j) == "ungrouped" {
			continue // pigsync refuses that, and Ansible loses hosts
		}
		switch rapid.IntRange(0, 4).Draw(t, "child") {
		case 0:
			children.WriteString(indent + "    " + groupName(j) + ":\n")
		case 1:
			if level < 2 {
				children.WriteString(drawGroup(t, indent+"    ", j, level+1))
			}
		}
	}
	parts := []string{
		section(t, indent+"  ", "vars", vars),
		section(t, indent+"  ", "hosts", drawHosts(t, indent+"    ")),
		section(t, indent+"  ", "children", children.String()),
	}
	order := rapid.Permutation(parts).Draw(t, "order")
	return entryOf(indent, groupName(i), strings.Join(order, ""))
}

// groupName makes names that run against the order of definition.
func groupName(i int) string {
	return []string{"g2", "pg-b", "a", "g_1", "ungrouped", "Z"}[i]
}

// drawFiles draws an inventory with its files of variables.
func drawFiles(t *rapid.T) map[string]string {
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "---\n", "\ufeff", "# comment\n"}).Draw(t, "head"))
	b.WriteString("anchors: &anchor { x: 1, y: [2] }\n")
	all := section(t, "  ", "vars", drawVars(t, "    ", "all", true)) + section(t, "  ", "hosts", "    10.0.0.8:\n"+otherHosts(t))
	var children strings.Builder
	inside := rapid.IntRange(0, drawnGroups).Draw(t, "inside all")
	for i := range inside {
		children.WriteString(drawGroup(t, "    ", i, 1))
	}
	b.WriteString("all:\n" + all + section(t, "  ", "children", children.String()))
	for i := inside; i < drawnGroups; i++ {
		if rapid.Bool().Draw(t, "top") {
			b.WriteString(drawGroup(t, "", i, 0))
		}
	}
	b.WriteString(rapid.SampledFrom([]string{"", "x: 5\n", "y: {z: 1}\n", "nothing:\n"}).Draw(t, "tail"))
	text := b.String()
	if rapid.IntRange(0, 9).Draw(t, "line ends") == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	files := map[string]string{"pigsty.yml": text}
	drawVarFiles(t, files)
	return files
}

// otherHosts draws hosts without the one that is always there.
func otherHosts(t *rapid.T) string {
	lines := strings.SplitAfter(drawHosts(t, "    "), "\n")
	if i := slices.Index(lines, "    10.0.0.8:\n"); i >= 0 {
		return ""
	}
	return strings.Join(lines, "")
}

func drawVarFiles(t *rapid.T, files map[string]string) {
	stems := []string{
		"group_vars/all", "group_vars/ungrouped", "group_vars/a", "group_vars/g2", "group_vars/pg-b", "group_vars/Z", "group_vars/none",
		"host_vars/10.0.0.8", "host_vars/10.0.0.9", "host_vars/node-a", "host_vars/10.0.0.200",
	}
	for _, stem := range rapid.SliceOfNDistinct(rapid.SampledFrom(stems), 0, 4, rapid.ID).Draw(t, "files") {
		for _, end := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{".yml", ".yaml", ".json", "", "/1", "/2.yml", "/3.json", "/.4.yml", "/5.yml~", "/6.txt", "/sub/7.yml", "/sub.d/8.yml"}), 1, 3, rapid.ID).Draw(t, stem) {
			if _, clash := files[stem]; clash && strings.HasPrefix(end, "/") {
				continue
			}
			if end == "" && slices.ContainsFunc(keys(files), func(name string) bool { return strings.HasPrefix(name, stem+"/") }) {
				continue
			}
			files[stem+end] = drawVarFile(t, end)
		}
	}
}

func keys(files map[string]string) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	return names
}

func drawVarFile(t *rapid.T, end string) string {
	if strings.HasSuffix(end, ".json") || rapid.IntRange(0, 5).Draw(t, "json") == 0 {
		return rapid.SampledFrom([]string{`{"a": 1e3, "b": [true, null, 1.5E-2]}`, `{}`, `{"pg_port": -1, "é": "\u00e9\/\ud83d\ude00\\/"}`, "[]"}).Draw(t, "file")
	}
	if text := drawVars(t, "", "file vars", false); text != "" {
		return text
	}
	return rapid.SampledFrom([]string{"", "---\n", "# nothing\n", "[]\n", "a: 1\n", "no\n", "0\n", "''\n"}).Draw(t, "file")
}
