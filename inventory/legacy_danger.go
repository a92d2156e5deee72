package inventory

import (
	"slices"
	"strings"
)

// dangers finds what would hurt a fleet that an older release built: values and defaults that mean
// something else now. Each is an error that names the way out, or a warning where pigsync itself
// touches nothing. What is written explicitly, as it is to be from now on, is never a danger.
//
// Changes that harm nobody are passed over: grafana_clean and pg_clean became more careful,
// pg_lc_ctype is read only by a new cluster, kernel modules and MinIO users are not taken away,
// HBA rules without an order keep theirs, and patroni_watchdog_mode reads both spellings.
func (l *legacy) dangers() {
	l.stores()
	if l.generation == thisOne {
		return
	}
	for _, h := range l.inv.hosts {
		l.clusters(h)
		l.directories(h)
		l.addresses(h)
		l.keys(h)
	}
	l.portals()
}

// stores looks for the servers that kept the state of clusters before there was a group etcd.
func (l *legacy) stores() {
	if l.inv.Group("etcd") != nil {
		return
	}
	if v, ok := l.inv.all.Lookup("dcs_servers"); ok {
		l.problems.errorf(v.key, CodeNoStore, "dcs_servers named the servers that keep the state of clusters, and there is no group etcd yet: "+
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
		l.problems.errorf(cluster.key, CodeClusterOfV1, "cluster %s is of v1: its data lies in a directory named after the instance and its state in Consul, where v4 does not look: "+
			"it would build an empty cluster beside it. Move the data to a cluster of v4, then write version: v4.5.0", quoteKey(cluster.String()))
	}
	if _, ok := h.is("pg_version"); !ok {
		l.problems.errorf(cluster.key, CodeNoVersion, "cluster %s has no pg_version, and the default has changed (v3.4: 17, v4.5: 18): it would get a new, empty data directory. "+
			"Write the major version that it runs", quoteKey(cluster.String()))
	}
}

// directory completes a directory whose last part was added by the release before.
func (l *legacy) directory(n line) line {
	part := map[string]string{"pg_fs_main": "/postgres", "redis_fs_main": "/redis"}[n.key.text]
	text := strings.TrimRight(n.value.text, "/")
	if l.generation == thisOne || n.value.kind != String || n.value.held != ready || strings.HasSuffix(text, part) {
		return n
	}
	written := describe(n.value)
	n.value, n.told = rewritten(n.value, text+part), true
	l.moved[n.value] = written
	return n
}

func (l *legacy) directories(h *Host) {
	for name, member := range map[string]string{"pg_fs_main": "pg_cluster", "redis_fs_main": "redis_cluster"} {
		v, ok := h.Lookup(name)
		written, moved := l.moved[v.n]
		_, greenplum := h.is("gp_role")
		if _, is := h.is(member); ok && moved && is && !greenplum {
			l.problems.errorf(v.n, CodeDirectory, "%s was the directory above the one that holds the data, and is that one itself now: with %s no data would be found. Write %s",
				name, written, describe(v.n))
		}
	}
	if v, ok := h.is("docker_enabled"); ok {
		if _, set := h.is("docker_data"); !set {
			l.problems.warnf(v.key, CodeDocker, "docker_data is not set, and the default has changed (v3.4: /var/lib/docker, v4.5: /data/docker): "+
				"images and volumes would not be found there. Write the directory in use")
		}
	}
}

// addresses looks for VIPs whose interface was the default one.
func (l *legacy) addresses(h *Host) {
	for _, name := range []string{"pg_vip", "vip"} {
		v, ok := h.is(name + "_enabled")
		if _, set := h.is(name + "_interface"); ok && !set {
			l.problems.errorf(v.key, CodeInterface, "%s_interface is not set, and the default has changed (v3.4: eth0, v4.5: the interface that has the address of the node): "+
				"the VIP may move to another network. Write the interface in use", name)
		}
	}
}

func (l *legacy) keys(h *Host) {
	v, ok := h.is("minio_cluster")
	if _, set := h.is("minio_secret_key"); ok && !set && l.generation > generation1 {
		l.problems.errorf(v.key, CodeRootKey, "minio_secret_key is not set, and the default has changed: every client of %s that uses the root key would be locked out. "+
			"Write the key in use", quoteKey(v.String()))
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
