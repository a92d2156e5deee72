package pgsql

import (
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/pgsql/hba"
)

// patroni is a member's configuration of Patroni. What is the cluster's stands under bootstrap.dcs, which
// Patroni reads when the cluster is made; from then on it is kept in etcd.
func (c *cluster) patroni(m *member) []byte {
	v := &m.vars
	t := tree{
		{"scope", c.scope()},
		{"namespace", strings.TrimSuffix(v.Namespace, "/") + "/"},
		{"name", m.name()},
		{"log", tree{{"level", "INFO"}, {"dir", v.PatroniLogDir}, {"file_size", 33554432}, {"file_num", 10}}},
		{"restapi", c.restAPI(m)},
		{"ctl", control(v)},
		{"etcd3", c.etcd(v)},
	}
	if c.phase != living { // afterwards nobody reads it, and every change of a parameter would change the file
		t = append(t, branch{"bootstrap", tree{{"dcs", c.dynamic()}, {"initdb", initdb(v)}}})
	}
	return []byte(append(t,
		branch{"postgresql", c.postgresql(m)},
		branch{"watchdog", tree{{"mode", watchdog(v)}, {"device", "/dev/watchdog"}, {"safety_margin", c.times(v)[4]}}},
		branch{"tags", c.tags(m)},
	).String())
}

func (c *cluster) restAPI(m *member) tree {
	v := &m.vars
	t := tree{
		{"listen", "0.0.0.0:" + strconv.Itoa(v.PatroniPort)},
		{"connect_address", join(m.host.IP, v.PatroniPort)},
		{"authentication", tree{{"username", v.PatroniUser}, {"password", v.PatroniPassword.Reveal()}}},
		{"allowlist", c.allowed(m)},
	}
	if v.PatroniSSL {
		t = append(t, branch{"certfile", certPath}, branch{"keyfile", keyPath}, branch{"cafile", caPath})
	}
	return t
}

func control(v *Vars) any {
	if !v.PatroniSSL {
		return nil
	}
	return tree{{"insecure", false}, {"cacert", caPath}}
}

// allowed is who may change something over the API: the administrator, the members, and who watches.
func (c *cluster) allowed(m *member) []string {
	all := []string{m.around.AdminIP}
	for _, o := range c.members {
		all = append(all, o.addr())
	}
	for _, h := range c.fleet.watchers() {
		all = append(all, h.Addr)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (c *cluster) etcd(v *Vars) tree {
	password := v.EtcdPassword.Reveal()
	if v.EtcdPassword.IsZero() {
		password = c.scope()
	}
	return tree{
		{"hosts", c.fleet.etcdHosts()}, {"protocol", "https"}, {"cacert", caPath},
		{"username", c.scope()}, {"password", password},
	}
}

// etcdHosts are the members of etcd as clients reach them.
func (f *fleet) etcdHosts() (all []string) {
	g := f.Inventory.Group("etcd")
	if g == nil {
		return nil
	}
	for _, h := range g.Hosts() {
		var at struct {
			Port int `var:"etcd_port" default:"2379" kind:"port"`
		}
		inventory.Bind(h, &at)
		all = append(all, join(h.IP, at.Port))
	}
	slices.Sort(all)
	return all
}

// join puts an IPv6 address into brackets; ports were checked when they were bound.
func join(ip netip.Addr, port int) string {
	return netip.AddrPortFrom(ip, uint16(port)).String() //nolint:gosec // see above
}

// initdb are the options that a cluster is made with; none of them can be changed later.
func initdb(v *Vars) options {
	t := options{{"encoding", v.Encoding}, {"locale", v.Locale}, {"lc-collate", v.LCCollate}, {"lc-ctype", v.LCCtype}}
	if v.Checksum || v.template() == "crit" {
		t = append(t, branch{"data-checksums", nil})
	}
	return t
}

func (c *cluster) postgresql(m *member) tree {
	v := &m.vars
	t := tree{
		{"listen", c.listen(m) + ":" + strconv.Itoa(v.Port)},
		{"connect_address", join(m.host.IP, v.Port)},
		{"use_unix_socket", true},
		{"use_unix_socket_repl", true},
		{"bin_dir", v.BinDir},
		{"data_dir", v.Data},
		{"pgpass", "/pg/conf/patroni.pgpass"},
		{"authentication", tree{
			{"superuser", account(v.Dbsu, v.DbsuPassword)},
			{"replication", account(v.ReplUser, v.ReplPassword)},
			{"rewind", account(v.ReplUser, v.ReplPassword)},
		}},
		{"parameters", c.own(m)},
		{"pg_hba", c.hbaLines(m)},
	}
	return append(append(t, c.copying(m)...), branch{"basebackup", tree{{"checkpoint", "fast"}}})
}

func account(name string, password inventory.Secret) tree {
	if password.IsZero() {
		return tree{{"username", name}}
	}
	return tree{{"username", name}, {"password", password.Reveal()}}
}

// own are the parameters of this member alone, which are stronger than those of the cluster.
func (c *cluster) own(m *member) tree {
	t := tree{{"unix_socket_directories", m.vars.Localhost}}
	for _, s := range c.ledger.own[m] {
		t = append(t, branch{s.name, s.value})
	}
	return t
}

// listen puts addresses for the placeholders of pg_listen.
func (c *cluster) listen(m *member) string {
	var all []string
	for item := range strings.SplitSeq(m.vars.Listen, ",") {
		switch item = strings.TrimSpace(item); item {
		case "${ip}":
			item = m.addr()
		case "${lo}":
			item = "127.0.0.1"
		case "${vip}":
			if item, _, _ = strings.Cut(vipText(&m.vars), "/"); item == "" {
				continue
			}
		}
		if a, err := netip.ParseAddr(item); err == nil && a.Is6() {
			item = "[" + item + "]"
		}
		all = append(all, item)
	}
	return strings.Join(all, ",")
}

// hbaLines are the rules that hold on the member, as pg_hba.conf has them.
func (c *cluster) hbaLines(m *member) (lines []string) {
	b := c.rulebook(m, hba.PostgreSQL)
	for _, r := range b.rules {
		if r.holdsAs(c.role(m), m) {
			lines = append(lines, r.texts...)
		}
	}
	return lines
}

// tags tell Patroni what the member is good for.
func (c *cluster) tags(m *member) tree {
	t := tree{{"nofailover", false}, {"clonefrom", true}, {"noloadbalance", false}, {"nosync", false}}
	if up := c.at(m.vars.Up); up != nil && m.vars.Role != "primary" {
		t = append(t, branch{"replicatefrom", up.name()})
	}
	return append(t,
		branch{"version", strconv.Itoa(m.vars.Version)}, branch{"conf", path.Base(m.vars.Conf)})
}

// at is the member with an address; nil when no member has it.
func (c *cluster) at(a netip.Addr) *member {
	if i := slices.IndexFunc(c.members, func(m *member) bool { return m.host.IP == a }); i >= 0 {
		return c.members[i]
	}
	return nil
}

// watchdog is off unless somebody asks for it; a critical cluster takes one that is there.
func watchdog(v *Vars) string {
	if v.PatroniWatchdog == "off" && v.template() == "crit" {
		return "automatic"
	}
	return v.PatroniWatchdog
}
