package node

import (
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

const (
	// keyMarker is around the public keys that the inventory names.
	keyMarker = "pigsty admin"
	// exchangeMarker ends those of the other nodes; to sshd it is part of the comment.
	exchangeMarker = "pigsty exchange"
	// sshConfig is read after an account's own settings, which win.
	sshConfig = "/etc/ssh/ssh_config.d/pigsty.conf"
)

// keys says whose keys the administrator's account takes, and gives it one of its own.
func (c *compiler) keys(home, group resource.ID) {
	if len(c.vars.PKList) == 0 && !c.vars.Exchange && !c.vars.PKCurrent {
		return
	}
	pos, node, name := c.bound.Pos("node_admin_username"), c.host.Addr, c.vars.Username
	dir := c.Keep(pos, modules.DirOf(home.Name+"/.ssh", node), resource.Dir{Mode: 0o700, Owner: name, Group: adminGroup}, home, group)
	c.listedKeys(dir)
	c.exchangeKeys(dir)
}

// listedKeys lets the keys of the inventory in, and those pigsync comes with, beside those that are there.
// One of them may be the one by which the hand comes in, so that a change is guarded.
func (c *compiler) listedKeys(dir resource.ID) {
	var keys []string
	for _, key := range c.vars.PKList {
		keys = append(keys, strings.Join(strings.Fields(key), " "))
	}
	if ours, ok := c.Known[resource.IdentityID].Spec.(resource.Identity); ok && c.vars.PKCurrent {
		for _, key := range ours.Keys {
			keys = append(keys, key+" pigsync")
		}
	}
	if len(keys) == 0 {
		return
	}
	block := resource.NewGuarded(lineByLine(keys), 0, "", "")
	block.Adopt = true
	id := resource.ID{Kind: resource.KindGuarded, Name: resource.LinesName(dir.Name+"/authorized_keys", keyMarker), At: c.host.Addr}
	c.Grant(c.bound.Pos("node_admin_pk_list"), id, block, dir)
}

// exchangeKeys gives the account a key, and lets in those of all nodes that exchange theirs. The keys are
// learned by looking: one that has just been made is let in in the next round.
func (c *compiler) exchangeKeys(dir resource.ID) {
	if !c.vars.Exchange {
		return
	}
	pos, name := c.bound.Pos("node_admin_ssh_exchange"), c.vars.Username
	peer := peer{c.host.Addr, name}
	c.Keep(pos, peer.key(), resource.SSHKey{Mode: 0o600, Owner: name, Group: adminGroup, Comment: peer.String(), Published: true}, dir)
	c.Grant(pos, peer.lines(), resource.Lines{Lines: c.peerKeys(peer)}, dir)
	conf := c.Keep(pos, modules.DirOf("/etc/ssh/ssh_config.d", c.host.Addr), resource.Dir{})
	text := render("ssh.conf", name)
	c.Tend(pos, modules.FileOf(sshConfig, c.host.Addr), resource.NewFile(text, 0o644, "root", "root"), conf)
}

// peerKeys are the keys of all peers as a node is to know them. Of a peer that could not be asked it
// keeps what it has: unknown is not absent.
func (c *compiler) peerKeys(of peer) (lines []string) {
	have, _ := c.Known[of.lines()].Spec.(resource.Lines)
	for _, h := range c.peers {
		switch {
		case h.line != "":
			lines = append(lines, h.line)
		case len(have.Lines) > 0:
			lines = append(lines, h.among(have.Lines)...)
		}
	}
	return lines
}

// heard is a peer and its key as others are to know it; "" when it could not be asked.
type heard struct {
	peer
	line string
}

// hear asks once for all nodes what is known of each peer. One that answered and has no key is left out.
func hear(p *modules.Pass) (all []heard) {
	for _, peer := range peers(p.Inventory) {
		state := p.Known[peer.key()]
		key, _ := state.Spec.(resource.SSHKey)
		switch {
		case key.Public != "":
			all = append(all, heard{peer, key.Public + " " + peer.String()})
		case state.Err != nil:
			all = append(all, heard{peer: peer})
		}
	}
	return all
}

// peer is the administrators' account of a node.
type peer struct{ node, name string }

// String is the comment of its key.
func (p peer) String() string { return p.name + "@" + p.node }

func (p peer) key() resource.ID {
	return resource.SSHKeyOf("/home/"+p.name+"/.ssh/id_ed25519", p.node)
}

func (p peer) lines() resource.ID {
	name := resource.LinesName("/home/"+p.name+"/.ssh/authorized_keys", exchangeMarker)
	return resource.ID{Kind: resource.KindLines, Name: name, At: p.node}
}

// among finds the keys of p in lines.
func (p peer) among(lines []string) (found []string) {
	for _, line := range lines {
		if strings.HasSuffix(line, " "+p.String()) {
			found = append(found, line)
		}
	}
	return found
}

// peers are the accounts that exchange their keys.
func peers(inv *inventory.Inventory) (all []peer) {
	for _, h := range inv.Hosts() {
		var v Admin
		if b := inventory.Bind(h, &v); !inventory.HasErrors(b.Problems) && v.Enabled && v.Exchange {
			all = append(all, peer{h.Addr, v.Username})
		}
	}
	return all
}
