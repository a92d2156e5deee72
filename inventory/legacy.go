package inventory

import (
	"go/token"
	"slices"
	"strings"
)

// Inventories of older releases are read as if they were written for v4: every layer of variables
// is translated once, where it stands, so that an old name wins or loses exactly where the new one
// would. A translated value keeps the place of the old line.
//
// Which release an inventory is written for is decided here and nowhere else:
//
//   - The version in the variables of all says it: "v3.4.0" is generation 3.
//   - Without it, what only v1 had makes it generation 1, and any other old name generation 3: in
//     what matters here v2 and v3 are alike.
//   - Otherwise it is of this generation, 4.
//
// The generation decides how what changed its meaning is read (legacy_danger.go). A version says it for
// certain, and so do the names of v1. Other old names are only a hint: they may be left over in an
// inventory of v4, so that nothing dangerous is decided by them. How a name is
// read that had another meaning in v1 is decided by what stands beside it (dialect), so that a
// file whose names were mended is not translated a second time.
type legacy struct {
	inv        *Inventory
	problems   *collector
	generation int
	tells      *node // what the generation was decided by; nil when nothing tells
	certain    bool  // and there is no doubt
	undecided  bool  // something dangerous could not be decided
	dialect    dialect
	mask       string            // vip_cidrmask of all
	done       map[*entry]layer  // by the first entry: layers may be shared
	moved      map[*node]string  // values that mean another directory now, as they were written
	defaults   map[string]string // that the release had, and that keep their meaning
	names      map[string]oldName
	held       map[string]bool // families of names that somebody has to look at
	changes    []Outdated
}

const (
	generation1 = 1
	generation3 = 3
	thisOne     = 4
)

// oldestTells are names that only v1 had.
var oldestTells = []string{
	"meta_node", "dcs_servers", "dcs_registry", "consul_enabled", "vip_mode", "vip_cidrmask", "pg_services_extra",
	"pg_hba_rules_extra", "pgbouncer_hba_rules", "pgbouncer_hba_rules_extra", "repo_upstreams", "pg_shared_libraries",
	"pg_exists_action", "pg_disable_purge", "node_extra_packages", "node_meta_packages", "node_dns_hosts", "node_admin_setup",
}

// dialect says which names have the meaning that they had in v1.
type dialect struct {
	vip      bool // vip_address and vip_interface are the leader's, not keepalived's
	hba      bool // pg_hba_rules is for all clusters, pg_hba_rules_extra for one
	rules    bool // and there is such a pg_hba_rules
	packages bool // node_packages is for all nodes, node_extra_packages for some
}

// modernize translates the whole inventory, and reports whether there was nothing to say or to do.
func (b *builder) modernize() bool {
	said := len(b.problems.list)
	l := &legacy{
		inv: b.inv, problems: b.problems, done: map[*entry]layer{}, moved: map[*node]string{}, names: oldNames(), held: map[string]bool{},
		defaults: map[string]string{},
	}
	changed := l.learn(b)
	if b.inv.written = l.generation; !changed {
		return true
	}
	b.eachLayer(func(at *layer) { *at = l.layer(*at) })
	l.group()
	l.asleep()
	l.dangers()
	l.keepDefaults()
	b.inv.outdated = slices.DeleteFunc(l.changes, func(o Outdated) bool { return o.family != "" && l.held[o.family] })
	onlyVersion := !slices.ContainsFunc(b.inv.outdated, func(o Outdated) bool { return o.name != "version" })
	if onlyVersion || l.undecided {
		b.inv.outdated = nil // the names that tell the version stay
	}
	return l.generation == thisOne && len(b.problems.list) == said && len(l.changes) == 0 && len(l.moved) == 0
}

// eachLayer visits every block of variables.
func (b *builder) eachLayer(visit func(*layer)) {
	for _, g := range b.sorted() {
		eachOf(g.layers, visit)
		eachOf(g.files, visit)
	}
	for _, h := range b.inv.hosts {
		for i := range h.mentions {
			visit(&h.mentions[i].vars)
		}
		eachOf(h.files, visit)
	}
}

func eachOf(layers []layer, visit func(*layer)) {
	for i := range layers {
		visit(&layers[i])
	}
}

