package node

import (
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/resource"
)

// access is how a host says it is reached; the names are Ansible's.
type access struct {
	Host       string `var:"ansible_host"`
	Port       int    `var:"ansible_port" kind:"port"`
	User       string `var:"ansible_user"`
	KeyFile    string `var:"ansible_ssh_private_key_file"`
	CommonArgs string `var:"ansible_ssh_common_args"`
	Connection string `var:"ansible_connection"`
}

func places(inv *inventory.Inventory) resource.Places {
	var p resource.Places
	for _, h := range inv.Hosts() {
		p.Nodes = append(p.Nodes, placeOf(h))
	}
	return p
}

func placeOf(h *inventory.Host) resource.NodePlace {
	var a access
	inventory.Bind(h, &a) // what is wrong with them is reported by compile
	n := resource.NodePlace{
		At: h.Addr, Host: a.Host, Port: a.Port, User: a.User, KeyFile: a.KeyFile,
		Jump: jump(a.CommonArgs), Local: a.Connection == "local",
	}
	if n.Host == "" {
		n.Host = h.Addr
	}
	return n
}

// jump finds the jump host in arguments meant for the ssh command: "-J x" or "-o ProxyJump=x".
func jump(args string) string {
	words := strings.Fields(strings.NewReplacer(`"`, "", `'`, "").Replace(args))
	for i, w := range words {
		if v, ok := strings.CutPrefix(strings.TrimPrefix(w, "-o"), "ProxyJump="); ok {
			return v
		}
		if v, ok := strings.CutPrefix(w, "-J"); ok && v != "" {
			return v
		}
		if w == "-J" && i+1 < len(words) {
			return words[i+1]
		}
	}
	return ""
}
