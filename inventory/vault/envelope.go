package vault

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	header = "$ANSIBLE_VAULT"
	cipher = "AES256"
	// maxText bounds an envelope; its plaintext takes about a quarter of it.
	maxText = 32 << 20
)

// The ways in which an envelope is none. Errors wrap one of them.
var (
	ErrFormat    = errors.New("not a vault")
	ErrVersion   = errors.New("unknown vault format")
	ErrCipher    = errors.New("unknown vault cipher")
	ErrTruncated = errors.New("the vault is cut off or damaged")
)

// Envelope is a vault that is still locked.
type Envelope struct {
	ID string // the vault id its writer gave; empty for format 1.1

	salt, mac, ciphertext []byte
}

// Is reports whether text looks like a vault.
func Is(text []byte) bool { return bytes.HasPrefix(text, []byte(header)) }

// Parse reads an envelope. Spaces around its lines are nothing: YAML indents them.
func Parse(text []byte) (*Envelope, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("%w: larger than %d MiB", ErrFormat, maxText>>20)
	}
	text = bytes.TrimSpace(text)
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	id, err := readHeader(string(first))
	if err != nil {
		return nil, err
	}
	body, err := unhex(bytes.Join(bytes.Fields(rest), nil))
	if err != nil {
		return nil, err
	}
	return open(id, body)
}

// readHeader returns the vault id. What stands in the line is not repeated in errors, but for
// version and cipher when they look like one: it may be anything.
func readHeader(line string) (id string, err error) {
	parts := strings.Split(strings.TrimSpace(line), ";")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if parts[0] != header || len(parts) < 3 {
		return "", fmt.Errorf("%w: want a first line such as %s;1.1;%s", ErrFormat, header, cipher)
	}
	switch {
	case parts[1] == "1.0":
		return "", fmt.Errorf("%w: 1.0 is not supported by Ansible any more: lock it again with ansible-vault rekey", ErrVersion)
	case parts[1] != "1.1" && parts[1] != "1.2":
		return "", fmt.Errorf("%w: want 1.1 or 1.2", ErrVersion)
	case parts[2] == "AES":
		return "", fmt.Errorf("%w: AES is of format 1.0: lock it again with ansible-vault rekey", ErrCipher)
	case parts[2] != cipher:
		return "", fmt.Errorf("%w: want %s", ErrCipher, cipher)
	}
	if len(parts) > 3 {
		id = parts[3]
	}
	return id, nil
}

// open takes the body apart: three lines of hexadecimal digits.
func open(id string, body []byte) (*Envelope, error) {
	parts := bytes.Split(body, []byte("\n"))
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: it has no salt, HMAC and ciphertext", ErrTruncated)
	}
	for i := range parts {
		var err error
		if parts[i], err = unhex(parts[i]); err != nil {
			return nil, err
		}
	}
	e := &Envelope{ID: id, salt: parts[0], mac: parts[1], ciphertext: parts[2]}
	if len(e.salt) == 0 || len(e.mac) != macSize || len(e.ciphertext) == 0 || len(e.ciphertext)%blockSize != 0 {
		return nil, fmt.Errorf("%w: its parts have not the lengths they should", ErrTruncated)
	}
	return e, nil
}

func unhex(digits []byte) ([]byte, error) {
	raw := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(raw, digits); err != nil {
		return nil, fmt.Errorf("%w: want an even number of hexadecimal digits", ErrTruncated)
	}
	return raw, nil
}
