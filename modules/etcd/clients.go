package etcd

import (
	"go/token"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/resource"
)

// user is a PostgreSQL cluster's account in etcd: named as its scope in Patroni.
type user struct {
	client
	pos token.Position
}

// prefix is where Patroni keeps the cluster: <pg_namespace>/<scope>/.
func (u user) prefix() string { return strings.TrimSuffix(u.Namespace, "/") + "/" + u.scope() + "/" }

// password is pg_etcd_password, or else the scope's name, as Pigsty has it.
func (u user) password() resource.Secret {
	if u.Password.IsZero() {
		return resource.NewSecret(u.scope())
	}
	return resource.NewSecret(u.Password.Reveal())
}

// clients lists the PostgreSQL clusters of the inventory, each once, at the line that names it.
func clients(inv *inventory.Inventory) []user {
	var users []user
	seen := map[string]bool{"": true, "root": true}
	for _, h := range inv.Hosts() {
		var c client
		b := inventory.Bind(h, &c)
		if b.OK() && !seen[c.scope()] {
			seen[c.scope()] = true
			users = append(users, user{c, b.Pos("pg_cluster")})
		}
	}
	return users
}
