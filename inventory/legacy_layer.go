package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// line is one entry of a translated layer.
type line struct {
	entry           // under the name that it has now
	was     *node   // its key as written
	edits   []Edit  // that rewrite the value; none when it stays
	gone    []*node // keys of lines that became part of this one
	keep    bool    // not to be rewritten by itself: somebody has to look at it
	told    bool    // a problem was made of it
	choice  bool    // of several lines for one safeguard, any that protects counts
	meaning string  // how its problem tells the change; empty for "X is called Y now"
	code    string  // of its problem; empty for the usual one
}

// layer translates one block of variables.
func (l *legacy) layer(at layer) layer {
	if len(at.entries) == 0 {
		return at
	}
	if done, ok := l.done[&at.entries[0]]; ok {
		return done
	}
	lines := l.lines(at)
	translated := at
	if slices.ContainsFunc(lines, line.changed) || len(lines) != len(at.entries) {
		translated = newLayer(l.unite(lines))
		translated.old = at.written()
	}
	l.done[&at.entries[0]] = translated
	return translated
}

func (n line) changed() bool { return n.was != n.key || n.edits != nil || n.told }

// lines translates every entry by itself.
func (l *legacy) lines(at layer) []line {
	lines := make([]line, 0, len(at.entries))
	joined := l.join(at)
	for _, e := range at.entries {
		if j, ok := joined[e.key]; ok {
			if j != nil {
				lines = append(lines, *j)
			}
			continue
		}
		lines = append(lines, l.line(e))
	}
	return lines
}

// line translates one entry.
func (l *legacy) line(e entry) line {
	same := line{entry: e, was: e.key}
	if to := l.meantInV1(e.key.text); to != "" {
		return l.renamed(e, oldName{to: to})
	}
	old, known := l.names[e.key.text]
	switch {
	case !known:
		return l.shaped(same)
	case old.group:
		return same // legacy_danger.go has a word on it
	case old.to == "":
		l.problems.warnf(e.key, CodeDropped, "%s is gone since %s: nothing reads it%s", e.key.text, old.since, because(old.note))
		return same
	case old.note != "":
		l.problems.warnf(e.key, CodeNotCarried, "%s is gone: %s", e.key.text, old.note)
		return same
	}
	return l.renamed(e, old)
}

func because(note string) string {
	if note == "" {
		return ""
	}
	return ", " + note
}

// meantInV1 returns the name of today for one that meant something else in v1; empty when it is
// read as it stands.
func (l *legacy) meantInV1(name string) string {
	switch {
	case name == "pg_hba_rules" && l.dialect.hba:
		return "pg_default_hba_rules"
	case name == "node_packages" && l.dialect.packages:
		return "node_default_packages"
	}
	return ""
}

// renamed gives an entry its new name and its value a new shape.
func (l *legacy) renamed(e entry, old oldName) line {
	key := *e.key
	key.text = old.to
	n := line{entry: entry{&key, e.value}, was: e.key, choice: old.safeguard}
	if old.convert == nil {
		return l.rules(n)
	}
	value, edits, ok := old.convert(e.value)
	if !ok {
		l.problems.warnf(e.key, CodeNotCarried, "%s is gone: its value has no equal in %s, write that by hand", e.key.text, old.to)
		return line{entry: e, was: e.key, told: true}
	}
	n.value, n.edits = value, edits
	if edits != nil && value.kind == List {
		n.meaning = e.key.text + " is called " + old.to + " now, and the fields of a service are name, port, ip, dest, check, selector, backup, maxconn, balance and options"
	}
	if value != e.value && value.kind != List && value.kind != Map {
		n.meaning = fmt.Sprintf("%s: %s is written %s: %s now", e.key.text, flowText(e.value), old.to, flowText(value))
	}
	return n
}

