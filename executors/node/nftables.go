package node

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

const (
	nftPath = "/etc/nftables.d/pigsync.nft"
	nftUnit = "pigsync-firewall.service"
	nftWant = "/etc/systemd/system/sysinit.target.wants/" + nftUnit
)

// nftables is a table of our own, where no tool is in charge of a firewall: a file, and a unit that
// loads it before the network is up.
type nftables struct{}

func (nftables) name() string { return "nftables" }

func (nftables) installed(v *view) (bool, error) { return v.anyOf("/usr/sbin/nft", "/sbin/nft") }

func (nftables) on(v *view) (bool, error) { return v.anyOf(nftWant) }

// kept reads the chain of our file that holds the rules.
func (nftables) kept(v *view) (rules, error) {
	b, err := v.small(nftPath)
	if err != nil || b == nil {
		return rules{}, err
	}
	_, chain, _ := strings.Cut(string(b), "chain wanted {\n")
	r, _ := nftRules(chain)
	return r, nil
}

// live asks the kernel for both chains, of which somebody may have taken a part.
func (nftables) live(v *view, r rules) (bool, error) {
	input, err := v.nftChain("pigsync", "input")
	if err != nil || !strings.Contains(input, "policy drop;") || !strings.Contains(input, "jump wanted") {
		return false, err
	}
	wanted, err := v.nftChain("pigsync", "wanted")
	if err != nil {
		return false, err
	}
	now, known := nftRules(wanted)
	return known && now.equal(r), nil
}

// nftChain lists a chain as the kernel has it; "" is none.
func (v *view) nftChain(table, chain string) (string, error) {
	out, err := v.ask("nft", "-s", "list", "chain", "inet", table, chain)
	if errors.Is(err, exec.ErrNotFound) || err != nil && strings.Contains(out, "No such file or directory") {
		return "", nil
	}
	return out, said("nft", []byte(out), err)
}

// nftRules reads rules of ours as nft writes them; known is false when there are others among them.
func nftRules(chain string) (r rules, known bool) {
	known = true
	for line := range strings.Lines(chain) {
		f := strings.Fields(line)
		switch {
		case len(f) == 4 && (f[0] == "ip" || f[0] == "ip6") && f[1] == "saddr" && f[3] == "accept":
			r.trusted = append(r.trusted, prefix(f[2]))
		case len(f) == 4 && f[0] == "tcp" && f[1] == "dport" && f[3] == "accept":
			port, err := strconv.Atoi(f[2])
			known = known && err == nil
			r.ports = append(r.ports, port)
		case len(f) > 0 && f[0] != "table" && f[0] != "chain" && f[0] != "}":
			known = false
		}
	}
	return r, known
}

// prefix gives a single address the length that tools leave out.
func prefix(network string) string {
	switch {
	case strings.Contains(network, "/"):
		return network
	case strings.Contains(network, ":"):
		return network + "/128"
	}
	return network + "/32"
}

// nftText makes the table anew in one transaction: no packet meets half of it.
func nftText(r rules) string {
	var b strings.Builder
	b.WriteString("table inet pigsync\ndelete table inet pigsync\ntable inet pigsync {\n  chain wanted {\n")
	for _, network := range r.trusted {
		fmt.Fprintf(&b, "    %s saddr %s accept\n", map[int]string{4: "ip", 6: "ip6"}[family(network)], network)
	}
	for _, port := range r.ports {
		fmt.Fprintf(&b, "    tcp dport %d accept\n", port)
	}
	b.WriteString("  }\n  chain input {\n    type filter hook input priority filter; policy drop;\n" +
		"    ct state established accept\n    ct state related accept\n    iifname \"lo\" accept\n" +
		"    meta l4proto 1 accept\n    meta l4proto 58 accept\n" +
		"    udp dport 68 accept\n    ip6 saddr fe80::/10 udp dport 546 accept\n    jump wanted\n  }\n}\n")
	return b.String()
}

const nftService = `[Unit]
Description=firewall of pigsync
DefaultDependencies=no
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
After=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=nft -f ` + nftPath + `
ExecReload=nft -f ` + nftPath + `
ExecStop=nft delete table inet pigsync

[Install]
WantedBy=sysinit.target
`

func (nftables) put(ctx context.Context, w *work, r rules) error {
	for path, text := range map[string]string{nftPath: nftText(r), unitDir + nftUnit: nftService} {
		if err := w.ownFile(path, text); err != nil {
			return err
		}
	}
	for _, argv := range [][]string{
		{"nft", "-c", "-f", nftPath},
		{"systemctl", "daemon-reload"},
		{"systemctl", "enable", nftUnit},
		{"systemctl", "reload-or-restart", nftUnit},
	} {
		if err := w.command(ctx, argv...); err != nil {
			return err
		}
	}
	return nil
}

func (nftables) off(ctx context.Context, w *work) error {
	if _, info, err := w.stat(unitDir + nftUnit); err != nil || info == nil {
		return errors.Join(err, w.forget(nftPath))
	}
	err := w.command(ctx, "systemctl", "disable", "--now", nftUnit)
	return errors.Join(err, w.forget(unitDir+nftUnit), w.forget(nftPath), w.command(ctx, "systemctl", "daemon-reload"))
}

// ownFile writes a file that is nobody else's, and the directory that it is alone in.
func (w *work) ownFile(path, text string) error {
	dir := path[:strings.LastIndexByte(path, '/')]
	if err := w.root.MkdirAll(strings.TrimPrefix(dir, "/"), 0o755); err != nil {
		return err
	}
	s, err := w.place(path)
	if err != nil {
		return err
	}
	return w.write(s, draft{content: []byte(text), mode: 0o644, uid: -1, gid: -1, forget: true})
}

// anyOf tells whether one of the paths is there.
func (v *view) anyOf(paths ...string) (bool, error) {
	for _, path := range paths {
		_, info, err := v.stat(path)
		if err != nil || info != nil {
			return info != nil, err
		}
	}
	return false, nil
}
