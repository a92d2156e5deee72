package modtest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// Dump writes the problems, then every resource of the module's owners in order: where it comes
// from, whose it is, what it comes after, its spec, and what a public file holds.
func Dump(c *modules.Compiled, module string) string {
	var b strings.Builder
	for _, p := range c.Problems {
		fmt.Fprintf(&b, "%s %s\n", p.Code, p)
	}
	for _, owner := range sortedKeys(c.Frozen) {
		fmt.Fprintf(&b, "frozen %s\n", owner)
	}
	if c.Refused {
		b.WriteString("refused\n")
	}
	shown := map[string]resource.ID{}
	for r := range c.Want.All() {
		if owner, _, _ := strings.Cut(r.Owner, "/"); owner == module {
			dump(&b, r)
			dumpContent(&b, r, shown)
		}
	}
	return b.String()
}

// dumpContent writes what everybody may read, the first time it is met.
func dumpContent(b *strings.Builder, r resource.Resource, shown map[string]resource.ID) {
	text := content(r.Spec)
	if text == "" {
		return
	}
	if first, again := shown[text]; again {
		fmt.Fprintf(b, "  holds what %s does\n", first)
		return
	}
	shown[text] = r.ID
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight("  | "+line, " \n") + "\n")
	}
}

func dump(b *strings.Builder, r resource.Resource) {
	fmt.Fprintf(b, "\n%s  %s  %s", r.ID, r.Origin, r.Owner)
	if r.Retain {
		b.WriteString("  retained")
	}
	switch {
	case r.Parting == resource.Orphaned:
		b.WriteString("  orphaned with its owner")
	case r.Parting == resource.Left && !r.Retain:
		b.WriteString("  left with its owner")
	}
	if r.Guard != "" {
		b.WriteString("  guarded by " + r.Guard)
	}
	b.WriteString("\n")
	for _, a := range r.After {
		fmt.Fprintf(b, "  after %s\n", a)
	}
	if r.Spec == nil {
		b.WriteString("  not known yet\n")
		return
	}
	fmt.Fprintf(b, "  %s\n", SpecText(r.Spec))
}

// content is the text of a file that is not secret.
func content(s resource.Spec) string {
	switch s := s.(type) {
	case resource.File:
		if !s.Secret {
			return string(s.Content)
		}
	case resource.Repo:
		return string(s.Content)
	case resource.Guarded:
		return string(s.Content)
	case resource.Block:
		return s.Text
	case resource.Lines:
		return strings.Join(s.Lines, "\n")
	case resource.PGRules:
		return strings.Join(s.Lines, "\n")
	}
	return ""
}

// SpecText lists the fields of a spec that are set. The digest of a content is left out: where the
// content is secret it would tell of it, elsewhere it says nothing more.
func SpecText(s resource.Spec) string {
	v := reflect.ValueOf(s)
	words := []string{v.Type().Name()}
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if v.Field(i).IsZero() || name == "Content" || name == "Lines" || name == "Text" || name == "Sum" {
			continue
		}
		format := "%s=%v"
		if strings.Contains(name, "Mode") {
			format = "%s=%04o"
		}
		field := v.Field(i)
		if field.Kind() == reflect.Pointer {
			field = field.Elem()
		}
		words = append(words, strings.TrimSpace(fmt.Sprintf(format, name, field.Interface())))
	}
	return strings.Join(words, " ")
}

func sortedKeys(m map[string]bool) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// DumpPlaces writes how everything is reached.
func DumpPlaces(p resource.Places) string {
	var b strings.Builder
	b.WriteString("\n")
	for _, n := range p.Nodes {
		fmt.Fprintf(&b, "place %+v\n", n)
	}
	for _, e := range p.Etcd {
		fmt.Fprintf(&b, "place %s user=%s passwords=%d logins=%v\n", e.At, e.User, len(e.Passwords), e.Logins)
		for _, end := range e.Endpoints {
			fmt.Fprintf(&b, "  %+v\n", end)
		}
	}
	return b.String()
}
