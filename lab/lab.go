package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Lab is one fleet. Its methods may be called from several goroutines and processes; those
// that change the same node wait for each other.
type Lab struct {
	cfg   Config
	nodes []*Node

	mu    sync.Mutex // guards close
	close func()     // ends the servers this process runs, nil when it runs none
}

// state is what a lab's directory says about it.
type state struct {
	Name  string           `json:"name"`
	Nodes []NodeConfig     `json:"nodes"`
	Bases map[Suite]string `json:"bases"` // bare root file systems
	Repos map[Suite]string `json:"repos"` // offline repositories
}

// Open returns the lab of that name and directory, whether it is up or not. It changes
// nothing.
func Open(cfg Config) (*Lab, error) {
	cfg, err := cfg.normal()
	if err != nil {
		return nil, err
	}
	l := &Lab{cfg: cfg}
	if other := registered(cfg.Name); other != "" && other != cfg.Dir {
		return nil, fmt.Errorf("lab %s is in %s: take it down first", cfg.Name, other)
	}
	have, err := l.load()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	nodes, err := normalNodes(cfg.Nodes)
	if err != nil {
		return nil, err
	}
	if len(have.Nodes) > 0 && len(nodes) > 0 && !slices.Equal(have.Nodes, nodes) {
		return nil, fmt.Errorf("lab %s is up with other nodes: take it down first", cfg.Name)
	}
	if len(nodes) == 0 {
		nodes = have.Nodes
	}
	if len(nodes) == 0 {
		nodes = slices.Repeat([]NodeConfig{{Suite: Trixie}}, 4)
	}
	for i, n := range nodes {
		l.nodes = append(l.nodes, &Node{Name: nodeName(i), Address: nodeAddress(i), Suite: n.Suite, lab: l})
	}
	return l, nil
}

// Name is what tells the lab apart on this machine.
func (l *Lab) Name() string { return l.cfg.Name }

// Dir is the directory that holds the lab's state.
func (l *Lab) Dir() string { return l.cfg.Dir }

// Cache is the directory that holds base systems and repositories.
func (l *Lab) Cache() string { return l.cfg.Cache }

// Nodes are the lab's nodes in order of address.
func (l *Lab) Nodes() []*Node { return slices.Clone(l.nodes) }

// Node finds a node by name, number from 1, or address.
func (l *Lab) Node(name string) (*Node, error) {
	for i, n := range l.nodes {
		if name == n.Name || name == n.Address || name == fmt.Sprint(i+1) {
			return n, nil
		}
	}
	return nil, fmt.Errorf("no node %q: want %s..%s, a number or an address", name, l.nodes[0].Name, l.nodes[len(l.nodes)-1].Name)
}

// Key is the path of the admin user's private key, the same on every node.
func (l *Lab) Key() string { return l.path("key") }

// KnownHosts is the path of a known_hosts file with the host keys of every node.
func (l *Lab) KnownHosts() string { return l.path("known_hosts") }

// Netns is the path of the lab's network namespace, as "nsenter --net=" takes it.
func (l *Lab) Netns() string { return l.path("net") }

// Repository is the address of a suite's flat package repository, as nodes reach it.
func (l *Lab) Repository(s Suite) string { return "http://" + Gateway + "/pigsty/" + string(s) }

// Up builds what is missing, starts every node that is off and returns when all of them
// accept logins. After an error the lab is left as it is; Down clears it away.
func (l *Lab) Up(ctx context.Context) error {
	if err := Check(); err != nil {
		return err
	}
	release, err := l.lock(ctx, false)
	if err != nil {
		return err
	}
	defer release()
	st, err := l.build(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := l.found(ctx, st); err != nil {
		return err
	}
	if err := l.serveOnce(ctx, st); err != nil {
		return err
	}
	if err := l.each(func(n *Node) error { return n.powerOn(ctx) }); err != nil {
		return err
	}
	l.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "up", slog.Int("nodes", len(l.nodes)), slog.Duration("took", time.Since(start)))
	return nil
}

// Build makes what Up needs and keeps it in the cache; no node is started.
func (l *Lab) Build(ctx context.Context) error {
	if err := Check(); err != nil {
		return err
	}
	_, err := l.build(ctx)
	return err
}

// build makes sure that every suite has a base system and a repository.
func (l *Lab) build(ctx context.Context) (state, error) {
	st := state{Name: l.cfg.Name, Bases: map[Suite]string{}, Repos: map[Suite]string{}}
	if have, err := l.load(); err == nil {
		return have, nil // as it came up: a node's disk and its base belong together
	}
	for _, n := range l.nodes {
		st.Nodes = append(st.Nodes, NodeConfig{Suite: n.Suite})
		if st.Bases[n.Suite] != "" {
			continue
		}
		base, err := l.base(ctx, n.Suite)
		if err != nil {
			return st, err
		}
		repo, err := l.repository(ctx, n.Suite, base)
		if err != nil {
			return st, err
		}
		st.Bases[n.Suite], st.Repos[n.Suite] = base, repo
	}
	return st, nil
}

// found makes the lab's directory, namespace, keys and the nodes' identities.
func (l *Lab) found(ctx context.Context, st state) error {
	if err := l.save(st); err != nil {
		return err
	}
	if err := l.holdMounts(ctx); err != nil {
		return err
	}
	if err := l.networkUp(ctx); err != nil {
		return err
	}
	return l.identify(ctx)
}

// each calls f for every node at once and joins the errors.
func (l *Lab) each(f func(*Node) error) error {
	errs := make([]error, len(l.nodes))
	var wg sync.WaitGroup
	for i, n := range l.nodes {
		wg.Go(func() {
			if err := f(n); err != nil {
				errs[i] = fmt.Errorf("%s: %w", n.Name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// WaitReady waits until every node that is on and not cut off accepts logins.
func (l *Lab) WaitReady(ctx context.Context) error {
	return l.each(func(n *Node) error {
		if s := n.State(); s == Off || s == CutOff {
			return nil
		}
		return n.waitReady(ctx)
	})
}

// path is a path in the lab's directory.
func (l *Lab) path(elem ...string) string {
	return filepath.Join(append([]string{l.cfg.Dir}, elem...)...)
}

// prefix starts the names of everything the lab makes outside its directory.
func (l *Lab) prefix() string { return "pigsync-" + l.cfg.Name }

// lock keeps other changes of the whole lab out; shared, only those.
func (l *Lab) lock(ctx context.Context, shared bool) (func(), error) {
	return lock(ctx, filepath.Join(registry, l.cfg.Name+".lock"), shared)
}

// load reads what the lab's directory says about it.
func (l *Lab) load() (state, error) {
	var st state
	text, err := os.ReadFile(l.path("lab.json"))
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal(text, &st); err != nil {
		return st, fmt.Errorf("read %s: %w", l.path("lab.json"), err)
	}
	return st, nil
}

// save writes what load reads, and enters the lab in the registry, before anything is made
// that would have to be cleared away.
func (l *Lab) save(st state) error {
	if err := os.MkdirAll(l.cfg.Dir, 0o755); err != nil {
		return err
	}
	link := filepath.Join(registry, l.cfg.Name)
	if err := remove(link); err != nil {
		return err
	}
	if err := os.Symlink(l.cfg.Dir, link); err != nil {
		return err
	}
	text, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(l.path("lab.json"), append(text, '\n'), 0o644)
}
