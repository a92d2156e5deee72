package inventory

import (
	"maps"
	"slices"
	"strings"
)

// dangers finds what would hurt a fleet that an older release built: values and defaults that mean
// something else now. Nothing changes its meaning silently:
//
//   - Where the release is certain, the value or the default is read as that release meant it, with a
//     warning that names the line to write. Modernize writes that line.
//   - Where it is not, or where nobody can know what was meant, it is an error that names the way out.
//   - An inventory of v1 is never acted on (Dormant), so that what it means now is only told.
//
// What is written explicitly, as it is to be from now on, is never a danger. Changes that harm nobody
// are passed over: grafana_clean and pg_clean became more careful, pg_lc_ctype is read only by a new
// cluster, kernel modules and MinIO users are not taken away, HBA rules without an order keep theirs,
// and patroni_watchdog_mode reads both spellings.
func (l *legacy) dangers() {
	l.stores()
	for _, h := range l.inv.hosts {
		l.directories(h)
		if l.generation == thisOne {
			continue
		}
		l.clusters(h)
		l.docker(h)
		l.addresses(h)
		l.keys(h)
	}
	if l.generation < thisOne {
		l.portals()
	}
}

// doubtful is an error, unless something makes it harmless.
func (l *legacy) doubtful(harmless bool, at *node, code, format string, args ...any) {
	if harmless {
		l.problems.warnf(at, code, format, args...)
		return
	}
	l.problems.errorf(at, code, format, args...)
}

// asleep warns that an inventory of v1 is not acted on.
func (l *legacy) asleep() {
	if l.generation == generation1 {
		l.inv.dormant = &Problem{Pos: l.tells.pos(), Code: CodeDormant, Msg: "this inventory describes a fleet of v1, whose clusters lie where v4 does not look: " +
			"it is read and checked, and nothing is done with it until version: v4.5.0 stands in the variables of all"}
		l.problems.warnf(l.tells, CodeDormant, "%s", l.inv.dormant.Msg)
	}
}

// Dormant reports whether the inventory is only to be read, and why: it describes a fleet that an
// error in acting on would destroy.
func (inv *Inventory) Dormant() (why Problem, dormant bool) {
	if inv.dormant == nil {
		return Problem{}, false
	}
	return *inv.dormant, true
}

// stores looks for the servers that kept the state of clusters before there was a group etcd.
func (l *legacy) stores() {
	if l.inv.Group("etcd") != nil {
		return
	}
	if v, ok := l.inv.all.Lookup("dcs_servers"); ok {
		l.doubtful(l.generation == generation1, v.key, CodeNoStore, "dcs_servers named the servers that keep the state of clusters, and there is no group etcd yet: "+
			"clusters would begin anew in an empty store. Move them to etcd, and list its members in the group etcd, each with an etcd_seq")
	}
}

// is reports whether a variable is set to something on the host.
func (h *Host) is(name string) (Value, bool) {
	v, ok := h.Lookup(name)
	return v, ok && !v.IsNull() && v.String() != "false"
}

func (l *legacy) clusters(h *Host) {
	cluster, ok := h.is("pg_cluster")
	if _, greenplum := h.is("gp_role"); !ok || greenplum {
		return
	}
	if l.generation == generation1 {
		l.problems.warnf(cluster.key, CodeClusterOfV1, "cluster %s is of v1: its data lies in a directory named after the instance and its state in Consul, where v4 does not look: "+
			"it is left alone. Move the data to a cluster of v4, then write version: v4.5.0", quoteKey(cluster.String()))
		return
	}
	if _, ok := h.is("pg_version"); !ok {
		l.problems.errorf(cluster.key, CodeNoVersion, "cluster %s has no pg_version, and the default has changed (v3.4: 17, v4.5: 18): it would get a new, empty data directory. "+
			"Write the major version that it runs", quoteKey(cluster.String()))
	}
}

// newDirectory are the directories whose last part the release before added by itself.
var newDirectory = map[string]struct{ part, member string }{
	"pg_fs_main":    {"/postgres", "pg_cluster"},
	"redis_fs_main": {"/redis", "redis_cluster"},
}

// directory completes a directory whose last part was added by the release before.
func (l *legacy) directory(n line) line {
	part := newDirectory[n.key.text].part
	text := strings.TrimRight(n.value.text, "/")
	forbidden := l.generation == thisOne && n.key.text == "redis_fs_main" && text == "/data" // the module says so
	if l.generation == thisOne && l.certain || forbidden || n.value.kind != String || n.value.held != ready || strings.HasSuffix(text, part) {
		return n
	}
	written := describe(n.value)
	if !l.certain {
		l.moved[n.value] = text + part
		l.undirected(n, l.generation < thisOne)
		return n
	}
	n.value, n.edits, _ = setTo(n.value, text+part)
	n.code = CodeDirectory
	n.meaning = n.key.text + " was the directory above the one that holds the data, and is that one itself now: " + written + " is written " + describe(n.value)
	return n
}

