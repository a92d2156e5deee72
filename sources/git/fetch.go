package git

import (
	"context"
	"errors"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pigsync/pigsync/sources"
)

// maxHaves is how many of our commits are named to the server, so that it sends what is newer.
const maxHaves = 256

// fetch brings the commit that the ref names now into the store.
func (s *Source) fetch(ctx context.Context) (plumbing.Hash, error) {
	if s.pinned != plumbing.ZeroHash && s.store.has(s.pinned) {
		return s.pinned, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	var head plumbing.Hash
	var hidden secrets
	var err error
	if s.address.scheme == "file" {
		head, err = s.copyLocal(ctx)
	} else {
		head, hidden, err = s.download(ctx)
	}
	if err == nil {
		err = s.store.compact(ctx, s.packLimits())
	}
	if err != nil {
		return head, s.explain(ctx, err, hidden)
	}
	return head, nil
}

func (s *Source) packLimits() packLimits {
	return packLimits{bytes: s.options.MaxPack, object: s.options.MaxObject}
}

func (s *Source) download(ctx context.Context) (plumbing.Hash, secrets, error) {
	session, hidden, err := s.connect(ctx)
	if err != nil {
		return plumbing.ZeroHash, hidden, err
	}
	defer session.Close() // the answer was read, or an error says more than a failed goodbye
	ar, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return plumbing.ZeroHash, hidden, err
	}
	head, err := s.bring(ctx, session, ar)
	return head, hidden, err
}

func (s *Source) connect(ctx context.Context) (transport.UploadPackSession, secrets, error) {
	if s.address.scheme == "https" {
		return s.https(ctx)
	}
	session, err := s.ssh(ctx)
	return session, nil, err
}

// bring downloads what is missing and returns the commit.
func (s *Source) bring(ctx context.Context, session transport.UploadPackSession, ar *packp.AdvRefs) (plumbing.Hash, error) {
	list := advertised(ar)
	if s.pinned != plumbing.ZeroHash {
		err := s.request(ctx, session, ar, list.reaching(s.pinned, ar.Capabilities))
		if err == nil && !s.store.has(s.pinned) {
			err = sources.Errorf(sources.ErrNoRef, "the repository has no commit %s", s.pinned)
		}
		return s.pinned, err
	}
	tip, err := list.follow(s.options)
	if err != nil {
		return tip, err
	}
	if !s.store.has(tip) {
		if err := s.request(ctx, session, ar, []plumbing.Hash{tip}); err != nil {
			return tip, err
		}
	}
	return s.store.peel(tip)
}

// request asks for the objects of wants that the store does not have, and stores them.
func (s *Source) request(ctx context.Context, session transport.UploadPackSession, ar *packp.AdvRefs, wants []plumbing.Hash) error {
	if len(wants) == 0 {
		return sources.Errorf(sources.ErrEmpty, "the repository has no commit yet")
	}
	req := packp.NewUploadPackRequestFromCapabilities(ar.Capabilities)
	req.Wants = wants
	haves, err := s.haves()
	if err != nil {
		return err
	}
	req.Haves = haves
	if err := s.prefer(req, ar.Capabilities); err != nil {
		return err
	}
	res, err := session.UploadPack(ctx, req)
	if errors.Is(err, transport.ErrEmptyUploadPackRequest) {
		return nil // nothing is missing
	}
	if err != nil {
		return err
	}
	defer res.Close() // the pack's own checksum says whether all of it came
	return s.store.add(ctx, packOf(req.Capabilities, res), s.packLimits())
}

// prefer sets what we would like: no chatter, and big blobs left out where the server can.
func (s *Source) prefer(req *packp.UploadPackRequest, offered *capability.List) error {
	if offered.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return err
		}
	}
	if offered.Supports(capability.Filter) {
		req.Filter = packp.FilterBlobLimit(uint64(s.options.MaxObject), packp.BlobLimitPrefixNone)
		return req.Capabilities.Set(capability.Filter)
	}
	return nil
}

// packOf unwraps the pack from the bands that carry it.
func packOf(caps *capability.List, r io.Reader) io.Reader {
	switch {
	case caps.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, r)
	case caps.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, r)
	}
	return r
}

// haves are the last commit yielded and those before it. The store holds all that they need.
func (s *Source) haves() ([]plumbing.Hash, error) {
	last, err := s.store.head(s.key)
	if err != nil || last.IsZero() || !s.store.has(last) {
		return nil, err
	}
	var list []plumbing.Hash
	for h, err := range s.store.history(last) {
		if err != nil {
			return nil, err
		}
		if list = append(list, h); len(list) == maxHaves {
			break
		}
	}
	return list, nil
}
