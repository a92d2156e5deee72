package pgsql

import (
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// marks are what must be known of the place where an instance is to stand: what was noted there, what lies
// there, and whether Patroni's lock of the first start was ever given back.
func (n naming) marks(inv *inventory.Inventory, h *inventory.Host) []resource.ID {
	m := &member{host: h, seq: n.Seq}
	inventory.Bind(h, &m.vars)
	ids := []resource.ID{modules.FileOf(formedPath, h.Addr), modules.FileOf(makingPath, h.Addr), resource.PGSiteOf(m.name(), h.Addr)}
	if at, ok := etcdOf(inv); ok {
		ids = append(ids, lockOf(&m.vars, first(m.vars.Shard, n.Cluster), at))
	}
	return ids
}

// etcdOf is the name of the etcd that Patroni uses; ok is false where the inventory has none.
func etcdOf(inv *inventory.Inventory) (name string, ok bool) {
	g := inv.Group("etcd")
	if g == nil || len(g.Hosts()) == 0 {
		return "", false
	}
	var v struct {
		Cluster string `var:"etcd_cluster" default:"etcd"`
	}
	return v.Cluster, inventory.Bind(g.Hosts()[0], &v).OK() && v.Cluster != ""
}

// lockOf is the key that who makes a cluster holds empty meanwhile, and then writes its system identifier to.
func lockOf(v *Vars, scope, etcd string) resource.ID {
	return resource.ID{Kind: resource.KindEtcdBlank, Name: strings.TrimSuffix(v.Namespace, "/") + "/" + scope + "/initialize", At: etcd}
}

// stillborn tells whether somebody has begun to make the cluster and never came to an end: nothing runs, and
// there are no data that were ever told to be the cluster's.
func (c *cluster) stillborn() bool {
	runs := slices.ContainsFunc(c.seen.Members, func(m resource.PGMemberInfo) bool { return m.Cluster != "" })
	return !runs && len(c.seen.Silent) == 0 && (!c.seen.Lives() || c.locked())
}

// locked tells whether the lock of the first start is held by nobody, and holds nothing.
func (c *cluster) locked() bool {
	at, _ := etcdOf(c.Inventory)
	b, _ := c.Known[lockOf(&c.head().vars, c.scope(), at)].Spec.(resource.EtcdBlank)
	return b.Blank
}

// unlooked tells whether of some place it is not known what lies there.
func (c *cluster) unlooked() bool {
	return slices.ContainsFunc(c.members, func(m *member) bool { return c.Known[resource.PGSiteOf(m.name(), m.addr())].Err != nil })
}

func (c *cluster) site(m *member) resource.PGSite {
	p, _ := c.Known[resource.PGSiteOf(m.name(), m.addr())].Spec.(resource.PGSite)
	return p
}

// making tells whether nothing lay in the data directory when Patroni was first started there.
func (c *cluster) making(m *member) bool {
	return c.Known[modules.FileOf(makingPath, m.addr())].Spec != nil
}

// unfinished tells whether what lies in the data directory was being made when a node or a server went down,
// and nobody was ever seen alive upon it.
func (c *cluster) unfinished(m *member) bool {
	data := c.site(m).Data
	return c.making(m) && !c.formed(m) && (data == resource.PGTorn || data == resource.PGWhole && c.phase == bare && c.locked())
}

// trusted tells whether Patroni may start with its node. One that was never seen well is started by pigsync
// only, which first looks at what lies there.
func (i *instance) trusted() bool {
	info, known := i.seen.Member(i.member.name())
	return i.formed(i.member) || known && info.Cluster != "" && info.System != ""
}

// cleared is what must have happened to the place before Patroni starts there: what was left half made is
// moved aside, the lock of who made it is gone, and it is noted that nothing lay there.
func (i *instance) cleared() (ids []resource.ID) {
	if i.unfinished(i.member) {
		ids = append(ids, i.keep(resource.PGSiteOf(i.member.name(), i.addr()), resource.PGSite{}))
	}
	if i.phase == bare && i.locked() {
		ids = append(ids, i.unlocked(ids)...)
	}
	return append(ids, i.rootFile(makingPath, []byte(makingText), append(slices.Clone(ids), modules.DirOf(patroniEtc, i.addr()))...))
}

// unlocked wants the lock gone, once for the cluster: whoever started before would wait for its owner for ever.
func (i *instance) unlocked(after []resource.ID) []resource.ID {
	at, _ := etcdOf(i.Inventory)
	id := lockOf(&i.vars, i.scope(), at)
	if !i.Declared(id) {
		i.keep(id, resource.EtcdBlank{}, after...)
	}
	return []resource.ID{id}
}

// admits tells whether an instance can be made at its place: nothing lies there that is not ours, nobody has
// its ports, and the machine is what the inventory takes it for. Of one that runs nothing is asked.
func (c *cluster) admits(m *member) bool {
	p, ok := c.site(m), true
	refuse := func(name, code, format string, args ...any) {
		c.Errorf(m.at(m.pos(name)), code, format, args...)
		ok = false
	}
	switch {
	case p.Data == resource.PGTorn && !c.unfinished(m):
		refuse("pg_cluster", CodeForeign, "%s: %s holds what is no whole data directory (%s); nothing is overwritten: move it away first",
			m.addr(), m.real(m.vars.Data), strings.Join(p.Files, ", "))
	case p.Data == resource.PGNothing && c.absent(m):
		c.measures(m, p, refuse)
	}
	return ok
}

// absent tells whether nothing is known to run or to lie at the member's place.
func (c *cluster) absent(m *member) bool {
	_, known := c.seen.Member(m.name())
	return !known && c.seen.Silent[m.name()] == ""
}

const (
	leastMemory = 1024 // MB, below which a template for servers leaves nothing to the system
	leastDisk   = 20 * leastWAL
)

// measures compares a machine with what is to be made there.
func (c *cluster) measures(m *member, p resource.PGSite, refuse func(name, code, format string, args ...any)) {
	v := &m.vars
	for _, t := range p.Taken {
		refuse("pg_port", CodeSite, "%s: somebody listens on port %s already: want it free, or another pg_port or patroni_port", m.addr(), t)
	}
	for _, l := range []struct{ name, value string }{{"pg_locale", v.Locale}, {"pg_lc_collate", v.LCCollate}, {"pg_lc_ctype", v.LCCtype}} {
		if len(p.Locales) > 0 && !hasLocale(p.Locales, l.value) {
			refuse(l.name, CodeSite, "%s: %s has no locale %s: want one of %s, or the locale made there (locale-gen)", l.name, m.addr(), l.value, some(p.Locales))
		}
	}
	f, known := c.Facts(m.addr())
	switch {
	case !known:
	case f.MemMB < leastMemory && v.template() != "tiny":
		refuse("pg_conf", CodeSite, "pg_conf: %s is for machines of %d MB of memory and more, and %s has %d: want tiny.yml", v.Conf, leastMemory, m.addr(), f.MemMB)
	case f.DiskMB > 0 && f.DiskMB < leastDisk:
		refuse("pg_fs_main", CodeSite, "pg_fs_main: the disk of %s has %d MB, and the write-ahead log alone may take %d: want %d MB or more", m.addr(), f.DiskMB, 6*leastWAL, leastDisk)
	}
}

// hasLocale compares as the C library does: the case and the hyphens of a character set mean nothing.
func hasLocale(all []string, name string) bool {
	plain := func(s string) string {
		lang, set, _ := strings.Cut(s, ".")
		return lang + "." + strings.ToLower(strings.ReplaceAll(set, "-", ""))
	}
	return name == "" || name == "C" || name == "POSIX" || slices.ContainsFunc(all, func(s string) bool { return plain(s) == plain(name) })
}

func some(list []string) string {
	if len(list) > 6 {
		return strings.Join(list[:6], ", ") + " …"
	}
	return strings.Join(list, ", ")
}