// undirected reports a directory that may be meant as v3 or as v4 called it.
func (l *legacy) undirected(n line, report bool) {
	if report {
		l.undecided = true
		l.problems.errorf(n.value, CodeDirectory, "%s was the directory above the one that holds the data until v3, and is that one itself now, and nothing tells which is meant: "+
			"write %s for what v3 called %s, or version: v4.5.0 in the variables of all when it is meant as it stands", n.key.text, quoteKey(l.moved[n.value]), describe(n.value))
	}
}

// directories looks for those of which nobody can say what they mean, where somebody uses them.
func (l *legacy) directories(h *Host) {
	for name, dir := range newDirectory {
		e, ok := h.winner(name)
		if !ok {
			continue
		}
		_, is := h.is(dir.member)
		if _, greenplum := h.is("gp_role"); !is || greenplum {
			continue
		}
		switch _, moved := l.moved[e.value]; {
		case moved:
			l.undirected(line{entry: e}, l.generation == thisOne)
		case e.value.held == expression && l.generation < thisOne:
			l.undecided = true
			l.problems.errorf(e.value, CodeDirectory, "%s was the directory above the one that holds the data, and is that one itself now: "+
				"in an expression nothing can be added to it: write the directory with %s behind it", name, dir.part)
		}
	}
}

// kept reads a parameter that nobody sets as the release did whose default it had.
func (l *legacy) kept(at *node, code, name, value, danger string) {
	if !l.certain {
		l.undecided = true
		l.problems.errorf(at, code, "%s. Write %s, or which release this is written for as version in the variables of all", danger, name)
		return
	}
	l.defaults[name] = value
	if SecretName(name) {
		l.problems.warnf(at, code, "%s. It is read as it was: write %s with the key in use", danger, name)
		return
	}
	l.problems.warnf(at, code, "%s. It is read as it was: write %s: %s", danger, name, value)
}

// keepDefaults puts the defaults of the release below everything that the inventory says.
func (l *legacy) keepDefaults() {
	if len(l.defaults) == 0 {
		return
	}
	var entries []entry
	for _, name := range slices.Sorted(maps.Keys(l.defaults)) {
		key, value := *l.tells, *l.tells
		key.kind, key.text, value.kind, value.text = String, name, String, l.defaults[name]
		value.held, value.list, value.entries, value.secret = ready, nil, nil, SecretName(name)
		entries = append(entries, entry{&key, &value})
		l.changes = append(l.changes, Outdated{Pos: l.tells.pos(), What: name + " is written down with the default that it had", name: name, value: value.text})
	}
	below := newLayer(entries)
	below.old = []entry{} // nobody has written it
	l.inv.all.layers = slices.Insert(l.inv.all.layers, 0, below)
}

func (l *legacy) docker(h *Host) {
	if v, ok := h.is("docker_enabled"); ok && !h.sets("docker_data") {
		l.kept(v.key, CodeDocker, "docker_data", "/var/lib/docker", "docker_data is not set, and the default has changed (v3.4: /var/lib/docker, v4.5: /data/docker): "+
			"images and volumes would not be found there")
	}
}

func (h *Host) sets(name string) bool {
	_, set := h.is(name)
	return set
}

// addresses looks for VIPs whose interface was the default one.
func (l *legacy) addresses(h *Host) {
	for _, name := range []string{"pg_vip", "vip"} {
		if v, ok := h.is(name + "_enabled"); ok && !h.sets(name+"_interface") {
			l.kept(v.key, CodeInterface, name+"_interface", "eth0", name+"_interface is not set, and the default has changed (v3.4: eth0, v4.5: the interface that has the address of the node): "+
				"the VIP could move to another network")
		}
	}
}

// rootKey is what MinIO's root key was as long as nobody chose one.
const rootKey = "minioadmin"

func (l *legacy) keys(h *Host) {
	if v, ok := h.is("minio_cluster"); ok && !h.sets("minio_secret_key") && l.generation > generation1 {
		l.kept(v.key, CodeRootKey, "minio_secret_key", rootKey, "minio_secret_key is not set, and the default has changed: every client of "+quoteKey(v.String())+
			" that uses the root key would be locked out")
	}
}

// portals looks for web addresses that lead to programs which v4 has replaced.
func (l *legacy) portals() {
	portal, _ := l.inv.all.Lookup("infra_portal")
	entries, err := portal.Map()
	if err != nil {
		return
	}
	for _, e := range entries {
		endpoint, _ := e.Value.Lookup("endpoint")
		_, port, _ := strings.Cut(endpoint.String(), ":")
		if slices.Contains([]string{"prometheus", "alertmanager", "loki"}, e.Key.String()) && slices.Contains([]string{"9090", "9093", "3100"}, port) {
			l.problems.warnf(e.Key.n, CodePortal, "nothing of v4 listens on port %s: what %s showed is under the portal home now", port, e.Key.String())
		}
	}
}
