package pgsql

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/distro"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/resource"
)

const (
	backrestDir   = "/etc/pgbackrest"
	backrestPath  = "/etc/pgbackrest/pgbackrest.conf"
	backrestTurns = "/etc/logrotate.d/pigsty-pgbackrest"
	cronBlock     = "pigsty pg_crontab"
)

// own tells whether every member has a repository for itself, on its own disk.
func (r *Repo) own() bool { return r.Type == "posix" }

// repo is the repository in use; nil where there is none.
func (v *Vars) repo() *Repo {
	r, ok := v.Repos[v.BackupMethod]
	if !v.BackupEnabled || !ok {
		return nil
	}
	return &r
}

// stanzaOf is where the backups of a member are looked for.
func (m *member) stanzaOf() resource.ID {
	if m.vars.repo().own() {
		return resource.PGOwnStanzaOf(m.name(), m.addr())
	}
	return resource.PGStanzaOf(m.vars.Cluster)
}

// surveyBackups asks for what the repositories of a member and of its cluster's leader hold: whoever judges what
// may be lost wants to know, whatever is wanted of the cluster.
func surveyBackups(h *inventory.Host, id naming) []resource.ID {
	m := &member{host: h, seq: id.Seq}
	m.vars.Cluster = id.Cluster
	if b := inventory.Bind(h, &m.vars.Backup); !b.OK() || m.vars.repo() == nil {
		return nil
	}
	return []resource.ID{m.stanzaOf(), resource.PGBackupOf(id.Cluster)}
}

// repository wants pgBackRest to be able to work, and gives what the server must find when it starts.
func (i *instance) repository(ready []resource.ID) []resource.ID {
	i.backupTools(ready)
	r := i.vars.repo()
	if r == nil {
		return nil
	}
	program := i.present("pgbackrest")
	dir := i.dir(backrestDir, 0o750, append(slices.Clone(ready), program)...)
	file := resource.NewFile([]byte(i.backrestConf(r)), 0o640, i.vars.Dbsu, dbGroup)
	file.Secret, file.Validate = true, reachable(i.cluster.name)
	after := append(slices.Clone(ready), dir)
	if r.own() && i.real(r.Path) != i.home()+"/backup" {
		above := i.Parents(i.here(), i.addr(), r.Path)
		after = append(after, i.Keep(i.here(), modules.DirOf(r.Path, i.addr()), resource.Dir{Mode: 0o700, Owner: i.vars.Dbsu, Group: dbGroup, Data: true}, append(above, ready...)...))
	}
	conf := i.Keep(i.member.at(i.pos("pgbackrest_method")), modules.FileOf(backrestPath, i.addr()), file, after...)
	script := i.script("from-backup.sh", "from-backup", ready)
	if i.phase == bare && i.member == i.primary() {
		return []resource.ID{script, i.Keep(i.member.at(i.pos("pgbackrest_method")), i.id(resource.KindPGRepo, i.member.name()), resource.PGRepo{Ready: true}, conf)}
	}
	return []resource.ID{script, conf}
}

// reachable lets a configuration take its place only once its repository has answered, and could be read
// with it: from then on the write-ahead log goes there.
func reachable(stanza string) []string {
	const ask = `said=$(/usr/bin/pgbackrest --config="$0" --stanza="$1" --output=json --io-timeout=1 --log-level-console=off --log-level-stderr=error info 2>&1) || { printf 'reason: %s\n' "$said" | head -n 1; exit 1; }
case $said in *'"code":99'*) ;; *) exit 0;; esac
printf '%s\n' "$said" | LC_ALL=C sed 's/.*"code":99,"message":"\([^"\\]*\).*/reason: the repository does not answer, or is ciphered with another cipher_pass: \1/'
exit 1`
	return []string{"sh", "-c", ask, "{}", stanza}
}

// backupTools are what the crontab calls, and what it says.
func (i *instance) backupTools(ready []resource.ID) {
	if i.vars.repo() != nil {
		i.script("pg-backup.sh", "pg-backup", ready)
		turns := render("pgbackrest.logrotate", map[string]any{"Dir": i.real(i.vars.BackupLogDir), "Dbsu": i.vars.Dbsu, "Group": dbGroup})
		i.rootFile(backrestTurns, turns, ready...)
	}
	if len(i.vars.Crontab) > 0 && i.system().Family != "" {
		i.crontab(ready)
	}
}

