package lab

import (
	"fmt"
	"strings"
)

// NodeStatus is what can be seen of a node from outside.
type NodeStatus struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Suite   Suite  `json:"suite"`
	State   State  `json:"state"`
	Pid     int    `json:"pid,omitempty"` // of the node's init, on the host
}

// Status is what can be seen of a lab.
type Status struct {
	Name  string       `json:"name"`
	Dir   string       `json:"dir"`
	Up    bool         `json:"up"`
	Nodes []NodeStatus `json:"nodes"`
}

// WantUp is an error when the lab is down: it then has no network and no nodes.
func (l *Lab) WantUp() error {
	if !exists(l.path("lab.json")) || !l.hasNetwork() {
		return fmt.Errorf("lab %s is down", l.cfg.Name)
	}
	return nil
}

// Status looks at the lab; it asks no node.
func (l *Lab) Status() Status {
	st := Status{Name: l.cfg.Name, Dir: l.cfg.Dir, Up: exists(l.path("lab.json")), Nodes: []NodeStatus{}}
	if !st.Up {
		return st
	}
	for _, n := range l.nodes {
		st.Nodes = append(st.Nodes, NodeStatus{Name: n.Name, Address: n.Address, Suite: n.Suite, State: n.State(), Pid: n.leader()})
	}
	return st
}

// EnvVar is a variable that tells a program where the lab is.
type EnvVar struct{ Name, Value string }

// Env tells a program run with Command what it needs to reach the nodes.
func (l *Lab) Env() []EnvVar {
	var addresses, suites []string
	for _, n := range l.nodes {
		addresses = append(addresses, n.Address)
		suites = append(suites, string(n.Suite))
	}
	return []EnvVar{
		{"LAB_NAME", l.cfg.Name},
		{"LAB_DIR", l.cfg.Dir},
		{"LAB_NETNS", l.Netns()},
		{"LAB_KEY", l.Key()},
		{"LAB_KNOWN_HOSTS", l.KnownHosts()},
		{"LAB_USER", User},
		{"LAB_NODES", strings.Join(addresses, " ")},
		{"LAB_SUITES", strings.Join(suites, " ")},
		{"LAB_REPO", fmt.Sprintf("http://%s/pigsty", Gateway)},
	}
}
