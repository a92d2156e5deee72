package stories

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// onClusters begins a story on pg-test, whose first node leads, with the daemon's memory of how it was made.
func onClusters(t testing.TB) *story {
	t.Helper()
	return onSnapshot(t, "clusters", func(s *story) {
		s.serve()
		s.commit("clusters", clusters{})
		s.converges(10 * time.Minute)
	})
}

// keysByHand are other values of keys that Patroni keeps: it got them with the bootstrap, not by steps of their own.
var keysByHand = map[string]string{
	"ttl": "33", "loop_wait": "4", "retry_timeout": "9", "primary_start_timeout": "26", "primary_stop_timeout": "31", "maximum_lag_on_failover": "5",
	"synchronous_mode": "true", "failsafe_mode": "false",
	"postgresql/parameters/work_mem": `"77"`, "postgresql/parameters/checkpoint_timeout": `"77"`, "postgresql/parameters/log_min_duration_statement": `"77"`,
	"postgresql/parameters/autovacuum_naptime": `"77"`, "postgresql/parameters/random_page_cost": `"77"`,
}

// patch is a command for the shell of a node that sends Patroni a part of its configuration, again where somebody else,
// who may be the daemon, was quicker.
const patch = `patch() { python3 -c '
import base64, sys, urllib.error, urllib.request as r
q = r.Request("http://10.10.10.10:8008/config", sys.argv[1].encode(), {"Content-Type": "application/json"}, method="PATCH")
q.add_header("Authorization", "Basic " + base64.b64encode(b"postgres:Patroni.API").decode())
for n in range(20):
    try:
        r.urlopen(q)
        break
    except urllib.error.HTTPError as e:
        if e.code != 409: raise' "$1"; }
`

// hands are ways to change what pigsync made: of an id they give the node and the script, "" where the id is
// of another kind. What is done to a node is done to the third one, which follows.
var hands = []struct {
	name  string
	layer string // that deviates
	do    func(kind, name string) (node int, script string)
}{
	{"files are edited", "local file", func(kind, name string) (int, string) {
		return 3, when(kind == "file", "echo '# by hand' >>"+name)
	}},
	{"files have another mode", "local file", func(kind, name string) (int, string) {
		return 3, when(kind == "file", "chmod 666 "+name)
	}},
	{"files are gone", "local file", func(kind, name string) (int, string) {
		return 3, when(kind == "file" && !strings.HasPrefix(name, "/etc/patroni/"), "rm "+name)
	}},
	{"directories are open to all", "local file", func(kind, name string) (int, string) {
		return 3, when(kind == "dir", "chmod 777 "+name)
	}},
	{"links lead elsewhere", "local file", func(kind, name string) (int, string) {
		return 3, when(kind == "link" && name != "/pg" && name != "/usr/pgsql", "ln -sfn /nowhere "+name)
	}},
	{"certificates are gone", "local file", func(kind, name string) (int, string) {
		return 3, when(kind == "cert", "rm /pg/cert/server.crt")
	}},
	{"units are stopped", "unit", func(kind, name string) (int, string) {
		return 3, when(kind == "unit" && name != "patroni", "systemctl stop "+name)
	}},
	{"units are disabled", "unit", func(kind, name string) (int, string) {
		return 3, when(kind == "unit", "systemctl disable "+name)
	}},
	{"Patroni is stopped", "unit", func(kind, name string) (int, string) {
		return 3, when(kind == "unit" && name == "patroni", "systemctl stop patroni")
	}},
	{"Patroni's keys are patched", "DCS", func(kind, name string) (int, string) {
		value, known := keysByHand[name]
		if parameter, of := strings.CutPrefix(name, "postgresql/parameters/"); of {
			name, value = `postgresql":{"parameters":{"`+parameter, value+"}}"
		}
		return 1, when(kind == "pgconfig" && known, `patch '{"`+name+`":`+value+`}'`)
	}},
	{"roles have another password", "catalog", func(kind, name string) (int, string) {
		return 1, when(kind == "pgrole" && slices.Contains([]string{"app", "dbuser_dba", "dbuser_monitor", "replicator"}, name), inDatabase("postgres", "alter role "+name+" password 'x'"))
	}},
	{"groups may log in", "catalog", func(kind, name string) (int, string) {
		return 1, when(kind == "pgrole" && strings.HasPrefix(name, "dbrole_"), inDatabase("postgres", "alter role "+name+" login"))
	}},
	{"a role leaves its groups", "catalog", func(kind, name string) (int, string) {
		return 1, when(kind == "pgrole" && name == "app", inDatabase("postgres", "revoke dbrole_admin from app"))
	}},
	{"a database has another owner", "catalog", func(kind, name string) (int, string) {
		return 1, when(kind == "pgdatabase", inDatabase("postgres", "alter database "+name+" owner to postgres"))
	}},
	{"a schema is gone", "catalog", func(kind, name string) (int, string) {
		return 1, when(kind == "pgschema" && name == "app/shop", inDatabase("app", "drop schema shop"))
	}},
	{"extensions are gone", "catalog", func(kind, name string) (int, string) {
		database, extension, _ := strings.Cut(name, "/")
		return 1, when(kind == "pgextension", inDatabase(database, "drop extension "+extension))
	}},
	{"rights are revoked", "catalog", func(kind, name string) (int, string) {
		return 1, when(kind == "pgprivileges" && name == "app", inDatabase("app", "revoke create on schema public from dbrole_admin"))
	}},
	{"default rights are revoked", "catalog", func(kind, name string) (int, string) {
		return 1, when(kind == "pgprivileges" && name != "app", inDatabase(name, "alter default privileges for role postgres revoke select on tables from dbrole_readonly"))
	}},
	{"the cluster has another password in etcd", "DCS", func(kind, name string) (int, string) {
		return 1, when(kind == "etcduser" && name == "pg-test", ". /etc/profile.d/etcdctl.sh; echo x | etcdctl user passwd pg-test --interactive=false >/dev/null")
	}},
	{"the cluster may not write in etcd", "DCS", func(kind, name string) (int, string) {
		return 1, when(kind == "etcdrole" && name == "pg-test", ". /etc/profile.d/etcdctl.sh; etcdctl role revoke-permission pg-test /pg/pg-test/ --prefix >/dev/null")
	}},
}

