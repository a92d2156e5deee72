package pgsql

import (
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/distro"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/resource"
)

// settle is for how many seconds Patroni must stay up to count as started.
const settle = 2

// instance is what one member should have. It stays in place when nobody asks for it any more: a line that
// vanishes is a question, not an order.
type instance struct {
	*cluster
	*member
}

func (i *instance) here() token.Position { return i.host.Pos }

func (i *instance) id(k resource.Kind, name string) resource.ID {
	return resource.ID{Kind: k, Name: name, At: i.addr()}
}

// keep declares a resource of the member at its host's line.
func (i *instance) keep(id resource.ID, spec resource.Spec, after ...resource.ID) resource.ID {
	return i.Keep(i.here(), id, spec, after...)
}

func (i *instance) dir(name string, mode uint32, after ...resource.ID) resource.ID {
	return i.keep(modules.DirOf(name, i.addr()), resource.Dir{Mode: mode, Owner: i.vars.Dbsu, Group: dbGroup}, after...)
}

func (i *instance) link(name, target string, after ...resource.ID) resource.ID {
	return i.keep(i.id(resource.KindLink, name), resource.Link{Target: target}, after...)
}

func (i *instance) rootFile(name string, content []byte, after ...resource.ID) resource.ID {
	return i.keep(modules.FileOf(name, i.addr()), resource.NewFile(content, 0o644, "root", "root"), after...)
}

// prepare wants all that Patroni finds when it starts, and gives what all of it stands behind.
func (i *instance) prepare() (ready []resource.ID) {
	account := i.account()
	i.pgpass(account)
	homes := i.homes(account)
	before := i.prerequisites(account)
	packages := i.packages(before)
	i.watch(account, before)
	i.comforts(account)
	i.ship()
	bin := i.link(programs, i.system().PostgresHome(strconv.Itoa(i.vars.Version)), packages...)
	return append(i.certificate(homes), bin)
}

// account wants the database account before the packages, which would make one with a number of their own.
func (i *instance) account() resource.ID {
	v := &i.vars
	group := i.keep(i.id(resource.KindGroup, dbGroup), resource.Group{GID: i.uid()})
	user := i.keep(i.id(resource.KindUser, v.Dbsu), resource.User{UID: i.uid(), Group: dbGroup, Home: v.DbsuHome, Shell: "/bin/bash"}, group)
	return i.dir(v.DbsuHome, 0o700, user)
}

// system is the operating system of the member's node.
func (i *instance) system() distro.System {
	f, _ := i.Facts(i.addr())
	return distro.Of(f)
}

// uid is the account's number: Pigsty takes another one where packages are Debian's.
func (i *instance) uid() int {
	if id := i.system().Names().PostgresID; id != 0 && !i.member.bound.Has("pg_dbsu_uid") {
		return id
	}
	return i.vars.DbsuUID
}

// homes are the directories of the cluster and the links that lead there.
func (i *instance) homes(account resource.ID) []resource.ID {
	main := i.base(i.vars.FSMain, account)
	backup := i.base(i.vars.FSBackup, account)
	home := i.dir(i.home(), 0o700, main)
	all := []resource.ID{i.link(pgLink, i.home(), home)}
	for _, name := range []string{"bin", "cert", "conf", "spool", "tmp"} {
		all = append(all, i.dir(i.home()+"/"+name, 0o700, home))
	}
	logs := i.dir(i.home()+"/log", 0o750, home)
	for _, name := range i.logs() {
		all = append(all, i.dir(name, 0o750, logs))
	}
	saved := i.dir(path.Dir(i.backups()), 0o700, backup)
	saved = i.Keep(i.here(), modules.DirOf(i.backups(), i.addr()),
		resource.Dir{Mode: 0o700, Owner: i.vars.Dbsu, Group: dbGroup, Data: true}, saved)
	all = append(all, i.link(i.home()+"/backup", i.backups(), saved, home))
	volatile := tmpfiles
	if i.system().Family == distro.Debian {
		volatile = tmpfilesDeb
	}
	socket := i.rootFile(volatile, []byte("d "+runDir(i.vars.Localhost)+" 0755 "+i.vars.Dbsu+" "+dbGroup+" -\n"), account)
	return append(all, i.dir(runDir(i.vars.Localhost), 0o755, socket))
}

// base is a directory that clusters share.
func (i *instance) base(name string, account resource.ID) resource.ID {
	return i.dir(name, 0o700, append(i.Parents(i.here(), i.addr(), name), account)...)
}

