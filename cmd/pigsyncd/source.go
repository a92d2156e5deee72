package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pigsync/pigsync/sources"
	"github.com/pigsync/pigsync/sources/dir"
	"github.com/pigsync/pigsync/sources/git"
	"github.com/pigsync/pigsync/sources/signed"
)

// source is where an inventory comes from. A command that only reads may run beside a daemon, whose
// store is one process's alone: it reads the daemon's past, and writes nothing that stays.
type source struct {
	sources.Source
	past sources.Source // nil: the same
	file string         // of the inventory in a revision
	temp string         // directory to remove, "" for none
}

// At finds an earlier revision.
func (s *source) At(ctx context.Context, id string) (sources.Revision, error) {
	if s.past != nil {
		return s.past.At(ctx, id)
	}
	return s.Source.At(ctx, id)
}

// Next waits for a revision other than after, and says what to do when there is none.
func (s *source) Next(ctx context.Context, after string) (sources.Revision, error) {
	rev, err := s.Source.Next(ctx, after)
	for kind, hint := range map[error]string{
		sources.ErrEmpty:    "commit an inventory, and push it",
		sources.ErrNoRef:    "ref is a branch, a tag or a full commit hash; git ls-remote lists what there is",
		sources.ErrRefused:  "an inventory is made of plain files; path of the configuration narrows it to one directory",
		sources.ErrRewound:  "if that was meant, set allow_rewind: true for this repository",
		sources.ErrUnsigned: "have it signed by somebody whom signers or keyring names, or add whoever signed it",
		sources.ErrHostKey:  "compare the key with the host's, then add it to the file that known_hosts names",
	} {
		if errors.Is(err, kind) {
			return rev, hinted{err, hint}
		}
	}
	return rev, err
}

// Wake has the repository looked at now.
func (s *source) Wake() {
	if w, ok := s.Source.(sources.Waker); ok {
		w.Wake()
	}
}

// Close removes what was only needed for reading.
func (s *source) Close() error {
	if s.temp == "" {
		return nil
	}
	return os.RemoveAll(s.temp)
}

func (c *config) source(inv inventoryConfig, mode journalMode) (*source, error) {
	if inv.Git != nil {
		return c.gitSource(inv, mode)
	}
	s, err := c.dirSource(inv, mode)
	if err != nil && errors.Is(err, os.ErrNotExist) {
		return nil, hinted{err, "name a file, or a directory that holds " + inv.File}
	}
	return s, err
}

func (c *config) dirSource(inv inventoryConfig, mode journalMode) (*source, error) {
	s := &source{file: inv.File}
	if info, err := os.Stat(inv.Dir); err == nil && info.Mode().IsRegular() {
		s.file = filepath.Base(inv.Dir)
	}
	kept, err := dir.New(dir.Options{Path: inv.Dir, Keep: filepath.Join(c.place(inv), "revisions")})
	if err != nil {
		return nil, err
	}
	if mode == writeJournal {
		s.Source = kept
		return s, nil
	}
	s.past = kept
	s.Source, err = dir.New(dir.Options{Path: inv.Dir})
	return s, err
}

func (c *config) gitSource(inv inventoryConfig, mode journalMode) (*source, error) {
	s := &source{file: inv.File}
	store := filepath.Join(c.place(inv), "git")
	if mode == readJournal {
		temp, err := os.MkdirTemp("", "pigsync-")
		if err != nil {
			return nil, fmt.Errorf("make a place to fetch to: %w", err)
		}
		s.temp, store = temp, temp
	}
	options := c.gitOptions(inv.Git, store)
	var err error
	options.Signed = inv.Git.Signed
	if options.Signer, err = inv.Git.signer(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	src, err := git.New(options)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.Source = src
	return s, nil
}

// signer tells who signed a commit, as the keys say that the configuration names. It is nil without any.
func (g *gitConfig) signer() (git.Signer, error) {
	if g.Signers == "" && g.Keyring == "" {
		return nil, nil
	}
	var texts [2][]byte
	for i, path := range []string{g.Signers, g.Keyring} {
		if path == "" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, readable(err)
		}
		texts[i] = text
	}
	keys, err := signed.Load(texts[0], texts[1])
	if err != nil {
		return nil, fmt.Errorf("whose signature counts (%s): %w", strings.Trim(g.Signers+" "+g.Keyring, " "), err)
	}
	return keys.Signer, nil
}

func (c *config) gitOptions(g *gitConfig, store string) git.Options {
	o := git.Options{
		URL: g.URL, Dir: store, Ref: g.Ref, Versions: g.Semver, Path: g.Path, Interval: g.Interval,
		AllowLocal: g.AllowLocal, AllowRewind: g.AllowRewind, CAFile: g.CAFile, KeyFile: g.KeyFile,
		Agent: c.SSH.Agent, KnownHosts: g.KnownHosts,
	}
	if g.PasswordFile != "" {
		o.Credential = git.PasswordFile(g.User, g.PasswordFile)
	}
	for _, m := range g.Mirrors {
		o.Mirrors = append(o.Mirrors, m.remote())
	}
	if g.PushTo != nil {
		to := g.PushTo.remote()
		o.PushTo = &to
	}
	return o
}

func (r remoteConfig) remote() git.Remote {
	remote := git.Remote{URL: r.URL, CAFile: r.CAFile, KeyFile: r.KeyFile, KnownHosts: r.KnownHosts}
	if r.PasswordFile != "" {
		remote.Credential = git.PasswordFile(r.User, r.PasswordFile)
	}
	return remote
}