// learn finds out which release the inventory is written for, and whether there is anything to
// translate.
func (l *legacy) learn(b *builder) bool {
	seen := map[string]*node{}
	b.eachLayer(func(at *layer) {
		for _, e := range at.entries {
			name := e.key.text
			if _, old := l.names[name]; (old || shapes[name] != nil) && (seen[name] == nil || before(e.key, seen[name])) {
				seen[name] = e.key
			}
		}
	})
	l.dialect = dialect{
		vip:      seen["vip_mode"] != nil || seen["vip_cidrmask"] != nil,
		hba:      seen["pg_hba_rules_extra"] != nil || seen["pgbouncer_hba_rules"] != nil || seen["pgbouncer_hba_rules_extra"] != nil,
		rules:    seen["pg_hba_rules"] != nil,
		packages: seen["node_extra_packages"] != nil || seen["node_meta_packages"] != nil,
	}
	if mask, ok := l.inv.all.Lookup("vip_cidrmask"); ok {
		l.mask = mask.String()
	}
	if !l.byVersion() {
		l.byNames(seen)
	}
	return len(seen) > 0 || l.generation < thisOne
}

// byVersion decides by what the inventory says of itself.
func (l *legacy) byVersion() bool {
	version, ok := l.inv.all.Lookup("version")
	if !ok || version.Unevaluated() {
		return false
	}
	text := strings.TrimPrefix(version.String(), "v")
	if text == "" || text[0] < '1' || text[0] > '9' || len(text) > 1 && text[1] != '.' {
		return false
	}
	l.generation, l.tells, l.certain = min(int(text[0]-'0'), thisOne), version.key, true
	if l.generation < thisOne {
		l.problems.warnf(l.tells, CodeOldRelease, "this inventory is written for %s and read with the defaults of v4.5: "+
			"write v4.5.0 here when nothing is left to mend", quoteKey("v"+text))
	}
	return true
}

// byNames decides by names that tell, of which the first in the file is shown.
func (l *legacy) byNames(seen map[string]*node) {
	l.generation = thisOne
	for name, key := range seen {
		switch old, known := l.names[name]; {
		case slices.Contains(oldestTells, name):
			l.tell(generation1, key)
		case known && !old.ignored && !old.stillKnown:
			l.tell(generation3, key)
		}
	}
	if l.generation == thisOne {
		return
	}
	l.certain = l.generation == generation1
	version := map[int]string{generation1: "v1.0.0", generation3: "v3.0.0"}[l.generation]
	l.problems.warnf(l.tells, CodeOldRelease, "%s tells that this inventory is written for %s, and it is read with the defaults of v4.5: "+
		"write version: v4.5.0 in the variables of all when nothing is left to mend", l.tells.text, version[:2])
	l.changes = append(l.changes, Outdated{Pos: l.tells.pos(), What: "version: " + version + " is written down, which " + l.tells.text + " told", name: "version", value: version})
}

func (l *legacy) tell(generation int, key *node) {
	if generation < l.generation || generation == l.generation && before(key, l.tells) {
		l.generation, l.tells = generation, key
	}
}

// before compares places; files by name.
func before(a, b *node) bool {
	if a.src.name != b.src.name {
		return a.src.name < b.src.name
	}
	return a.line < b.line || a.line == b.line && a.col < b.col
}

// group reads the group meta of v1 as infra.
func (l *legacy) group() {
	meta := l.inv.named["meta"]
	if meta == nil || l.inv.named["infra"] != nil || !meta.sets("meta_node") {
		return
	}
	meta.alias = "infra"
	l.inv.renamed = map[string]*Group{"infra": meta}
	l.problems.add(Problem{Pos: meta.Pos, Severity: Warning, Code: CodeOldGroup, Msg: "group meta is called infra now, and each of its hosts wants an infra_seq"})
	l.changes = append(l.changes, Outdated{Pos: meta.Pos, What: "group meta is called infra now", edits: []Edit{Rename(Spot{Pos: meta.Pos}, "infra")}})
}

// sets reports whether a group itself sets a variable.
func (g *Group) sets(name string) bool {
	return slices.ContainsFunc(slices.Concat(g.layers, g.files), func(l layer) bool { _, ok := l.get(name); return ok })
}

// called reports whether a group has a name, or had it before names changed.
func (g *Group) called(name string) bool { return g.Name == name || g.alias == name && name != "" }

// Outdated is something written as an older release wanted it, that can be written as v4 wants it
// without a change of meaning. Modernize does so.
type Outdated struct {
	Pos  token.Position
	What string // "pg_fs_bkup is called pg_fs_backup now"

	edits  []Edit
	frees  int    // 1 when a name with another meaning goes
	family string // of names that are read together
	name   string // of what is to be written into the variables of all: what was only told, or a default
	value  string
}

// Outdated returns what Modernize can rewrite, sorted by place.
func (inv *Inventory) Outdated() []Outdated {
	sorted := slices.Clone(inv.outdated)
	slices.SortStableFunc(sorted, func(a, b Outdated) int {
		return compareProblems(Problem{Pos: a.Pos}, Problem{Pos: b.Pos})
	})
	return slices.CompactFunc(sorted, func(a, b Outdated) bool { return a.Pos == b.Pos && a.What == b.What })
}