func when(holds bool, script string) string {
	if !holds {
		return ""
	}
	return script
}

func inDatabase(database, sql string) string {
	return `runuser -u postgres -- psql -qXAtd ` + database + ` -c "` + sql + `"`
}

// TestPgsqlHealsDrift: whatever was made for a cluster is changed by hand, kind by kind and all of a kind at
// once; a plan names each of them, and all is as it was.
func TestPgsqlHealsDrift(t *testing.T) {
	long(t)
	s := onClusters(t)
	made := s.made()
	s.serve()
	s.converges(2 * time.Minute)
	left := slices.Clone(made)
	for _, h := range hands {
		t.Run(h.name, func(t *testing.T) {
			inner := *s
			inner.TB = t
			from := len(inner.journal()) // the watches heal the first while the last is harmed
			harmed := inner.harms(made, h.do)
			if len(harmed) == 0 {
				t.Fatal("nothing was made that this could be done to")
			}
			left = slices.DeleteFunc(left, func(id string) bool { return slices.Contains(harmed, id) })
			inner.healsAll(harmed, from)
			t.Logf("%d of the layer %q", len(harmed), h.layer)
		})
	}
	for _, id := range left {
		t.Logf("nobody touched %s", id)
	}
	s.isHealthy(1, 3)
}

// made are the ids of what the bootstrap made for the cluster: on its third node, and inside.
func (s *story) made() (ids []string) {
	s.Helper()
	for name := range keysByHand {
		ids = append(ids, "pgconfig:"+name+"@pg-test")
	}
	for _, note := range notes(s.journal(), "intent") {
		action, id, _ := strings.Cut(note, " ")
		kind, rest, _ := strings.Cut(id, ":")
		at := id[strings.LastIndexByte(id, '@')+1:]
		mine := at == "pg-test" || at == address(3) || kind == "etcduser" && strings.HasPrefix(rest, "pg-test@") || kind == "etcdrole" && strings.HasPrefix(rest, "pg-test@")
		if action != "=" && mine && !strings.Contains(id, "etcd/") && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// harms does by hand what do says to every id it knows, and gives those.
func (s *story) harms(made []string, do func(kind, name string) (int, string)) (harmed []string) {
	s.Helper()
	var scripts [6]strings.Builder
	for _, id := range made {
		kind, rest, _ := strings.Cut(id, ":")
		n, script := do(kind, rest[:strings.LastIndexByte(rest, '@')])
		if script == "" {
			continue
		}
		harmed = append(harmed, id)
		scripts[n].WriteString(script + "\n")
	}
	for n := range scripts {
		if scripts[n].Len() > 0 {
			s.on(n, patch+scripts[n].String())
		}
	}
	return harmed
}

// healsAll wants a plan, since so many records of the journal, to name each id, and then all to be as it was.
func (s *story) healsAll(harmed []string, from int) {
	s.Helper()
	var missing []string
	if !poll(s.Context(), 2*time.Minute, 250*time.Millisecond, func() bool {
		records := s.journal()[from:]
		missing = slices.DeleteFunc(slices.Clone(harmed), func(id string) bool { return named(records, id, "") })
		return len(missing) == 0
	}) {
		s.Errorf("no plan names %s", strings.Join(missing, " "))
	}
	s.converges(3 * time.Minute)
	s.agrees()
}
