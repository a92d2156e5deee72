package resource

// Places say how what stands behind an ID.At is reached. Modules derive them from the inventory,
// executors use them; neither knows the other.
type Places struct {
	Nodes []NodePlace
	Etcd  []EtcdPlace
	PG    []PGPlace
}

// NodePlace is the way to a node. It is comparable, so that a connection can be kept for it.
type NodePlace struct {
	At      string // as in ID.At: the inventory's host key
	Host    string // address to dial (ansible_host, by default the host key)
	Port    int    // ansible_port, 0 means 22
	User    string // ansible_user, "" means the daemon's choice
	KeyFile string // ansible_ssh_private_key_file, "" means the daemon's keys
	Jump    string // "user@host:port" of a jump host, "" means none
	Local   bool   // ansible_connection: local: this very machine
}

// EtcdPlace is the way to an etcd cluster.
type EtcdPlace struct {
	At        string // as in ID.At: the cluster's name
	Endpoints []Endpoint
	CA        string   // PEM; "" while the authority does not exist yet
	User      string   // who we are once authentication is on
	Passwords []Secret // candidates for User, the newest first: an older one still works during a rotation
	// Logins maps every managed user to its declared password, to test by logging in: etcd shows none.
	Logins map[string]Secret
}

// Endpoint is a client address of a member, dialled from its own node.
type Endpoint struct {
	Member string // "etcd-1"
	Node   string // ID.At of the node it runs on
	Addr   string // host:port of the client port
}

// Merge adds the places of o that p does not know yet; for an etcd cluster both know, the older
// passwords and endpoints of o are appended.
func (p Places) Merge(o Places) Places {
	return Places{Nodes: mergeNodes(p.Nodes, o.Nodes), Etcd: mergeEtcd(p.Etcd, o.Etcd), PG: mergePG(p.PG, o.PG)}
}

func mergeNodes(have, more []NodePlace) []NodePlace {
	seen := map[string]bool{}
	var out []NodePlace
	for _, n := range append(have[:len(have):len(have)], more...) {
		if !seen[n.At] {
			seen[n.At] = true
			out = append(out, n)
		}
	}
	return out
}

func mergeEtcd(have, more []EtcdPlace) []EtcdPlace {
	out := append([]EtcdPlace(nil), have...)
	at := map[string]int{}
	for i, e := range out {
		at[e.At] = i
	}
	for _, e := range more {
		i, known := at[e.At]
		if !known {
			at[e.At] = len(out)
			out = append(out, e)
			continue
		}
		out[i] = out[i].merge(e)
	}
	return out
}

func (e EtcdPlace) merge(o EtcdPlace) EtcdPlace {
	seen := map[string]bool{}
	var ends []Endpoint
	for _, p := range append(e.Endpoints[:len(e.Endpoints):len(e.Endpoints)], o.Endpoints...) {
		if !seen[p.Addr] {
			seen[p.Addr] = true
			ends = append(ends, p)
		}
	}
	e.Endpoints = ends
	var words []Secret
	for _, s := range append(e.Passwords[:len(e.Passwords):len(e.Passwords)], o.Passwords...) {
		if !containsSecret(words, s) {
			words = append(words, s)
		}
	}
	e.Passwords = words
	return e
}

func containsSecret(list []Secret, s Secret) bool {
	for _, have := range list {
		if have.Equal(s) {
			return true
		}
	}
	return false
}
