package ssh

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hostKeys is what the known_hosts files held at one moment.
type hostKeys struct {
	files       []string // as configured, for hints
	check       ssh.HostKeyCallback
	authorities map[place]bool // lines marked @cert-authority
}

type place struct {
	file string
	line int
}

// readHostKeys reads the files. A line that cannot be understood refuses all of them: it may be
// a revocation.
func readHostKeys(files []string) (*hostKeys, error) {
	h := &hostKeys{files: files, authorities: map[place]bool{}}
	var present []string
	for _, name := range files {
		err := h.findAuthorities(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		present = append(present, name)
	}
	check, err := knownhosts.New(present...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errKnownHosts, err)
	}
	h.check = check
	return h, nil
}

// findAuthorities notes which lines of a file name authorities, which the library knows but
// does not tell.
func (h *hostKeys) findAuthorities(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		if strings.HasPrefix(strings.TrimLeft(lines.Text(), " \t"), "@cert-authority") {
			h.authorities[place{name, n}] = true
		}
	}
	return lines.Err()
}

// known lists what the files hold for addr. The library has no such question, but tells it to
// whoever shows it a key that nobody has.
func (h *hostKeys) known(addr string) []knownhosts.KnownKey {
	var mismatch *knownhosts.KeyError
	errors.As(h.check(addr, &net.TCPAddr{}, noKey{}), &mismatch)
	if mismatch == nil {
		return nil
	}
	return mismatch.Want
}

// algorithms lists the host key algorithms worth negotiating with addr, best first: those for
// which there is a key. Otherwise a node that has keys of several types might show one that is
// not in the files and look as if it had changed. Nil for a host without a line: then any will
// do, to be named in the refusal.
func (h *hostKeys) algorithms(addr string) []string {
	want := map[string]bool{}
	certificates := false
	for _, k := range h.known(addr) {
		if h.authorities[place{k.Filename, k.Line}] {
			certificates = true
			continue
		}
		want[k.Key.Type()] = true
	}
	if want[ssh.KeyAlgoRSA] { // the key's type; its signatures are named otherwise
		want[ssh.KeyAlgoRSASHA256], want[ssh.KeyAlgoRSASHA512] = true, true
	}
	var out []string
	for _, a := range ssh.SupportedAlgorithms().HostKeys {
		if want[a] || certificates && strings.HasSuffix(a, "-cert-v01@openssh.com") {
			out = append(out, a)
		}
	}
	return out
}

// refusal explains why the key that t showed is not accepted.
func (h *hostKeys) refusal(t Target, key ssh.PublicKey, err error) *Error {
	e := &Error{Host: t.name(), Kind: ErrHostKey, Err: err}
	offered := key.Type() + " " + ssh.FingerprintSHA256(key)
	var mismatch *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	switch {
	case errors.As(err, &revoked):
		e.Detail = fmt.Sprintf("revoked at %s:%d: %s", revoked.Revoked.Filename, revoked.Revoked.Line, offered)
		e.hint = "give the node a new host key, or remove the @revoked line"
	case errors.As(err, &mismatch) && len(mismatch.Want) == 0:
		e.Detail = "unknown: " + offered
		e.hint = h.addHint(t)
	case errors.As(err, &mismatch):
		e.Detail = fmt.Sprintf("changed: offered %s, but known is %s", offered, describe(mismatch.Want))
		e.hint = changedHint
	default:
		e.Detail = "certificate: " + offered
		e.hint = h.addHint(t)
	}
	return e
}

// noCommonType explains a host that shows only types of keys that are not in the files.
func (h *hostKeys) noCommonType(t Target, err error) *Error {
	return &Error{
		Host: t.name(), Kind: ErrHostKey, Err: err, hint: changedHint,
		Detail: "changed: known is " + describe(h.known(t.addr())),
	}
}

const changedHint = "if the node was installed anew, replace the named line after comparing the fingerprint on its console; otherwise somebody may be in between"

func (h *hostKeys) addHint(t Target) string {
	file := "a known_hosts file (none is configured)"
	if len(h.files) > 0 {
		file = h.files[0]
	}
	return fmt.Sprintf("compare the fingerprint on the node's console, then append the output of `ssh-keyscan -p %d %s` to %s", t.Port, t.Host, file)
}

func describe(keys []knownhosts.KnownKey) string {
	var out []string
	for _, k := range keys {
		out = append(out, fmt.Sprintf("%s:%d %s %s", k.Filename, k.Line, k.Key.Type(), ssh.FingerprintSHA256(k.Key)))
	}
	return strings.Join(out, ", ")
}

// noKey is a public key that no host has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }
