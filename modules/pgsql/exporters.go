package pgsql

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/distro"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/resource"
)

// exporter is a program that shows metrics. There are two of each kind: Pigsty's, and the distribution's
// where nobody offers Pigsty's. The unit is called the same and runs the one that is there, and the file
// beside it speaks to both.
type exporter struct {
	unit, doc, param string
	port             int
	packages         []string // best first
	own, other       string   // the programs
	ownArgs          string   // the variable with the arguments of the first; those of the other are ARGS
	env              [][2]string
}

// The packages of the exporters and of the keeper of the virtual address, Pigsty's first but for the last one.
var (
	databaseExporters = []string{"pg-exporter", "prometheus-postgres-exporter"}
	poolExporters     = []string{"pg-exporter", "prometheus-pgbouncer-exporter"}
	backupExporters   = []string{"pgbackrest-exporter", "prometheus-pgbackrest-exporter"}
	vipManagers       = []string{"vip-manager2", "vip-manager"}
)

// exporters are those that the member runs.
func (i *instance) exporters() (all []exporter) {
	v := &i.vars
	if v.ExporterEnabled {
		all = append(all, i.databaseExporter())
	}
	if v.PoolEnabled && v.PoolExporterEnabled {
		all = append(all, i.poolExporter())
	}
	if v.BackupEnabled && v.BackupExporterEnabled {
		all = append(all, i.backupExporter())
	}
	return all
}

func (i *instance) databaseExporter() exporter {
	v := &i.vars
	source := v.ExporterURL.Reveal()
	if source == "" {
		source = i.source("postgres", v.Port, v.ExporterParams)
	}
	return exporter{
		unit: "pg_exporter", doc: "Metrics of PostgreSQL", param: "pg_exporter_enabled", packages: databaseExporters, port: v.ExporterPort,
		own: "/usr/bin/pg_exporter", other: "/usr/bin/prometheus-postgres-exporter", ownArgs: "PG_EXPORTER_OPTS",
		env: [][2]string{
			{"PG_EXPORTER_URL", source}, {"DATA_SOURCE_NAME", source},
			{"PG_EXPORTER_AUTO_DISCOVERY", strconv.FormatBool(v.ExporterDiscovery)},
			{"PG_EXPORTER_EXCLUDE_DATABASE", v.ExporterExclude}, {"PG_EXPORTER_INCLUDE_DATABASE", v.ExporterInclude},
			{"PG_EXPORTER_CONNECT_TIMEOUT", strconv.Itoa(v.ExporterTimeout)},
			{"PG_EXPORTER_OPTS", i.collectors(i.listening(v.ExporterPort) + " --log.level=info " + v.ExporterOptions)},
			{"ARGS", i.listening(v.ExporterPort)},
		},
	}
}

// poolExporter knows by the name of the database that it speaks to the pooler.
func (i *instance) poolExporter() exporter {
	v := &i.vars
	source := v.PoolExporterURL.Reveal()
	if source == "" {
		source = i.source("pgbouncer", v.PoolPort, "sslmode=disable")
	}
	return exporter{
		unit: "pgbouncer_exporter", doc: "Metrics of PgBouncer", param: "pgbouncer_exporter_enabled", packages: poolExporters, port: v.PoolExporterPort,
		own: "/usr/bin/pg_exporter", other: "/usr/bin/prometheus-pgbouncer-exporter", ownArgs: "PG_EXPORTER_OPTS",
		env: [][2]string{
			{"PG_EXPORTER_URL", source}, {"PGBOUNCER_EXPORTER_CONNECTION_STRING", source},
			{"PG_EXPORTER_AUTO_DISCOVERY", "false"}, {"PG_EXPORTER_CONNECT_TIMEOUT", strconv.Itoa(v.ExporterTimeout)},
			{"PG_EXPORTER_OPTS", i.collectors(i.listening(v.PoolExporterPort) + " --log.level=info " + v.PoolExporterOptions)},
			{"ARGS", i.listening(v.PoolExporterPort)},
		},
	}
}

// backupExporter reads pgBackRest's configuration where pgBackRest has it. The arguments of both are the same. Their variable
// is not called as in Pigsty: pgBackRest takes every one that begins with PGBACKREST_ for an option, and warns of this one
// where the exporter reads its answer.
func (i *instance) backupExporter() exporter {
	v := &i.vars
	args := i.listening(v.BackupExporterPort) + " --backrest.stanza-include=" + i.cluster.name + " " + v.BackupExporterOptions
	args = strings.Replace(args, "--web.telemetry-path", "--web.endpoint", 1)
	return exporter{
		unit: "pgbackrest_exporter", doc: "Metrics of pgBackRest", param: "pgbackrest_exporter_enabled", packages: backupExporters, port: v.BackupExporterPort,
		own: "/usr/bin/pgbackrest_exporter", other: "/usr/bin/prometheus-pgbackrest-exporter", ownArgs: "ARGS",
		env: [][2]string{{"ARGS", strings.TrimSpace(args)}},
	}
}

// source is the way of the monitoring role to a server on the same host, over its socket.
func (i *instance) source(database string, port int, params string) string {
	v := &i.vars
	u := url.URL{Scheme: "postgres", User: url.UserPassword(v.MonitorUser, v.MonitorPassword.Reveal()), Path: "/" + database}
	u.RawQuery = "host=" + v.Localhost + "&port=" + strconv.Itoa(port)
	if params != "" {
		u.RawQuery += "&" + strings.TrimPrefix(params, "&")
	}
	return u.String()
}

func (i *instance) listening(port int) string {
	return fmt.Sprintf("--web.listen-address=:%d --web.telemetry-path=%s", port, i.around.MetricsPath)
}

// collectors appends what the exporter is to collect, where that is not what its package brings.
func (i *instance) collectors(args string) string {
	if file := i.vars.ExporterConfig; file != defaultCollectors {
		if !strings.HasPrefix(file, "/") {
			file = "/etc/pg_exporter/" + file
		}
		args += " --config=" + file
	}
	return strings.TrimSpace(args)
}

// defaultCollectors is the file that comes with the package, wherever that puts it.
const defaultCollectors = "pg_exporter.yml"

// watch wants the exporters to run: also while PostgreSQL does not, which is what they are for. ready is
// what packages come after.
func (i *instance) watch(account resource.ID, ready []resource.ID) {
	for _, e := range i.exporters() {
		pos := i.member.at(i.pos(e.param))
		env := modules.Loaded{Path: "/etc/default/" + e.unit, Content: e.environment()}
		service := modules.Loaded{Path: "/etc/systemd/system/" + e.unit + ".service", Content: e.service(i.vars.Dbsu)}
		file := resource.NewFile(env.Content, 0o600, i.vars.Dbsu, dbGroup)
		file.Secret = true
		after := []resource.ID{
			i.Tend(pos, modules.FileOf(env.Path, i.addr()), file, account),
			i.Tend(pos, modules.FileOf(service.Path, i.addr()), resource.NewFile(service.Content, 0o644, "root", "root")),
		}
		id, offered := i.optional(e.packages, append(ready, after...))
		if offered {
			unit := modules.Reads(resource.Unit{Active: true, Enabled: true, Noted: true, Settle: settle}, env, service)
			i.Tend(pos, modules.UnitOf(e.unit, i.addr()), unit, append(after, id)...)
		}
	}
}

// environment is the file of variables that the unit reads; it holds a password.
func (e *exporter) environment() []byte {
	var b strings.Builder
	for _, v := range e.env {
		b.Write(node.Environment(v[0], v[1]))
	}
	return []byte(b.String())
}

func (e *exporter) service(dbsu string) []byte {
	return render("exporter.service", map[string]any{
		"Doc": e.doc, "Unit": e.unit, "Dbsu": dbsu, "Own": e.own, "Other": e.other, "Args": e.ownArgs,
	})
}

// quietUnits are those of Debian's packages whose work a unit of ours does. Debian enables them with their
// packages, so that they would start with the machine.
var quietUnits = []string{"prometheus-postgres-exporter", "prometheus-pgbouncer-exporter", "prometheus-pgbackrest-exporter"}

// quiet names those that must not start.
func (i *instance) quiet() []string {
	if i.system().Family != distro.Debian {
		return nil
	}
	return quietUnits
}
