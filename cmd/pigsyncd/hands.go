package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/ca"
	"github.com/pigsync/pigsync/executors/etcd"
	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/executors/ssh"
	"github.com/pigsync/pigsync/resource"
)

// hands wires the executors to each other: what is inside a cluster is reached through the node it
// runs on, and what a node asks to be signed is signed here.
type hands struct {
	pool  *ssh.Pool
	fleet *node.Fleet
	etcd  *etcd.Executor
	ca    *ca.Authority
	user  string
	mux   executors.Mux
	// helper is where the program for the nodes of an architecture is.
	helper func(goos, goarch string) (string, error)

	mu    sync.Mutex // guards nodes
	nodes map[string]resource.NodePlace
}

func newHands(c *config, place string, getenv func(string) string, log *slog.Logger) *hands {
	agent := ""
	if c.SSH.Agent {
		agent = getenv("SSH_AUTH_SOCK")
	}
	h := &hands{ca: ca.New(c.CA), user: c.SSH.User, nodes: map[string]resource.NodePlace{}}
	h.helper = func(goos, goarch string) (string, error) { return helperPath(c.Helpers, goos, goarch) }
	h.pool = ssh.NewPool(ssh.Config{
		KnownHosts: c.SSH.KnownHosts, KeyFiles: c.SSH.Keys, AgentSocket: agent,
		HelperPath: h.helper, Log: log,
	})
	h.fleet = &node.Fleet{Open: h.open, Fresh: h.fresh, Options: node.Options{Signer: h.ca, Log: log}}
	h.etcd = etcd.New(etcd.Options{Dial: h.dial, SnapshotDir: filepath.Join(place, "snapshots"), Log: log})
	h.mux = executors.Mux{resource.KindCA: h.ca, resource.KindIdentity: &ssh.Identity{KeyFiles: c.SSH.Keys}}
	for _, k := range slices.Concat(resource.NodeKinds, resource.PGKinds) {
		h.mux[k] = h.fleet
	}
	for _, k := range resource.EtcdKinds {
		h.mux[k] = h.etcd
	}
	return h
}

// timed makes the hands tell how long their looks take.
func (h *hands) timed(timing func(source string, e executors.Executor) executors.Executor) {
	fleet, etcd := timing("ssh", h.fleet), timing("etcd", h.etcd)
	for kind, e := range h.mux {
		switch e {
		case executors.Executor(h.fleet):
			h.mux[kind] = fleet
		case executors.Executor(h.etcd):
			h.mux[kind] = etcd
		}
	}
}

// helperName is the program that works on the nodes, by its name.
const helperName = "pigsync-node"

// helperPath is where the helper for nodes of an architecture is: in the directory that the configuration names, or,
// for the architecture of this machine, beside this program.
func helperPath(dir, goos, goarch string) (string, error) {
	var places []string
	if dir != "" {
		places = append(places, filepath.Join(dir, helperName+"-"+goos+"-"+goarch))
	}
	if goos == runtime.GOOS && goarch == runtime.GOARCH {
		self, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("no helper for %s/%s: %w", goos, goarch, err)
		}
		places = append(places, filepath.Join(filepath.Dir(self), helperName))
	}
	for _, path := range places {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	if places == nil {
		return "", fmt.Errorf("no helper for %s/%s: name their directory as helpers in the configuration", goos, goarch)
	}
	return "", fmt.Errorf("no helper for %s/%s: there is no %s", goos, goarch, strings.Join(places, ", and no "))
}

// reach points the hands at the places of an inventory and forgets all others.
func (h *hands) reach(p resource.Places) executors.Executor {
	nodes := make(map[string]resource.NodePlace, len(p.Nodes))
	targets := make([]ssh.Target, 0, len(p.Nodes))
	for _, n := range p.Nodes {
		nodes[n.At] = n
		targets = append(targets, h.target(n))
	}
	h.mu.Lock()
	h.nodes = nodes
	h.mu.Unlock()
	h.pool.Retain(targets)
	pem, _ := h.ca.PEM() // without an authority nothing of ours can be there yet
	for i := range p.Etcd {
		p.Etcd[i].CA = pem
	}
	h.etcd.SetPlaces(p.Etcd)
	h.etcd.SetPatroni(p.PG)
	h.fleet.SetPostgres(p.PG)
	return h.mux
}

func (h *hands) target(n resource.NodePlace) ssh.Target {
	user := n.User
	if user == "" {
		user = h.user
	}
	return ssh.Target{Host: n.Host, Port: n.Port, User: user, KeyFile: n.KeyFile, Jump: n.Jump}
}

func (h *hands) place(at string) (resource.NodePlace, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, ok := h.nodes[at]
	if !ok {
		return n, fmt.Errorf("%s is not in the inventory", at)
	}
	return n, nil
}

// open starts the helper on a node.
func (h *hands) open(ctx context.Context, at string) (io.ReadWriteCloser, error) {
	n, err := h.place(at)
	if err != nil {
		return nil, err
	}
	if n.Local {
		return h.startLocal()
	}
	client, err := h.pool.Client(ctx, h.target(n))
	if err != nil {
		return nil, err
	}
	return client.Helper(ctx)
}

// fresh starts the helper on a node over a connection of its own.
func (h *hands) fresh(ctx context.Context, at string) (io.ReadWriteCloser, error) {
	n, err := h.place(at)
	if err != nil {
		return nil, err
	}
	if n.Local {
		return h.startLocal()
	}
	client, err := h.pool.Fresh(ctx, h.target(n))
	if err != nil {
		return nil, err
	}
	stream, err := client.Helper(ctx)
	if err != nil {
		client.Close()
		return nil, err
	}
	return lonely{stream, client}, nil
}

// lonely is a stream that is the only one of its connection.
type lonely struct {
	ssh.Stream
	client *ssh.Client
}

// Close ends the stream and its connection.
func (l lonely) Close() error {
	defer l.client.Close()
	return l.Stream.Close()
}

// dial connects from a node to an address.
func (h *hands) dial(ctx context.Context, at, addr string) (net.Conn, error) {
	n, err := h.place(at)
	if err != nil {
		return nil, err
	}
	if n.Local {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}
	client, err := h.pool.Client(ctx, h.target(n))
	if err != nil {
		return nil, err
	}
	return client.Dial(ctx, "tcp", addr)
}

func (h *hands) Close() error {
	h.etcd.Close()
	return errors.Join(h.fleet.Close(), h.pool.Close())
}

// localHelper is the helper as a child of this process, as root.
type localHelper struct {
	io.Reader
	io.WriteCloser
	cmd *exec.Cmd
}

func (h *hands) startLocal() (io.ReadWriteCloser, error) {
	path, err := h.helper(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	argv := []string{path, "node"}
	if os.Geteuid() != 0 {
		argv = append([]string{"sudo", "-n"}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the helper on this machine: %w", err)
	}
	return &localHelper{out, in, cmd}, nil
}

// Close ends the helper: its stdin ends, and so does it.
func (l *localHelper) Close() error {
	return errors.Join(l.WriteCloser.Close(), l.cmd.Wait())
}