// rules says what it means that the rules of v1 are the whole list now. As long as they are not
// looked through, neither they nor those of single clusters are renamed in the file.
func (l *legacy) rules(n line) line {
	if l.dialect.rules && family(n.was.text) == hbaFamily {
		l.held[hbaFamily] = true
	}
	if n.key.text == "pg_default_hba_rules" && len(n.value.list) > 0 {
		l.doubtful(l.generation == generation1, n.was, CodeRulesOfV1, "pg_hba_rules of v1 were added to built-in rules for the superuser, replication and monitoring, and are the whole list now, as pg_default_hba_rules: "+
			"replicas would be locked out. Write pg_default_hba_rules with rules for ${dbsu}, ${repl}, ${monitor} and ${admin} in front")
		n.told = true
	}
	return n
}

// unite makes the entries of a layer of its lines: one for each name.
func (l *legacy) unite(lines []line) []entry {
	first := map[string]int{}
	kept := make([]line, 0, len(lines))
	for _, n := range lines {
		i, taken := first[n.key.text]
		if !taken {
			first[n.key.text] = len(kept)
			kept = append(kept, n)
			continue
		}
		kept[i] = l.both(kept[i], n)
	}
	entries := make([]entry, len(kept))
	for i, n := range kept {
		entries[i] = n.entry
		l.tellChange(n)
	}
	return entries
}

// both makes one line of two that set the same parameter.
func (l *legacy) both(a, b line) line {
	if a.was.text == a.key.text {
		a, b = b, a // b is what is written with the name of today, when one of them is
	}
	switch {
	case b.was.text == b.key.text || !a.choice && !same(a.value, b.value):
		l.problems.errorf(a.was, CodeTwoNames, "%s and %s (%s) are the same parameter now: keep one, as %s",
			a.was.text, b.was.text, b.was.pos(), a.key.text)
		b.told, b.keep = true, true
		l.held[family(a.was.text)] = true
		return b
	case a.choice && !same(a.value, b.value):
		on := *a.value
		on.kind, on.text = Bool, "true"
		a.value, a.edits = &on, []Edit{Set(Spot{Pos: a.entry.value.pos()}, true)}
		a.meaning = fmt.Sprintf("%s and %s are written as one now, and what protects counts: %s: true", a.was.text, b.was.text, a.key.text)
	}
	l.problems.warnf(b.was, CodeRenamed, "%s is called %s now, which %s sets too", b.was.text, b.key.text, a.was.text)
	a.gone = append(a.gone, b.was)
	a.gone = append(a.gone, b.gone...)
	return a
}

// tellChange says that a line is outdated and, when it can be rewritten, how.
func (l *legacy) tellChange(n line) {
	if n.told || n.was == n.key && n.edits == nil {
		return
	}
	code := CodeRenamed
	what := cmp.Or(n.meaning, n.was.text+" is called "+n.key.text+" now")
	if n.was.text == n.key.text {
		code = CodeShapeOld
	}
	l.problems.warnf(n.was, cmp.Or(n.code, code), "%s", what)
	if n.keep {
		return
	}
	var edits []Edit
	edits = append(edits, n.edits...)
	for _, key := range n.gone {
		edits = append(edits, Delete(Spot{Pos: key.pos()}))
		what += "; " + key.text + " is taken out"
	}
	if n.was.text != n.key.text {
		edits = append(edits, Rename(Spot{Pos: n.was.pos()}, n.key.text))
	}
	o := Outdated{Pos: n.was.pos(), What: what, edits: edits, family: family(n.was.text)}
	if _, old := l.names[n.was.text]; !old {
		o.frees = 1
	}
	l.changes = append(l.changes, o)
}

// Names that are read together: as long as one of them cannot be renamed, none is, since what is
// left would be read in another way.
const (
	hbaFamily      = "hba"
	vipFamily      = "vip"
	packagesFamily = "packages"
)

func family(name string) string {
	switch {
	case strings.HasPrefix(name, "vip_"):
		return vipFamily
	case name == "node_packages" || name == "node_extra_packages" || name == "node_meta_packages":
		return packagesFamily
	case strings.HasPrefix(name, "pg_hba_rules") || strings.HasPrefix(name, "pgbouncer_hba_rules"):
		return hbaFamily
	}
	return ""
}

// written returns the entries as they stand in the file, under their old names.
func (l layer) written() []entry {
	if l.old != nil {
		return l.old
	}
	return l.entries
}
