package lab

import (
	"context"
	"crypto/md5"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// identify gives the lab its admin key and every node a layer of files that tell it apart.
// The layer lies below the node's disk: what the node changes is kept, and a node that loses
// its disk is still the same machine.
func (l *Lab) identify(ctx context.Context) error {
	if !exists(l.Key()) {
		if _, err := run(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", l.prefix(), "-f", l.Key()); err != nil {
			return err
		}
	}
	if err := os.WriteFile(l.path("resolv.conf"), []byte(resolvConf), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(l.path("hosts"), []byte(l.hosts()), 0o644); err != nil {
		return err
	}
	if err := l.each(func(n *Node) error { return n.identify(ctx) }); err != nil {
		return err
	}
	return l.writeKnownHosts()
}

const resolvConf = "nameserver " + Gateway + "\noptions timeout:1 attempts:1\n"

// hosts is the host's name table inside the lab.
func (l *Lab) hosts() string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n")
	for _, n := range l.nodes {
		fmt.Fprintf(&b, "%s %s\n", n.Address, n.Name)
	}
	return b.String()
}

// identify writes the node's layer once.
func (n *Node) identify(ctx context.Context) error {
	seed := n.path("seed")
	if exists(seed) {
		return nil
	}
	tmp := seed + ".tmp"
	if err := removeTree(tmp); err != nil {
		return err
	}
	for path, content := range n.identityFiles() {
		if err := writeTree(tmp, path, content); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(tmp, "etc/ssh"), 0o755); err != nil {
		return err
	}
	if _, err := run(ctx, "ssh-keygen", "-A", "-f", tmp); err != nil {
		return err
	}
	if err := n.authorize(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, seed)
}

// identityFiles are the files of a node that name it.
func (n *Node) identityFiles() map[string]string {
	return map[string]string{
		"etc/hostname":    n.Name + "\n",
		"etc/hosts":       fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", n.Address, n.Name),
		"etc/resolv.conf": resolvConf,
		"etc/machine-id":  fmt.Sprintf("%x\n", md5.Sum([]byte(n.machine()))),
		"etc/systemd/network/10-host0.network": fmt.Sprintf(
			"[Match]\nName=host0\n[Network]\nAddress=%s/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n", n.Address),
	}
}

func writeTree(root, path, content string) error {
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}

// authorize lets the lab's key log in as the admin user.
func (n *Node) authorize(root string) error {
	key, err := os.ReadFile(n.lab.Key() + ".pub")
	if err != nil {
		return err
	}
	home := filepath.Join(root, "home", User)
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(home, ".ssh/authorized_keys"), key, 0o600); err != nil {
		return err
	}
	for _, dir := range []string{root, filepath.Join(root, "home")} {
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	for _, path := range []string{home, filepath.Join(home, ".ssh"), filepath.Join(home, ".ssh/authorized_keys")} {
		if err := os.Chown(path, userID, userID); err != nil {
			return err
		}
	}
	return nil
}

// writeKnownHosts collects the host keys of all nodes.
func (l *Lab) writeKnownHosts() error {
	var b strings.Builder
	for _, n := range l.nodes {
		keys, err := filepath.Glob(n.path("seed/etc/ssh/ssh_host_*_key.pub"))
		if err != nil {
			return err
		}
		for _, path := range keys {
			key, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fields := strings.Fields(string(key))
			if len(fields) < 2 {
				return fmt.Errorf("read %s: no host key in it", path)
			}
			fmt.Fprintf(&b, "%s,%s %s %s\n", n.Address, n.Name, fields[0], fields[1])
		}
	}
	return os.WriteFile(l.KnownHosts(), []byte(b.String()), 0o644)
}
