package manual

import (
	"fmt"
	"strings"
)

// Index is the page that lists the modules, in Markdown.
func (m *Manual) Index() string {
	var b strings.Builder
	b.WriteString("# Parameters\n\nMade from the structs that the modules read; `go test ./cmd/pigsyncd -run TestParameterPages -update` writes\nthem anew. `pigsync params NAME` tells the same in a terminal.\n\n")
	b.WriteString("| module | parameters | read by pigsync | of earlier releases |\n|---|---|---|---|\n")
	for _, name := range m.Modules() {
		current, read, legacy := m.count(name)
		fmt.Fprintf(&b, "| [%s](%s.md) | %d | %d | %d |\n", name, strings.ToLower(name), current, read, legacy)
	}
	b.WriteString("\nA parameter that pigsync does not read yet is known and left alone: it is no mistake to set it.\n")
	return b.String()
}

func (m *Manual) count(module string) (current, read, legacy int) {
	for _, p := range m.Of(module) {
		if p.Legacy {
			legacy++
			continue
		}
		current++
		if p.Read {
			read++
		}
	}
	return current, read, legacy
}

// Page is all that is known of the parameters of a module, in Markdown.
func (m *Manual) Page(module string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Parameters of %s\n\n", module)
	b.WriteString("<!-- made from the modules' structs: edit those -->\n\n")
	var read, known, legacy []Parameter
	for _, p := range m.Of(module) {
		switch {
		case p.Legacy:
			legacy = append(legacy, p)
		case p.Read:
			read = append(read, p)
		default:
			known = append(known, p)
		}
	}
	writeRead(&b, read)
	writeKnown(&b, known)
	writeLegacy(&b, legacy)
	return b.String()
}

func writeRead(b *strings.Builder, ps []Parameter) {
	for _, p := range ps {
		fmt.Fprintf(b, "## %s\n\n", p.Name)
		if p.Doc != "" {
			fmt.Fprintf(b, "%s\n\n", prose(p.Doc))
		}
		fmt.Fprintf(b, "%s\n\n", strings.Join(facts(p), " · "))
		writeKeys(b, p.Keys())
	}
}

func facts(p Parameter) []string {
	list := []string{prose(p.Kind())}
	if p.Required {
		list = append(list, "**required**")
	}
	if p.Given {
		list = append(list, "default "+code(p.Initial()))
	}
	if words := p.Levels(); words != "" {
		list = append(list, words)
	}
	if len(p.Formerly) > 0 {
		list = append(list, "formerly "+code(strings.Join(p.Formerly, ", ")))
	}
	return list
}

func writeKeys(b *strings.Builder, keys []Key) {
	if len(keys) == 0 {
		return
	}
	b.WriteString("| key | what it may be | default | |\n|---|---|---|---|\n")
	for _, k := range keys {
		doc := prose(k.Doc)
		if k.Required {
			doc = strings.TrimSpace("**required** " + doc)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", k.Path, cell(prose(k.Kind())), cell(code(k.Initial())), cell(doc))
	}
	b.WriteString("\n")
}

func writeKnown(b *strings.Builder, ps []Parameter) {
	if len(ps) == 0 {
		return
	}
	b.WriteString("## Known, and left alone\n\npigsync does not read these yet.\n\n| parameter | what it may be | default | level |\n|---|---|---|---|\n")
	for _, p := range ps {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", p.Name, cell(prose(p.Kind())), cell(code(p.Initial())), p.Levels())
	}
	b.WriteString("\n")
}

func writeLegacy(b *strings.Builder, ps []Parameter) {
	if len(ps) == 0 {
		return
	}
	b.WriteString("## Of earlier releases\n\n| parameter | use instead |\n|---|---|\n")
	for _, p := range ps {
		fmt.Fprintf(b, "| `%s` | %s |\n", p.Name, cell(p.Hint()))
	}
	b.WriteString("\n")
}

// code is text as it is typed; the empty text has no marks.
func code(text string) string {
	if text == "" {
		return ""
	}
	fence := "`"
	if strings.Contains(text, fence) {
		fence = "``"
	}
	return fence + text + fence
}

// prose keeps Markdown from reading meaning into a sentence or a pattern.
func prose(text string) string {
	return strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`, "[", `\[`, "]", `\]`, "`", "\\`").Replace(text)
}

// cell keeps a text within its cell.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", `\|`), "\n", " ")
}
