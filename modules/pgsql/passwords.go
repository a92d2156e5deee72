package pgsql

import (
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// A password of a system role stands in the catalog, in Patroni's configuration, in the pooler's list and in
// the database account's .pgpass. The catalog has it first: who comes with another one is turned away, and
// the pooler waits fifteen seconds before it tries again.

// inCatalog are those of the roles that this cluster has declared.
func (c *cluster) inCatalog(names ...string) (ids []resource.ID) {
	for _, name := range names {
		if id := resource.PGRoleOf(name, c.name); c.Declared(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// credentials are the roles whose passwords a running Patroni connects with. One that must start before the
// cluster is well does not wait for them.
func (i *instance) credentials() []resource.ID {
	info, known := i.seen.Member(i.member.name())
	if !known || info.Cluster == "" || !info.Runs() {
		return nil
	}
	return i.inCatalog(i.vars.Dbsu, i.vars.ReplUser)
}

// pooledRoles are those whose passwords the pooler has.
func (i *instance) pooledRoles() []resource.ID {
	names := []string{i.vars.AdminUser, i.vars.MonitorUser}
	for _, u := range i.users() {
		if i.isPooled(u) && u.Name != i.vars.AdminUser && u.Name != i.vars.MonitorUser {
			names = append(names, u.Name)
		}
	}
	return i.inCatalog(names...)
}

// pgpass lets the database account connect to the other members as the system roles.
func (i *instance) pgpass(home resource.ID) {
	v := &i.vars
	var text strings.Builder
	for _, role := range []struct {
		name     string
		password inventory.Secret
	}{{v.Dbsu, v.DbsuPassword}, {v.ReplUser, v.ReplPassword}, {v.MonitorUser, v.MonitorPassword}, {v.AdminUser, v.AdminPassword}} {
		if !role.password.IsZero() {
			text.WriteString("*:*:*:" + passfile(role.name) + ":" + passfile(role.password.Reveal()) + "\n")
		}
	}
	file := resource.NewFile([]byte(text.String()), 0o600, v.Dbsu, dbGroup)
	file.Secret = true
	i.Tend(i.here(), modules.FileOf(v.DbsuHome+"/.pgpass", i.addr()), file, home)
}

// passfile spells a field of .pgpass.
func passfile(s string) string { return strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(s) }
