package pgsql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/pgsql/hba"
	"github.com/pigsync/pigsync/resource"
)

const (
	poolDir  = "/etc/pgbouncer"
	poolLast = poolDir + "/pgb_hba.conf" // the last of the files that it reads to be written
)

// pool wants the connection pooler of a member. It reads everything again when it is told to; only who
// changes its address must start it again.
func (i *instance) pool(ready []resource.ID) {
	if !i.vars.PoolEnabled {
		return
	}
	dir := modules.DirOf(poolDir, i.addr())
	read := []modules.Loaded{
		i.poolFile("database.txt", i.poolDatabases()), i.poolFile("useropts.txt", i.poolOptions()), i.poolFile("userlist.txt", i.poolUsers()),
		i.poolFile("pgbouncer.ini", string(i.poolConf())), {Path: poolLast, Content: []byte(i.poolRules()), Conf: true},
	}
	after := append(slices.Clone(ready), dir)
	for _, f := range read {
		file := resource.NewFile(f.Content, 0o600, i.vars.Dbsu, dbGroup)
		file.Secret = f.Path == poolDir+"/userlist.txt"
		before := append(slices.Clone(ready), dir)
		switch {
		case f.Path == poolLast:
			before = after
		case file.Secret:
			before = append(before, i.pooledRoles()...)
		}
		after = append(after, i.keep(modules.FileOf(f.Path, i.addr()), file, before...))
	}
	unit := modules.Reads(resource.Unit{Active: true, Enabled: true, Noted: true, Settle: settle}, read...)
	if i.vars.PoolSSL != "disable" {
		unit.Loads = append(unit.Loads, resource.Load{Path: i.home() + "/cert", Files: "*.crt", Conf: true})
	}
	unit.Inputs = "" // a restart ends the connections of every client
	i.keep(modules.UnitOf("pgbouncer", i.addr()), unit, after...)
}

func (i *instance) poolFile(name, content string) modules.Loaded {
	return modules.Loaded{Path: poolDir + "/" + name, Content: []byte(content), Conf: true}
}

func (i *instance) poolConf() []byte {
	v := &i.vars
	return render("pgbouncer.ini", map[string]any{
		"Port": v.PoolPort, "Socket": v.Localhost, "Mode": v.PoolMode, "TLS": v.PoolSSL, "Log": v.PoolLogDir + "/pgbouncer.log",
		"Ignore": strings.Join(v.PoolIgnore, ", "), "Admins": strings.Join([]string{v.Dbsu, v.AdminUser}, ", "),
		"Watchers": strings.Join([]string{v.Dbsu, v.MonitorUser}, ", "), "Cert": certPath, "Key": keyPath, "CA": caPath,
	})
}

// poolDatabases is the list of the databases that can be reached through the pooler.
func (i *instance) poolDatabases() string {
	var b strings.Builder
	for _, d := range i.databases() {
		if d.State == "absent" && i.isGone(resource.KindPGDatabase, d.Name) || !d.Pooled {
			continue
		}
		host := first(i.vars.PoolRedirect, i.vars.Localhost)
		fmt.Fprintf(&b, "%s = host=%s port=%d", poolName(d.Name), host, i.vars.Port)
		for _, o := range []struct {
			key   string
			value any
			set   bool
		}{
			{"auth_user", d.PoolAuth, d.PoolAuth != ""}, {"pool_mode", d.PoolMode, d.PoolMode != ""}, {"pool_size", number0(d.PoolSize), d.PoolSize != nil},
			{"min_pool_size", number0(d.PoolMin), d.PoolMin != nil}, {"reserve_pool", number0(d.PoolSpare), d.PoolSpare != nil},
			{"max_db_connections", number0(d.PoolLimit), d.PoolLimit != nil},
		} {
			if o.set {
				fmt.Fprintf(&b, " %s=%v", o.key, o.value)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// poolName is a name as the pooler reads it: with quotes where it is not a plain word.
func poolName(name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == "" {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func number0(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// poolOptions are what single users may do with the pooler.
func (i *instance) poolOptions() string {
	var b strings.Builder
	for _, u := range i.users() {
		var opts []string
		if u.PoolMode != "" {
			opts = append(opts, "pool_mode="+u.PoolMode)
		}
		if u.PoolLimit != nil && *u.PoolLimit >= 0 {
			opts = append(opts, fmt.Sprintf("max_user_connections=%d", *u.PoolLimit))
		}
		if i.isPooled(u) && len(opts) > 0 {
			fmt.Fprintf(&b, "%s = %s\n", poolName(u.Name), strings.Join(opts, " "))
		}
	}
	return b.String()
}

// isPooled tells whether a role comes in through the pooler; one that is to go, until it is gone.
func (i *instance) isPooled(u *User) bool {
	return u.Pooled && (u.State != "absent" || !i.isGone(resource.KindPGRole, u.Name))
}

// poolUsers are who may log in, with the passwords of the inventory: with them the pooler can answer for
// a user to PostgreSQL, too. Nobody else can read the file.
func (i *instance) poolUsers() string {
	v := &i.vars
	lines := []string{entry(v.Dbsu, ""), entry(v.AdminUser, v.AdminPassword.Reveal()), entry(v.MonitorUser, v.MonitorPassword.Reveal())}
	named := []string{v.Dbsu, v.AdminUser, v.MonitorUser}
	for _, u := range i.users() {
		password := i.passwordOf(u)
		if i.isPooled(u) && !password.IsZero() && !slices.Contains(named, u.Name) {
			lines = append(lines, entry(u.Name, password.Reveal()))
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// entry is a line of the list of users.
func entry(name, password string) string {
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	return quote(name) + " " + quote(password)
}

func (i *instance) poolRules() string {
	b := i.rulebook(i.member, hba.PgBouncer)
	var lines []string
	for _, r := range b.rules {
		if r.holdsAs(i.role(i.member), i.member) {
			lines = append(lines, r.texts...)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