// script is a program in the directory of the cluster.
func (i *instance) script(template, name string, ready []resource.ID) resource.ID {
	text := render(template, map[string]any{
		"Stanza": i.cluster.name, "Bin": i.vars.BinDir, "Socket": i.vars.Localhost, "Port": i.vars.Port, "Dbsu": i.vars.Dbsu,
	})
	return i.keep(modules.FileOf(i.home()+"/bin/"+name, i.addr()), resource.NewFile(text, 0o755, "root", dbGroup), ready...)
}

// crontab puts the jobs of the database account before those that others have put there. Cron reads only a
// file that is the account's own.
func (i *instance) crontab(ready []resource.ID) {
	program, group := "cron", "crontab"
	if i.system().Family != distro.Debian {
		program, group = "cronie", ""
	}
	cron := i.present(program)
	path := i.system().Names().Crontabs + "/" + i.vars.Dbsu
	id := i.id(resource.KindBlock, resource.LinesName(path, cronBlock))
	i.Tend(i.pos("pg_crontab"), id, resource.Block{
		Text: strings.Join(i.vars.Crontab, "\n") + "\n", Adopt: true, Mode: 0o600, Owner: i.vars.Dbsu, Group: group,
	}, append(slices.Clone(ready), cron)...)
}

// present wants a package that something here needs, in any version unless somebody names one.
func (i *instance) present(name string) resource.ID {
	id := modules.PackageOf(name, i.addr())
	if i.Declared(id) {
		return id
	}
	return i.keep(id, resource.Package{}, node.Repositories(i.Pass, i.addr())...)
}

// backrestConf is the configuration of pgBackRest on a member.
func (i *instance) backrestConf(r *Repo) string {
	v := &i.vars
	var b strings.Builder
	fmt.Fprintf(&b, "[global]\nlog-path=%s\nlog-level-file=detail\nlog-level-console=info\nspool-path=%s\n", v.BackupLogDir, pgLink+"/spool")
	fmt.Fprintf(&b, "process-max=%d\ncompress-type=lz4\nstart-fast=y\n", i.processes())
	for _, o := range r.options() {
		fmt.Fprintf(&b, "repo1-%s=%s\n", o.name, o.value)
	}
	fmt.Fprintf(&b, "\n[%s]\npg1-path=%s\npg1-port=%d\npg1-socket-path=%s\npg1-user=%s\n", i.cluster.name, v.Data, v.Port, v.Localhost, v.Dbsu)
	return b.String()
}

// processes is how many work at a backup: half of the processors, so that queries have the others.
func (i *instance) processes() int {
	f, _ := i.Facts(i.addr())
	return clamp(f.CPU/2, 1, 16)
}

// options are those of a repository by the names that pgBackRest has for them, in order.
func (r *Repo) options() []setting {
	all := map[string]string{
		"type": r.Type, "path": r.Path, "block": r.Block, "bundle": r.Bundle, "bundle-limit": r.BundleLimit, "bundle-size": r.BundleSize,
		"cipher-type": r.CipherType, "cipher-pass": secretOf(r.CipherPass).Reveal(), "retention-full-type": r.RetentionType,
		"retention-full": count(r.RetentionFull), "retention-diff": count(r.RetentionDiff),
		"storage-ca-file": r.CAFile, "storage-verify-tls": r.VerifyTLS,
	}
	if r.Type == "s3" {
		maps.Copy(all, map[string]string{
			"s3-endpoint": r.Endpoint, "s3-region": r.Region, "s3-bucket": r.Bucket, "s3-uri-style": r.URIStyle, "storage-port": strconv.Itoa(r.Port),
			"s3-key": secretOf(r.Key).Reveal(), "s3-key-secret": secretOf(r.KeySecret).Reveal(),
		})
	}
	for key, v := range r.Rest {
		if text, err := v.Text(); err == nil {
			all[strings.ReplaceAll(key, "_", "-")] = text
		}
	}
	var out []setting
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "" {
			out = append(out, setting{name, all[name]})
		}
	}
	return out
}