// logs are the directories that the programs write their logs to.
func (i *instance) logs() (all []string) {
	v := &i.vars
	for _, name := range []string{v.LogDir, v.PatroniLogDir, v.PoolLogDir, v.BackupLogDir} {
		if name = i.real(name); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// runDir is a directory below /run by its own name: /var/run leads there.
func runDir(name string) string {
	const alias = "/var/run/"
	if len(name) > len(alias) && name[:len(alias)] == alias {
		return "/run/" + name[len(alias):]
	}
	return name
}

// certificate is the member's, and with it the authority's.
func (i *instance) certificate(after []resource.ID) []resource.ID {
	authority := resource.CAOf(node.CAName(i.Inventory))
	ca, exists := i.Known[authority].Spec.(resource.CA)
	var cert, trust resource.Spec
	if exists {
		cert = resource.Cert{
			CN: i.member.name(), Names: i.names(), Issuer: ca.Sum, Days: int(i.around.Validity.Hours() / 24), Matched: true,
			Owner: i.vars.Dbsu, Group: dbGroup, Mode: 0o644, KeyMode: 0o600,
		}
		trust = resource.NewFile([]byte(ca.PEM), 0o644, i.vars.Dbsu, dbGroup)
	}
	deps := after
	if i.Declared(authority) {
		deps = append(slices.Clone(after), authority)
	}
	dir := i.home() + "/cert"
	return []resource.ID{
		i.keep(i.id(resource.KindCert, resource.CertName(dir, "server.crt", "server.key")), cert, deps...),
		i.keep(modules.FileOf(dir+"/ca.crt", i.addr()), trust, deps...),
	}
}

// names are what clients call the member, by itself or as one of its cluster.
func (i *instance) names() []string {
	all := []string{"127.0.0.1", "localhost", i.host.IP.String(), i.member.name(), i.cluster.name}
	if i.vars.DNSSuffix != "" {
		all = append(all, i.cluster.name+i.vars.DNSSuffix)
	}
	return all
}

// patroniConf wants Patroni's configuration where Patroni and its tools look for it.
func (i *instance) patroniConf(after, first []resource.ID) (conf modules.Loaded, ids []resource.ID) {
	conf = modules.Loaded{Path: i.confPath(), Content: i.patroni(i.member), Conf: true}
	file := resource.NewFile(conf.Content, 0o600, i.vars.Dbsu, dbGroup)
	file.Secret = true
	var spec resource.Spec = file
	if i.size == (size{}) {
		spec = nil // nobody knows yet for which machines
	}
	return conf, []resource.ID{i.keep(modules.FileOf(conf.Path, i.addr()), spec, slices.Concat(after, first)...)}
}

// unitText is the file of a unit.
type unitText struct {
	name string
	text []byte
}

// units stand in the place of those that come with packages. They are there first: Debian enables its units
// when it installs them, and a machine that is started while it is half made must not run what is not ready.
// Ours start nothing before their configuration is there.
func (i *instance) units() []unitText {
	all := []unitText{{"patroni", render("patroni.service", map[string]any{
		"Dbsu": i.vars.Dbsu, "Bin": i.vars.BinDir, "Conf": patroniLink, "Watchdog": watchdog(&i.vars) != "off",
	})}}
	if i.vars.PoolEnabled {
		all = append(all, unitText{"pgbouncer", render("pgbouncer.service", map[string]any{"Dbsu": i.vars.Dbsu, "Conf": poolLast})})
	}
	return append(all, unitText{"vip-manager", i.keeperUnit()})
}

// run wants Patroni to run with its configuration. Nothing that changes makes it start again: what it can
// read again it does, and all else waits for somebody who restarts it. Its configuration is not written
// before first.
func (i *instance) run(after []resource.ID, first ...resource.ID) resource.ID {
	ready := i.prepare()
	i.pool(ready)
	conf, ids := i.patroniConf(ready, first)
	ids = append(ids, i.repository(ready)...)
	unit := modules.Reads(resource.Unit{Active: true, Enabled: i.trusted(), Noted: true, Settle: settle}, conf)
	unit.Inputs = "" // a restart of Patroni is one of PostgreSQL
	unit.Loads = append(unit.Loads, resource.Load{Path: i.home() + "/cert", Files: "*.crt", Conf: true})
	var spec resource.Spec = unit
	if i.size == (size{}) {
		spec = nil
	}
	ids = slices.Concat(ids, after, i.login(), i.cleared())
	// Without this link Patroni is not started, by us or with the machine: it comes when it is the member's turn.
	link := i.link(patroniLink, pgLink+"/conf/"+path.Base(conf.Path), append(ids, modules.DirOf(patroniEtc, i.addr()))...)
	return i.keep(modules.UnitOf("patroni", i.addr()), spec, append(ids, link)...)
}

// login is the cluster's account in etcd, where this inventory makes it.
func (i *instance) login() []resource.ID {
	var ids []resource.ID
	for r := range i.Wanted() {
		if r.ID.Kind == resource.KindEtcdUser && r.ID.Name == i.scope() {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// gate waits until the member serves, and marks it as one that has been seen well.
func (i *instance) gate(after ...resource.ID) resource.ID {
	gate := i.keep(i.id(resource.KindPGHealth, i.member.name()), resource.PGHealth{Healthy: true}, after...)
	i.rootFile(formedPath, []byte(formedText), gate, modules.DirOf(patroniEtc, i.addr()))
	return gate
}

// serve wants the rules of a running member, and nothing that is stronger than what the inventory says; it
// gives what must hold before the member starts again.
func (i *instance) serve(gate, whole resource.ID) []resource.ID {
	info, known := i.seen.Member(i.member.name())
	if !known || info.Cluster == "" || info.System == "" {
		return nil
	}
	loaded := i.keep(i.id(resource.KindPGLoaded, i.member.name()), resource.PGLoaded{}, gate, whole)
	return []resource.ID{loaded, i.freed(gate, whole)}
}

// because names the parameters that wait, where Patroni says them.
func because(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return ": " + strings.Join(reasons, ", ")
}
