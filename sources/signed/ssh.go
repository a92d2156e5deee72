package signed

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// signer is a line of allowed signers.
type signer struct {
	who         string // the first of the line's principals
	key         ssh.PublicKey
	after, till time.Time // zero: always
}

// namespace is what git signs commits in.
const namespace = "git"

// readSigners reads lines of principals, options and a key. Certificates are not taken.
func readSigners(text string) (list []signer, err error) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		s, use, err := readSigner(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if use {
			list = append(list, s)
		}
	}
	return list, nil
}

func readSigner(line string) (s signer, use bool, err error) {
	who, rest, ok := strings.Cut(line, " ")
	if !ok {
		return s, false, errors.New("want principals and a key")
	}
	s.who, _, _ = strings.Cut(who, ",")
	if s.who == "" || strings.ContainsAny(s.who, "*?!") {
		return s, false, fmt.Errorf("want a name and no pattern, got %q", s.who)
	}
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil {
		return s, false, errors.New("want a public key such as ssh-ed25519 AAAA…")
	}
	s.key = key
	use, err = s.limit(options)
	return s, use, err
}

// limit takes in the options of a line. One that is for something else than git is not used.
func (s *signer) limit(options []string) (use bool, err error) {
	use = true
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "namespaces":
			use = slices.Contains(strings.Split(value, ","), namespace)
		case "valid-after":
			s.after, err = signerTime(value)
		case "valid-before":
			s.till, err = signerTime(value)
		default:
			err = fmt.Errorf("the option %s is not taken", name)
		}
		if err != nil {
			return false, err
		}
	}
	return use, nil
}

// signerTime reads YYYYMMDD[HHMM[SS]][Z] as ssh-keygen(1) does, but always as UTC.
func signerTime(text string) (time.Time, error) {
	text = strings.TrimSuffix(text, "Z")
	for _, form := range []string{"20060102", "200601021504", "20060102150405"} {
		if t, err := time.Parse(form, text); err == nil && len(text) == len(form) {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("want a time such as 20261231, got %q", text)
}

// blob is a signature as OpenSSH's PROTOCOL.sshsig lays it out, behind the magic words.
type blob struct {
	Version   uint32
	Key       string
	Namespace string
	Reserved  string
	Hash      string
	Signature string
}

const magic = "SSHSIG"

var errForm = errors.New("that is no signature of SSH")

func (k *Keys) signerSSH(message, signature []byte, when time.Time) (string, error) {
	rest, ok := bytes.CutPrefix(signature, []byte(magic))
	var b blob
	if !ok || ssh.Unmarshal(rest, &b) != nil || b.Version != 1 || b.Namespace != namespace {
		return "", errForm
	}
	key, err := ssh.ParsePublicKey([]byte(b.Key))
	if err != nil {
		return "", errForm
	}
	var sig ssh.Signature
	if err := ssh.Unmarshal([]byte(b.Signature), &sig); err != nil || weak(sig.Format) {
		return "", errForm
	}
	said, err := b.said(message)
	if err != nil {
		return "", err
	}
	if err := key.Verify(said, &sig); err != nil {
		return "", fmt.Errorf("%w: %w", ErrNobody, err)
	}
	return k.whose(key, when)
}

// weak is a signature by SHA-1, which others can forge.
func weak(format string) bool { return format == ssh.KeyAlgoRSA }

// said is what was signed: the words around a digest of the message.
func (b blob) said(message []byte) ([]byte, error) {
	var digest []byte
	switch b.Hash {
	case "sha256":
		sum := sha256.Sum256(message)
		digest = sum[:]
	case "sha512":
		sum := sha512.Sum512(message)
		digest = sum[:]
	default:
		return nil, errForm
	}
	fields := struct{ Namespace, Reserved, Hash, Digest string }{b.Namespace, b.Reserved, b.Hash, string(digest)}
	return append([]byte(magic), ssh.Marshal(fields)...), nil
}

func (k *Keys) whose(key ssh.PublicKey, when time.Time) (string, error) {
	for _, s := range k.ssh {
		if !bytes.Equal(s.key.Marshal(), key.Marshal()) {
			continue
		}
		if when.Before(s.after) || !s.till.IsZero() && !when.Before(s.till) {
			continue
		}
		return s.who, nil
	}
	return "", ErrNobody
}