func count(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// archiveCommand hands a segment to the repository.
func (c *cluster) archiveCommand() string {
	if c.head().vars.repo() == nil {
		return archiveNowhere
	}
	return c.backrest("archive-push %p")
}

// backrest is a command of pgBackRest for the cluster.
func (c *cluster) backrest(command string) string {
	return "/usr/bin/pgbackrest --stanza=" + c.name + " " + command
}

// copying says how Patroni makes a replica: of the newest backup where there is one that leads to the leader,
// and else of the leader itself. What a replica lacks then it fetches from the archive. A standby cluster
// archives nothing.
func (c *cluster) copying(m *member) tree {
	if m.vars.repo() == nil || c.standby() {
		return tree{{"create_replica_methods", []string{"basebackup"}}}
	}
	return tree{
		{"recovery_conf", tree{{"restore_command", c.backrest(`archive-get %f "%p"`)}}},
		{"create_replica_methods", []string{"pgbackrest", "basebackup"}},
		{"pgbackrest", tree{{"command", pgLink + "/bin/from-backup"}}},
	}
}

// archiveKey is where Patroni keeps the command that hands a segment on.
const archiveKey = "postgresql/parameters/archive_command"

// saves declares the place of a cluster in its repository, and that it has a first backup. A standby
// cluster has neither: what it replays was archived where it comes from.
func (c *cluster) saves(whole resource.ID) {
	if c.standby() || c.head().vars.repo() == nil {
		return
	}
	var leading []resource.ID
	for _, m := range c.members {
		if m.vars.repo() == nil {
			continue
		}
		id, after := m.stanzaOf(), []resource.ID{whole, modules.FileOf(backrestPath, m.addr())}
		if c.Declared(id) {
			continue
		}
		c.noteForeign(m, id)
		c.Keep(m.at(m.pos("pgbackrest_method")), id, resource.PGStanza{System: c.system()}, after...)
		if m.name() == c.seen.Leader || id.At == c.name {
			leading = append(leading, id)
		}
	}
	if len(leading) == 0 {
		return
	}
	c.stanzas = leading
	m, after := c.head(), append(slices.Clone(leading), whole)
	if c.size != (size{}) { // the keys are declared
		after = append(after, resource.ID{Kind: resource.KindPGConfig, Name: archiveKey, At: c.name})
	}
	taken := m.vars.InitBackup && !c.saved()
	c.Keep(m.at(m.pos("pgbackrest_init_backup")), resource.PGBackupOf(c.name), resource.PGBackup{Taken: taken}, after...)
}

// saved tells whether another repository than the leader's has a full backup of the cluster, or may have: that
// of a leader who took over has none at first, and its next one comes with its crontab.
func (c *cluster) saved() bool {
	return slices.ContainsFunc(c.members, func(m *member) bool {
		if m.vars.repo() == nil {
			return false
		}
		state := c.Known[m.stanzaOf()]
		s, _ := state.Spec.(resource.PGStanza)
		return m.name() != c.seen.Leader && (state.Err != nil || s.Full.Label != "" && s.System == c.system())
	})
}

// noteForeign says that a repository keeps another cluster's backups under the name of this one.
func (c *cluster) noteForeign(m *member, id resource.ID) {
	s, there := c.Known[id].Spec.(resource.PGStanza)
	if there && c.system() != "" && s.System != c.system() {
		c.Warnf(m.at(m.pos("pgbackrest_method")), CodeStanza, "pgbackrest_repo.%s: on %s keeps backups of another cluster under the name %s: its system identifier is %s, and that of the cluster is %s; nothing is saved until it has another path",
			m.vars.BackupMethod, m.addr(), c.name, s.System, c.system())
	}
}

// vacant tells whether a cluster that is to be made finds nobody's backups under its name.
func (c *cluster) vacant() bool {
	ok := true
	for _, m := range c.members {
		if m.vars.repo() == nil || c.phase != bare {
			continue
		}
		if s, there := c.Known[m.stanzaOf()].Spec.(resource.PGStanza); there {
			ok = false
			c.Errorf(m.at(m.pos("pgbackrest_method")), CodeStanza, "pgbackrest_repo.%s: keeps backups under the name %s of a cluster with the system identifier %s, and there is no such cluster any more: restore it, or give another path; nothing is made beside them",
				m.vars.BackupMethod, c.name, s.System)
		}
	}
	return ok
}
