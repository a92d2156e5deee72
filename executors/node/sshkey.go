package node

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"os"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// maxKey bounds the file of a key.
const maxKey = 64 << 10

func (v *view) seeSSHKey(name string) (resource.Spec, error) {
	s, info, err := v.stat(name)
	if err != nil || info == nil {
		return nil, err
	}
	private, err := s.read(info, maxKey)
	if err != nil {
		return nil, err
	}
	a, err := v.accounts()
	if err != nil {
		return nil, err
	}
	st := sysStat(info)
	k := resource.SSHKey{Mode: st.Mode & permissions}
	k.Owner, k.Group = a.names(st.Uid, st.Gid)
	published, err := v.published(name)
	if k.Public = publicOf(private); k.Public == "" {
		k.Public = published // an old format does not tell
	}
	k.Published = k.Public != "" && published == k.Public
	return k, err
}

// published is the public key that stands beside a private one.
func (v *view) published(name string) (string, error) {
	b, err := v.small(name + ".pub")
	words := strings.Fields(string(b))
	if err != nil || len(words) < 2 {
		return "", err
	}
	return words[0] + " " + words[1], nil
}

// publicOf reads the public key out of a private one: OpenSSH writes it there in clear, before what may
// be encrypted. "" when there is none.
func publicOf(private []byte) string {
	const magic = "openssh-key-v1\x00"
	block, _ := pem.Decode(private)
	if block == nil || !strings.HasPrefix(string(block.Bytes), magic) {
		return ""
	}
	rest := block.Bytes[len(magic):]
	for range 3 { // the cipher and its parameters
		_, rest = lengthAndText(rest)
	}
	if len(rest) < 4 {
		return ""
	}
	blob, _ := lengthAndText(rest[4:]) // after the number of keys
	kind, _ := lengthAndText(blob)
	if len(kind) == 0 {
		return ""
	}
	return string(kind) + " " + base64.StdEncoding.EncodeToString(blob)
}

// lengthAndText cuts a text off that stands behind its length.
func lengthAndText(b []byte) (text, rest []byte) {
	if len(b) < 4 {
		return nil, nil
	}
	n := binary.BigEndian.Uint32(b)
	if b = b[4:]; uint64(n) > uint64(len(b)) {
		return nil, nil
	}
	return b[:n], b[n:]
}

func (w *work) makeSSHKey(ctx context.Context, want resource.SSHKey, have resource.Spec) error {
	s, err := w.place(w.id.Name)
	if err != nil {
		return err
	}
	h, there := have.(resource.SSHKey)
	if !there {
		return w.newSSHKey(ctx, s, want)
	}
	if !h.Published {
		if err := w.publish(want, h.Public+" "+want.Comment+"\n"); err != nil {
			return err
		}
	}
	return w.setAttributes(s, want.Mode, want.Owner, want.Group)
}

// newSSHKey makes the pair where only root gets, since the account's own directory is the account's. The
// private key comes last: with it the pair is there.
func (w *work) newSSHKey(ctx context.Context, s spot, want resource.SSHKey) error {
	dir, err := w.state("keys")
	if err != nil {
		return err
	}
	temp := spot{dir: dir, name: digestOf([]byte(w.id.Name))[:32]}
	defer drop(dir, temp.name, temp.name+".pub")
	drop(dir, temp.name, temp.name+".pub") // of one that was killed
	if err := w.command(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", want.Comment, "-f", temp.real()); err != nil {
		return err
	}
	private, err := dir.ReadFile(temp.name)
	if err != nil {
		return err
	}
	public := publicOf(private)
	if public == "" {
		return errors.New("ssh-keygen has made a key that cannot be read")
	}
	if err := w.publish(want, public+" "+want.Comment+"\n"); err != nil {
		return err
	}
	d, err := w.draft(s, private, want.Mode, want.Owner, want.Group)
	d.forget = true
	if err != nil {
		return err
	}
	return w.write(s, d)
}

func drop(dir *os.Root, names ...string) {
	for _, name := range names {
		_ = dir.Remove(name) // it need not be there
	}
}

func (w *work) publish(want resource.SSHKey, line string) error {
	s, err := w.place(w.id.Name + ".pub")
	if err != nil {
		return err
	}
	d, err := w.draft(s, []byte(line), 0o644, want.Owner, want.Group)
	if err != nil {
		return err
	}
	return w.write(s, d)
}
