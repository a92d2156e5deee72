package pgsql

import (
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/resource"
)

// comforts are what the database account has beside PostgreSQL: what it may do as root, its way to the other
// members, and what its shell begins with. home is its directory.
func (i *instance) comforts(home resource.ID) {
	i.sudo(home)
	i.acquaint(home)
	for _, name := range []string{"pgsql.sh", "pg-alias.sh"} {
		text := render(name, map[string]any{"Bin": i.vars.BinDir, "Conf": patroniLink, "Dbsu": i.vars.Dbsu})
		i.Tend(i.here(), modules.FileOf("/etc/profile.d/"+name, i.addr()), resource.NewFile(text, 0o644, "root", "root"))
	}
	rotate := render("logrotate", map[string]any{"Dbsu": i.vars.Dbsu, "Pool": i.real(i.vars.PoolLogDir)})
	i.Tend(i.here(), modules.FileOf("/etc/logrotate.d/pgsql", i.addr()), resource.NewFile(rotate, 0o644, "root", "root"))
}

// sudo says what the account may do as root. visudo judges it first: no line of it can lock anybody out.
func (i *instance) sudo(home resource.ID) {
	var text []byte
	switch i.vars.DbsuSudo {
	case "limit":
		text = render("sudoers", map[string]any{"Dbsu": i.vars.Dbsu, "Verbs": []string{"start", "stop", "status", "reload", "restart"}, "Units": dbUnits})
	case "all":
		text = []byte(i.vars.Dbsu + " ALL=(ALL:ALL) ALL\n")
	case "nopass":
		text = []byte(i.vars.Dbsu + " ALL=(ALL:ALL) NOPASSWD: ALL\n")
	default:
		return
	}
	file := resource.NewFile(text, 0o440, "root", "root")
	file.Validate = []string{"visudo", "-c", "-q", "-f", "{}"}
	i.Tend(i.member.at(i.pos("pg_dbsu_sudo")), modules.FileOf("/etc/sudoers.d/"+i.vars.Dbsu, i.addr()), file, home)
}

// dbUnits are those that the account may handle.
var dbUnits = []string{"postgres", "patroni", "pgbouncer", "vip-manager", "haproxy", "pg_exporter", "pgbouncer_exporter", "pgbackrest_exporter"}

// exchangeMarker ends the keys of other members; to sshd it is part of the comment.
const exchangeMarker = "pigsty pgsql"

// acquaint gives the account a key, and lets in those of the other members. The keys are learned by looking:
// one that has just been made is let in in the next round.
func (i *instance) acquaint(home resource.ID) {
	if !i.vars.SSHExchange {
		return
	}
	pos, dbsu := i.member.at(i.pos("pg_dbsu_ssh_exchange")), i.vars.Dbsu
	dir := i.dir(i.vars.DbsuHome+"/.ssh", 0o700, home)
	key := resource.SSHKey{Mode: 0o600, Owner: dbsu, Group: dbGroup, Comment: i.member.contact(), Published: true}
	i.Keep(pos, i.member.key(), key, dir)
	i.Grant(pos, i.member.letsIn(), resource.Lines{Lines: i.contacts()}, dir)
	i.Tend(pos, modules.FileOf(dir.Name+"/config", i.addr()), resource.NewFile(render("ssh.config", nil), 0o600, dbsu, dbGroup), dir)
}

// contacts are the keys of the members that exchange them. Of one that could not be asked the member keeps
// what it has: unknown is not absent.
func (i *instance) contacts() (lines []string) {
	have, _ := i.Known[i.member.letsIn()].Spec.(resource.Lines)
	for _, m := range i.members {
		if !m.vars.SSHExchange {
			continue
		}
		state := i.Known[m.key()]
		if state.Err != nil {
			lines = append(lines, slices.DeleteFunc(slices.Clone(have.Lines), func(l string) bool { return !strings.HasSuffix(l, " "+m.contact()) })...)
		}
		if key, ok := state.Spec.(resource.SSHKey); ok && key.Public != "" {
			lines = append(lines, key.Public+" "+m.contact())
		}
	}
	return lines
}

// contact is the comment of a member's key.
func (m *member) contact() string { return m.vars.Dbsu + "@" + m.addr() }

func (m *member) key() resource.ID {
	return resource.SSHKeyOf(m.vars.DbsuHome+"/.ssh/id_ed25519", m.addr())
}

func (m *member) letsIn() resource.ID {
	name := resource.LinesName(m.vars.DbsuHome+"/.ssh/authorized_keys", exchangeMarker)
	return resource.ID{Kind: resource.KindLines, Name: name, At: m.addr()}
}

// surveyKeys asks for the key of a member's account, and for those that it lets in.
func surveyKeys(h *inventory.Host) []resource.ID {
	m := member{host: h}
	if inventory.Bind(h, &m.vars); !m.vars.SSHExchange {
		return nil
	}
	return []resource.ID{m.key(), m.letsIn()}
}

// ship gives the agent that sends logs away those of the member.
func (i *instance) ship() {
	v := &i.vars
	labels := map[string]string{"cls": i.cluster.name, "ins": i.member.name()}
	const entry = `^\d{4}-\d{2}-\d{2} `
	logs := map[string][]node.LogSource{
		"postgres": {{Name: "postgres", Paths: []string{i.real(v.LogDir) + "/*.csv"}, Labels: labels, Start: entry}},
		"patroni":  {{Name: "patroni", Paths: []string{i.real(v.PatroniLogDir) + "/patroni.log"}, Labels: labels, Start: entry}},
	}
	if v.PoolEnabled {
		logs["postgres"] = append(logs["postgres"], node.LogSource{Name: "pgbouncer", Paths: []string{i.real(v.PoolLogDir) + "/*.log"}, Labels: labels, Start: entry})
	}
	if v.BackupEnabled {
		logs["pgbackrest"] = []node.LogSource{{Name: "pgbackrest", Paths: []string{i.real(v.BackupLogDir) + "/*.log"}, Labels: labels, Start: `^(\d{4}-\d{2}-\d{2} |-+PROCESS START)`}}
	}
	for _, module := range []string{"postgres", "patroni", "pgbackrest"} {
		node.Logs(i.Pass, i.host, i.here(), module, logs[module]...)
	}
}
