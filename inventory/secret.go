package inventory

import (
	"fmt"
	"io"
	"log/slog"
)

const mask = "<secret>"

// Secret is text that must not be printed: every printed or encoded form of it is "<secret>",
// also inside other structs, maps and slices. Reveal is the only way to the text. The zero value
// is an empty secret. Secrets do not compare with ==; use Equal.
type Secret struct {
	_    [0]func() // == on two secrets would compare addresses
	text *string   // behind a pointer: fmt cannot call methods on unexported fields, but prints an address
}

// NewSecret returns a secret that holds text.
func NewSecret(text string) Secret { return Secret{text: &text} }

// Reveal returns the text. Do not print, log or return it in an error.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal reports whether both secrets hold the same text.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String returns the mask.
func (Secret) String() string { return mask }

// GoString returns the mask.
func (Secret) GoString() string { return mask }

// Format writes the mask, whatever the verb and flags.
func (Secret) Format(f fmt.State, _ rune) {
	// A fmt.State keeps its own errors: there is nobody to return one to.
	_, _ = io.WriteString(f, mask)
}

// MarshalText returns the mask.
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// MarshalJSON returns the mask as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// MarshalYAML returns the mask.
func (Secret) MarshalYAML() (any, error) { return mask, nil }

// MarshalBinary returns the mask, so that gob has nothing else to send.
func (Secret) MarshalBinary() ([]byte, error) { return []byte(mask), nil }

// LogValue returns the mask. It is all that this package has to do with logs.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }
