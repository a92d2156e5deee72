package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// identities are the keys to offer to one target, and what to say if none is accepted.
type identities struct {
	signers []ssh.Signer
	notes   []string // a line for each key, tried or not
	agent   net.Conn // open until the login is over, nil without an agent
}

// identify collects the keys for t: its own file alone, or the default files and then the
// agent. Files come first because servers stop listening after a few keys (six, by default) and
// an agent may hold many.
func (p *Pool) identify(ctx context.Context, t Target) (*identities, error) {
	ids := &identities{}
	held := ids.ask(ctx, p.cfg.AgentSocket)
	if t.KeyFile != "" {
		if err := ids.addFile(t.KeyFile, held); err != nil {
			ids.close()
			return nil, &Error{Host: t.name(), Kind: ErrAuth, Detail: "key file", Err: err, hint: "name a private key that this user may read"}
		}
		return ids, nil
	}
	for _, name := range p.cfg.KeyFiles {
		if err := ids.addFile(name, held); err != nil && !errors.Is(err, fs.ErrNotExist) {
			ids.notes = append(ids.notes, err.Error()+" (not tried)")
		}
	}
	for _, s := range held {
		ids.add(s, "agent")
	}
	return ids, nil
}

// addFile adds the key in a file. One that is encrypted is taken from the agent, if it is there.
func (ids *identities) addFile(name string, held []ssh.Signer) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if signer = find(held, locked.PublicKey); signer == nil {
			return fmt.Errorf("%s: encrypted, and its key is not in the agent", name)
		}
		err = nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	ids.add(signer, name)
	return nil
}

func (ids *identities) add(s ssh.Signer, from string) {
	if find(ids.signers, s.PublicKey()) != nil {
		return
	}
	ids.signers = append(ids.signers, s)
	ids.notes = append(ids.notes, from+" "+ssh.FingerprintSHA256(s.PublicKey()))
}

// ask lists the agent's keys; one that does not answer is noted and does without.
func (ids *identities) ask(ctx context.Context, socket string) []ssh.Signer {
	if socket == "" {
		return nil
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		ids.notes = append(ids.notes, "agent: "+err.Error())
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // cannot fail on an open socket; reading would tell
	}
	ids.agent = conn
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		ids.notes = append(ids.notes, "agent: "+err.Error())
	}
	return signers
}

func (ids *identities) close() {
	if ids.agent != nil {
		_ = ids.agent.Close() // nothing was written that could be lost
	}
}

// refused explains a login that failed with every key.
func (ids *identities) refused(t Target, err error) *Error {
	tried := "no keys to try"
	if len(ids.notes) > 0 {
		tried = "tried " + strings.Join(ids.notes, ", ")
	}
	return &Error{
		Host: t.name(), Kind: ErrAuth, Detail: tried, Err: err,
		hint: fmt.Sprintf("add one of these keys to the authorized_keys of %s on %s, or configure the right key", t.User, t.Host),
	}
}

// find gives the signer of a public key, nil when there is none.
func find(signers []ssh.Signer, key ssh.PublicKey) ssh.Signer {
	if key == nil {
		return nil
	}
	for _, s := range signers {
		if bytes.Equal(s.PublicKey().Marshal(), key.Marshal()) {
			return s
		}
	}
	return nil
}
