package lab

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// The lab's addresses: Pigsty's example network, so that its inventories work unchanged.
const (
	// Gateway is the address of the host inside the lab; it serves packages and DNS.
	Gateway = "10.10.10.1"
	// User is the admin user of every node: uid 88 as Pigsty makes it, sudo without password.
	User = "dba"

	network   = "10.10.10."
	firstHost = 10
	maxNodes  = 64
	userID    = 88
	bridge    = "br0"
)

// Suite is a Debian release, by code name.
type Suite string

// The releases that nodes can run.
const (
	Trixie   Suite = "trixie"   // Debian 13, the default
	Bookworm Suite = "bookworm" // Debian 12
)

// NodeConfig describes one node.
type NodeConfig struct {
	Suite Suite `json:"suite"` // "" means Trixie
}

// Config describes a lab. The zero value is a lab named "lab" of four Trixie nodes.
type Config struct {
	// Name tells labs apart on one machine: letters, digits and dashes. "" means "lab".
	Name string
	// Dir keeps the lab's state. "" means where it runs, or else /var/lib/pigsync-lab/NAME.
	Dir string
	// Cache keeps base systems and repositories. "" means DefaultCache().
	Cache string
	// Nodes in order of address. Empty means those the lab has, or else four of Trixie.
	Nodes []NodeConfig
	// Packages are offered by the offline repository besides the "@node" and "@etcd" groups:
	// Debian package names or "@group" (see Groups). One that a suite lacks is left out there.
	Packages []string
	// Helper is the command that serves packages and DNS for a lab that must outlive this
	// process; it runs Lab.Serve. Empty: this process serves for as long as it lives.
	Helper []string
	// Log is told what takes time. nil discards.
	Log *slog.Logger
}

var (
	nameRule = regexp.MustCompile(`^[a-z][a-z0-9-]{0,23}$`)
	pathRule = regexp.MustCompile(`^/[A-Za-z0-9._/@+-]*$`) // goes into mount options as it is
)

// DefaultCache is $PIGSYNC_LAB_CACHE, or else pigsync-lab below $XDG_CACHE_HOME or /var/cache.
func DefaultCache() string {
	if dir := os.Getenv("PIGSYNC_LAB_CACHE"); dir != "" {
		return dir
	}
	return filepath.Join(cmp.Or(os.Getenv("XDG_CACHE_HOME"), "/var/cache"), "pigsync-lab")
}

// normal fills in defaults and refuses what could not work.
func (c Config) normal() (Config, error) {
	c.Name = cmp.Or(c.Name, "lab")
	if !nameRule.MatchString(c.Name) {
		return c, fmt.Errorf("lab name %q: want a letter, then letters, digits or dashes, at most 24", c.Name)
	}
	if c.Dir == "" {
		c.Dir = registered(c.Name)
	}
	c.Dir = cmp.Or(c.Dir, filepath.Join("/var/lib/pigsync-lab", c.Name))
	c.Cache = cmp.Or(c.Cache, DefaultCache())
	for _, dir := range []*string{&c.Dir, &c.Cache} {
		*dir = filepath.Clean(*dir)
		if !pathRule.MatchString(*dir) || *dir == "/" {
			return c, fmt.Errorf("lab directory %q: want an absolute path of plain characters", *dir)
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// normalNodes fills in defaults and refuses what could not work.
func normalNodes(in []NodeConfig) ([]NodeConfig, error) {
	if len(in) > maxNodes {
		return nil, fmt.Errorf("%d nodes: at most %d fit", len(in), maxNodes)
	}
	out := make([]NodeConfig, len(in))
	for i, n := range in {
		out[i] = NodeConfig{Suite: cmp.Or(n.Suite, Trixie)}
		if out[i].Suite != Trixie && out[i].Suite != Bookworm {
			return nil, fmt.Errorf("node %d: suite %q: want %s or %s", i+1, n.Suite, Trixie, Bookworm)
		}
	}
	return out, nil
}

// nodeName is the host name of the i-th node, counted from 0.
func nodeName(i int) string { return "node-" + strconv.Itoa(i+1) }

// nodeAddress is the address of the i-th node, counted from 0.
func nodeAddress(i int) string { return network + strconv.Itoa(firstHost+i) }
