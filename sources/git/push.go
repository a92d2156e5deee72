package git

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/pigsync/pigsync/sources"
)

// Push implements sources.Drafter: it makes one commit, of what the store has and the draft says, and sends it as
// a new branch. No branch that is there is ever moved.
func (s *Source) Push(ctx context.Context, d sources.Draft) (string, error) {
	if s.pusher != nil {
		return s.pusher.Push(ctx, d)
	}
	ref := plumbing.ReferenceName("refs/heads/" + d.Branch)
	if d.Branch == "" || strings.HasPrefix(d.Branch, "-") || ref.Validate() != nil {
		return "", fmt.Errorf("%q is not the name of a branch", sources.Clean(d.Branch, 120))
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	made := &making{source: s, out: memory.NewStorage()}
	commit, err := made.commit(ctx, d)
	if err != nil {
		return "", fmt.Errorf("%s: make the commit of %s: %w", s.address.shown, d.Branch, err)
	}
	var hidden secrets
	if s.address.scheme == "file" {
		err = s.pushLocal(made, ref, commit)
	} else {
		hidden, err = s.send(ctx, made, ref, commit)
	}
	if errors.Is(err, sources.ErrExists) {
		return "", sources.Errorf(sources.ErrExists, "%s: there is a branch %s already", s.address.shown, d.Branch)
	}
	if err != nil {
		return "", s.explain(ctx, err, hidden)
	}
	return commit.String(), nil
}

// making are the objects of a commit that is not pushed yet.
type making struct {
	source *Source
	out    *memory.Storage
	hashes []plumbing.Hash
}

func (m *making) add(t plumbing.ObjectType, encode func(plumbing.EncodedObject) error) (plumbing.Hash, error) {
	o := m.out.NewEncodedObject()
	o.SetType(t)
	if err := encode(o); err != nil {
		return plumbing.ZeroHash, err
	}
	h, err := m.out.SetEncodedObject(o)
	if err == nil && !slices.Contains(m.hashes, h) {
		m.hashes = append(m.hashes, h)
	}
	return h, err
}

// committer is who makes commits that nobody else has made.
const committer = "pigsync"

func (m *making) commit(ctx context.Context, d sources.Draft) (plumbing.Hash, error) {
	on := plumbing.NewHash(d.On)
	parent, err := m.source.store.commit(on)
	if err != nil {
		return on, err
	}
	root, err := m.tree(ctx, parent, d)
	if err != nil {
		return on, err
	}
	who := object.Signature{Name: committer, Email: committer + "@localhost", When: time.Now().UTC().Truncate(time.Second)}
	c := &object.Commit{Author: who, Committer: who, Message: d.Message, TreeHash: root, ParentHashes: []plumbing.Hash{on}}
	return m.add(plumbing.CommitObject, c.Encode)
}

// tree is the tree of the parent, with the inventory in it that the draft says.
func (m *making) tree(ctx context.Context, parent *object.Commit, d sources.Draft) (plumbing.Hash, error) {
	base := parent
	if d.Like != "" {
		like, err := m.source.store.commit(plumbing.NewHash(d.Like))
		if err != nil {
			return plumbing.ZeroHash, err
		}
		base = like
	}
	inventory, err := m.source.root(base.TreeHash)
	if err != nil {
		return inventory, err
	}
	for _, name := range slices.Sorted(maps.Keys(d.Files)) {
		if err := errors.Join(ctx.Err(), sources.CheckPath(name)); err != nil {
			return inventory, err
		}
		blob, err := m.add(plumbing.BlobObject, func(o plumbing.EncodedObject) error { return fill(o, d.Files[name]) })
		if err != nil {
			return inventory, err
		}
		entry := object.TreeEntry{Mode: filemode.Regular, Hash: blob}
		if inventory, err = m.put(inventory, strings.Split(name, "/"), entry); err != nil {
			return inventory, err
		}
	}
	if m.source.options.Path == "." {
		return inventory, nil
	}
	entry := object.TreeEntry{Mode: filemode.Dir, Hash: inventory}
	return m.put(parent.TreeHash, strings.Split(m.source.options.Path, "/"), entry)
}

func fill(o plumbing.EncodedObject, data []byte) error {
	w, err := o.Writer()
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return errors.Join(err, w.Close())
}

// put is a tree with an entry at a path. A directory that is not there is made; a file stays as executable as it was.
func (m *making) put(root plumbing.Hash, at []string, e object.TreeEntry) (plumbing.Hash, error) {
	t := &object.Tree{}
	if !root.IsZero() {
		var err error
		if t, err = m.read(root); err != nil {
			return root, err
		}
	}
	e.Name = at[0]
	old := entry(t, at[0])
	if len(at) > 1 {
		below := plumbing.ZeroHash
		if old != nil && old.Mode == filemode.Dir {
			below = old.Hash
		}
		made, err := m.put(below, at[1:], e)
		if err != nil {
			return root, err
		}
		e = object.TreeEntry{Name: at[0], Mode: filemode.Dir, Hash: made}
	}
	switch {
	case old == nil:
		t.Entries = append(t.Entries, e)
	case old.Mode == filemode.Executable && e.Mode == filemode.Regular:
		old.Hash = e.Hash
	default:
		*old = e
	}
	slices.SortFunc(t.Entries, func(a, b object.TreeEntry) int { return cmp.Compare(treeName(a), treeName(b)) })
	return m.add(plumbing.TreeObject, t.Encode)
}

// treeName is what trees are sorted by.
func treeName(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}

func (m *making) read(h plumbing.Hash) (*object.Tree, error) {
	if o, err := m.out.EncodedObject(plumbing.TreeObject, h); err == nil {
		return decodeTree(o, h)
	}
	return m.source.store.tree(h)
}

// pushLocal writes into a repository on this machine.
func (s *Source) pushLocal(made *making, ref plumbing.ReferenceName, commit plumbing.Hash) error {
	sto, err := openLocal(s.address.path)
	if err != nil {
		return err
	}
	if _, err := storer.ResolveReference(sto, ref); err == nil {
		return sources.ErrExists
	}
	for _, h := range made.hashes {
		o, err := made.out.EncodedObject(plumbing.AnyObject, h)
		if err != nil {
			return err
		}
		if _, err := sto.SetEncodedObject(o); err != nil {
			return err
		}
	}
	return sto.SetReference(plumbing.NewHashReference(ref, commit))
}

// send makes the branch at the remote. What is asked for is that there be none: a remote that has one refuses.
func (s *Source) send(ctx context.Context, made *making, ref plumbing.ReferenceName, commit plumbing.Hash) (secrets, error) {
	session, hidden, err := s.connectToPush(ctx)
	if err != nil {
		return hidden, err
	}
	defer session.Close() // the report was read, or an error says more than a failed goodbye
	ar, err := session.AdvertisedReferencesContext(ctx)
	if err != nil && !errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return hidden, err
	}
	if _, there := ar.References[ref.String()]; there {
		return hidden, sources.ErrExists
	}
	req := packp.NewReferenceUpdateRequestFromCapabilities(ar.Capabilities)
	req.Commands = []*packp.Command{{Name: ref, Old: plumbing.ZeroHash, New: commit}}
	var pack bytes.Buffer
	if _, err := packfile.NewEncoder(&pack, made.out, false).Encode(made.hashes, 0); err != nil {
		return hidden, err
	}
	req.Packfile = io.NopCloser(&pack)
	report, err := session.ReceivePack(ctx, req)
	if err == nil && report != nil {
		err = report.Error()
	}
	return hidden, err
}

func (s *Source) connectToPush(ctx context.Context) (transport.ReceivePackSession, secrets, error) {
	if s.address.scheme == "https" {
		client, ep, auth, hidden, err := s.webClient(ctx)
		if err != nil {
			return nil, hidden, err
		}
		session, err := githttp.NewClient(client).NewReceivePackSession(ep, auth)
		if err != nil {
			client.CloseIdleConnections()
			return nil, hidden, err
		}
		return pushing{session, client.CloseIdleConnections}, hidden, nil
	}
	auth, ep, r, err := s.sshClient(ctx)
	if err != nil {
		return nil, nil, err
	}
	session, err := gitssh.NewClient(nil).NewReceivePackSession(ep, auth)
	if err != nil {
		return nil, nil, cmp.Or(r.close(), err)
	}
	return pushing{session, func() { _ = r.close() }}, nil, nil
}
