package resource

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const mask = "<secret>"

// Secret is a text that no printer, encoder or logger shows. The zero value is the empty secret.
type Secret struct{ text string }

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal gives the text back, for the one who must use it.
func (s Secret) Reveal() string { return s.text }

// Equal compares in constant time.
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.text), []byte(o.text)) == 1
}

// String is the mask.
func (Secret) String() string { return mask }

// Format writes the mask, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, mask) } //nolint:errcheck // fmt.State keeps its own error

// MarshalText writes the mask.
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue is the mask.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// Content is what a file holds. It prints as its size, since it may hold secrets.
type Content []byte

// String tells the size only.
func (c Content) String() string { return fmt.Sprintf("<%d bytes>", len(c)) }

// Format tells the size only, whatever the verb.
func (c Content) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) } //nolint:errcheck // as above

// MarshalText tells the size only; Encode is the one way to send a content.
func (c Content) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
