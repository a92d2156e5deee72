package history

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText is how many bytes of a text are kept.
const maxText = 1 << 10

// oneLine makes one short line of a text.
func oneLine(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, cut(s, maxText)))
	return cut(s, maxText)
}

// cut keeps at most n bytes, whole runes, and says that something is missing.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const more = "…"
	end := n - len(more)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more
}

func (r RunBegan) bound() Entry {
	return RunBegan{oneLine(r.Inventory), oneLine(r.Revision), oneLine(r.Author), oneLine(r.Subject)}
}

func (p Planned) bound() Entry {
	p.Revision, p.Summary = oneLine(p.Revision), oneLine(p.Summary)
	p.Steps, p.Objections = slices.Clone(p.Steps), slices.Clone(p.Objections)
	for i, s := range p.Steps {
		p.Steps[i] = s.bound()
	}
	for i := range p.Objections {
		p.Objections[i].Reason = oneLine(p.Objections[i].Reason)
	}
	return p
}

func (s Step) bound() Step {
	s.Owner, s.Origin = oneLine(s.Owner), oneLine(s.Origin)
	s.Fields = slices.Clone(s.Fields)
	for i := range s.Fields {
		s.Fields[i].Path = oneLine(s.Fields[i].Path)
	}
	return s
}

func (i Intent) bound() Entry {
	i.Revision, i.Step = oneLine(i.Revision), i.Step.bound()
	i.Step.Fields = nil
	return i
}

func (r Result) bound() Entry {
	r.Revision, r.Err, r.Step = oneLine(r.Revision), oneLine(r.Err), r.Step.bound()
	r.Step.Fields = nil
	return r
}

func (c Converged) bound() Entry {
	c.Revision = oneLine(c.Revision)
	return c
}

func (h Held) bound() Entry {
	h.Revision = oneLine(h.Revision)
	return h
}

func (f Failed) bound() Entry {
	f.Revision, f.Err = oneLine(f.Revision), oneLine(f.Err)
	return f
}

func (a Approved) bound() Entry {
	a.By = oneLine(a.By)
	return a
}

func (h HoldOrdered) bound() Entry {
	h.By, h.Reason = oneLine(h.By), oneLine(h.Reason)
	return h
}

func (r Released) bound() Entry {
	r.By = oneLine(r.By)
	return r
}

func (c Called) bound() Entry { return Called{oneLine(c.Call), oneLine(c.By), oneLine(c.From)} }

func (a Adopted) bound() Entry {
	a.By, a.Owners = oneLine(a.By), slices.Clone(a.Owners)
	for i := range a.Owners {
		a.Owners[i] = oneLine(a.Owners[i])
	}
	return a
}

func (c Checkpoint) bound() Entry { return c }

func (u Unknown) bound() Entry { return u }
