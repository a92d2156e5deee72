package git

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/pigsync/pigsync/sources"
)

// refs are what a repository says its branches and tags are.
type refs struct {
	head  plumbing.Hash // zero: HEAD names no commit
	named map[string]plumbing.Hash
}

func advertised(ar *packp.AdvRefs) refs {
	r := refs{named: ar.References}
	if ar.Head != nil {
		r.head = *ar.Head
	}
	return r
}

// find resolves what Options.Ref says: nothing, a full name, a branch or a tag.
func (r refs) find(ref string) (plumbing.Hash, error) {
	if len(r.named) == 0 && r.head.IsZero() {
		return plumbing.ZeroHash, sources.Errorf(sources.ErrEmpty, "the repository has no commit yet")
	}
	if ref == "" {
		if r.head.IsZero() {
			return r.head, sources.Errorf(sources.ErrNoRef, "HEAD of the repository names no commit: say which branch")
		}
		return r.head, nil
	}
	for _, name := range candidates(ref) {
		if h, ok := r.named[name]; ok {
			return h, nil
		}
	}
	return plumbing.ZeroHash, sources.Errorf(sources.ErrNoRef, "the repository has no branch or tag %s", ref)
}

// follow resolves what the options say to follow.
func (r refs) follow(o Options) (plumbing.Hash, error) {
	if o.Versions == "" {
		return r.find(o.Ref)
	}
	return r.highest(o.Versions)
}

// candidates are the full names of what ref may mean, the best first.
func candidates(ref string) []string {
	if ref == "" {
		return nil
	}
	names := []string{"refs/heads/" + ref, "refs/tags/" + ref}
	if strings.HasPrefix(ref, "refs/") {
		names = append([]string{ref}, names...)
	}
	return names
}

// reaching are the hashes to ask for so that the pinned commit comes along: itself where the
// server hands out any commit, else every branch and tag.
func (r refs) reaching(pinned plumbing.Hash, caps *capability.List) []plumbing.Hash {
	any := caps != nil && (caps.Supports(capability.AllowReachableSHA1InWant) || caps.Supports("allow-any-sha1-in-want"))
	all := map[plumbing.Hash]bool{}
	for name, h := range r.named {
		if h == pinned {
			any = true
		}
		if strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/") {
			all[h] = true
		}
	}
	if any {
		return []plumbing.Hash{pinned}
	}
	return slices.Collect(maps.Keys(all))
}
