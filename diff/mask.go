package diff

import (
	"slices"

	"github.com/pigsync/pigsync/resource"
)

// Shown is the fields of a change as they may be shown.
func (p *Plan) Shown(c Change) []resource.Field {
	if p.Mask == nil {
		return c.Fields
	}
	shown := slices.Clone(c.Fields)
	for i, f := range shown {
		shown[i].Have, shown[i].Want = p.Mask(f.Have), p.Mask(f.Want)
	}
	return shown
}

// Masked is an error that says only what may be shown, and is what it was otherwise.
func (p *Plan) Masked(err error) error {
	if err == nil || p.Mask == nil {
		return err
	}
	if text := p.Mask(err.Error()); text != err.Error() {
		return masked{err, text}
	}
	return err
}

type masked struct {
	error
	text string
}

// Error is what may be shown.
func (m masked) Error() string { return m.text }

// Unwrap is the error itself.
func (m masked) Unwrap() error { return m.error }
