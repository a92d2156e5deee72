package diff

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"unicode/utf8"
)

// Digest names the plan in 12 hex digits; approvals quote it. It covers the steps in their order,
// with what each would do: two plans with the same digest do the same.
func (p *Plan) Digest() string {
	h := sha256.New()
	var text []byte
	for i := range p.Steps {
		text = p.Steps[i].appendTo(text[:0])
		h.Write(append(appendNeeds(text, p.Steps[i].Needs), '\n'))
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// Digest names one change, wherever in a plan it stands: the same change of the same state, with
// the same hazards, has the same digest.
func (c Change) Digest() string {
	sum := sha256.Sum256(c.appendTo(nil))
	return hex.EncodeToString(sum[:])[:24]
}

// appendTo writes what digests are of: approvals in journals quote them, so that it never changes.
func (c *Change) appendTo(b []byte) []byte {
	b = append(utf8.AppendRune(b, rune(c.Action)), ' ')
	b = append(strconv.AppendQuote(b, c.ID.String()), ' ')
	b = append(append(b, c.Hazard().String()...), '\n')
	for i := range c.Fields {
		f := &c.Fields[i]
		b = append(strconv.AppendQuote(b, f.Path), ' ')
		b = append(strconv.AppendQuote(b, f.Have), ' ')
		b = append(strconv.AppendQuote(b, f.Want), '\n')
	}
	return b
}

func appendNeeds(b []byte, needs []int) []byte {
	b = append(b, '[')
	for i, n := range needs {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}
