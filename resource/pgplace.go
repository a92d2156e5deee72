package resource

import (
	"slices"
	"strings"
)

// PGPlace is a PostgreSQL cluster: the seats of its instances, and who we are to Patroni.
type PGPlace struct {
	At       string // as in ID.At: the cluster's name, which is Patroni's scope
	Seats    []PGSeat
	User     string // of Patroni's REST API, where it asks who we are; "" means that it does not
	Password Secret
	// Keys is what the names of all keys begin with that Patroni keeps in etcd of the cluster.
	Keys string
	// Balancers are the nodes whose HAProxy leads clients to the instances.
	Balancers []string
}

// PGSeat is where one instance of a cluster runs, and how the helper on its node reaches it.
type PGSeat struct {
	Instance string // "pg-test-1", Patroni's name for it
	Node     string // ID.At of its node
	Socket   string // directory of the server's socket
	Port     int
	DBSU     string // operating system user and superuser, whom the server knows as a peer
	Data     string // data directory
	// Elsewhere is where the data may lie instead: nobody has said which release the instance is of.
	Elsewhere []string `json:",omitempty"`
	REST      string   // "http://10.10.10.11:8008": Patroni's address as its own node reaches it
	CAFile    string   // on the node: who signs the certificate that Patroni shows where it speaks TLS
	Pooler    int      `json:",omitempty"` // port of the pooler before it, whose socket is in the same directory; 0: there is none
}

func mergePG(have, more []PGPlace) []PGPlace {
	out := slices.Clone(have)
	for _, p := range more {
		i := slices.IndexFunc(out, func(o PGPlace) bool { return o.At == p.At })
		if i < 0 {
			out = append(out, p)
			continue
		}
		out[i] = out[i].merge(p)
	}
	return out
}

// merge adds the seats that were there before and still may be.
func (p PGPlace) merge(o PGPlace) PGPlace {
	p.Seats = slices.Clone(p.Seats)
	p.Balancers = slices.Compact(slices.Sorted(slices.Values(slices.Concat(p.Balancers, o.Balancers))))
	for _, s := range o.Seats {
		if !slices.ContainsFunc(p.Seats, func(h PGSeat) bool { return h.Instance == s.Instance || h.Node == s.Node && h.Port == s.Port }) {
			p.Seats = append(p.Seats, s)
		}
	}
	return p
}

// PGClusterOf is the id of a cluster's picture.
func PGClusterOf(cluster string) ID { return ID{Kind: KindPGCluster, Name: cluster, At: cluster} }

// PGMemberOf is the id of an instance.
func PGMemberOf(instance, node string) ID { return ID{Kind: KindPGMember, Name: instance, At: node} }

// PGRoleOf is the id of a role of a cluster.
func PGRoleOf(role, cluster string) ID { return ID{Kind: KindPGRole, Name: role, At: cluster} }

// PGDatabaseOf is the id of a database of a cluster.
func PGDatabaseOf(database, cluster string) ID {
	return ID{Kind: KindPGDatabase, Name: database, At: cluster}
}

// PGIn names a schema or an extension by its database: "app/public". A database whose name has a slash
// cannot be named so.
func PGIn(database, name string) string { return database + "/" + name }

// PGInside takes apart what PGIn made.
func PGInside(name string) (database, inside string, ok bool) {
	database, inside, ok = strings.Cut(name, "/")
	return database, inside, ok && database != "" && inside != ""
}

// PGAbsentOf is the id of the wish that something be gone. Of a role it is asked with the kind role and
// its name, of a schema with the kind schema and PGIn.
func PGAbsentOf(k Kind, name, cluster string) ID {
	return ID{Kind: KindPGAbsent, Name: string(k) + "/" + name, At: cluster}
}

// PGOffOf is the id of the wish that nobody may use a role or a database any more.
func PGOffOf(k Kind, name, cluster string) ID {
	return ID{Kind: KindPGOff, Name: PGAbsentOf(k, name, cluster).Name, At: cluster}
}
