package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const dialLimit = 10 * time.Second

// networkUp makes the namespace and the bridge in it. It has no other interface, so nothing
// can leave. Its name is a file of the lab, not one of "ip netns", which would leave a mount
// of its own behind.
func (l *Lab) networkUp(ctx context.Context) error {
	if l.hasNetwork() {
		return nil
	}
	if err := os.WriteFile(l.Netns(), nil, 0o600); err != nil {
		return err
	}
	if _, err := run(ctx, "unshare", "--net="+l.Netns(), "true"); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0"},
		{"addr", "add", Gateway + "/24", "dev", bridge},
		{"link", "set", bridge, "up"},
	} {
		if _, err := l.ip(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// hasNetwork says whether the file is a namespace by now.
func (l *Lab) hasNetwork() bool {
	paths, err := mountsBelow(l.Netns())
	return err == nil && len(paths) > 0
}

// ip runs the program of that name in the lab's network.
func (l *Lab) ip(ctx context.Context, args ...string) (string, error) {
	return run(ctx, "nsenter", append([]string{"--net=" + l.Netns(), "ip"}, args...)...)
}

// Dial connects this process to an address in the lab, which must be an IP address and port.
func (l *Lab) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	var conn net.Conn
	err := inNetwork(l.Netns(), func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Command is a program of the host that sees the lab's network and no other. It has the
// host's files, except that names are resolved as on a node.
func (l *Lab) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	const script = `mount --bind "$0/resolv.conf" /etc/resolv.conf && mount --bind "$0/hosts" /etc/hosts && exec "$@"`
	inside := []string{"--net=" + l.Netns(), "--", "unshare", "--mount", "--propagation", "slave", "sh", "-c", script, l.cfg.Dir, name}
	return exec.CommandContext(ctx, "nsenter", append(inside, args...)...)
}

// Cut takes the node off the network: its cable ends nowhere, as at a dead switch; its own
// link stays up. It lasts until Mend, over restarts too.
func (n *Node) Cut(ctx context.Context) error {
	if err := n.lab.WantUp(); err != nil {
		return err
	}
	if err := os.WriteFile(n.path("cut"), nil, 0o644); err != nil {
		return err
	}
	return n.setCable(ctx)
}

// Mend undoes Cut.
func (n *Node) Mend(ctx context.Context) error {
	if err := n.lab.WantUp(); err != nil {
		return err
	}
	if err := remove(n.path("cut")); err != nil {
		return err
	}
	return n.setCable(ctx)
}

// setCable connects the node's cable to the bridge or not. A node that is off has none; its
// cable is set when it comes on.
func (n *Node) setCable(ctx context.Context) error {
	leader := n.leader()
	if leader == 0 {
		return nil
	}
	port, err := n.port(ctx, leader)
	if err != nil {
		return err
	}
	end := []string{"master", bridge}
	if exists(n.path("cut")) {
		end = []string{"nomaster"}
	}
	_, err = n.lab.ip(ctx, append([]string{"link", "set", "dev", port}, end...)...)
	return err
}

// port is the name of the far end of the node's cable, if it has a leader and a near end.
func (n *Node) port(ctx context.Context, leader int) (string, error) {
	if leader == 0 {
		return "", fmt.Errorf("%s is off", n.Name)
	}
	type link struct {
		Index int    `json:"ifindex"`
		Peer  int    `json:"link_index"`
		Name  string `json:"ifname"`
	}
	list := func(ns string, args ...string) (links []link, err error) {
		out, err := run(ctx, "nsenter", append([]string{"--net=" + ns, "ip", "-j", "link", "show"}, args...)...)
		if err != nil {
			return nil, err
		}
		return links, json.Unmarshal([]byte(out), &links)
	}
	near, err := list(filepath.Join("/proc", fmt.Sprint(leader), "ns/net"), "dev", "host0")
	if err != nil {
		return "", err
	}
	far, err := list(n.lab.Netns())
	if err != nil {
		return "", err
	}
	for _, f := range far {
		if len(near) == 1 && f.Index == near[0].Peer {
			return f.Name, nil
		}
	}
	return "", fmt.Errorf("no cable of %s ends in %s", n.Name, n.lab.Netns())
}
