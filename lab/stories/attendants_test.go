package stories

import (
	"slices"
	"testing"
)

// attends is the cluster with further vars.
func attends(vars ...string) func(*inside) { return func(i *inside) { i.vars = vars } }

const (
	twoJobs  = "pg_crontab: [ '00 01 * * * /bin/true', '30 13 * * * /bin/true' ]"
	observed = "pg_exporter_enabled: true"
	anAddr   = "pg_vip_enabled: true"
	otherOne = "pg_vip_address: 10.10.10.98/24"
	backedUp = "pgbackrest_enabled: true"
)

var attendantEdits = []edit{
	{
		name: "a job", git: attends("pg_crontab: [ '00 01 * * * /bin/true' ]"), does: each("+ block:/var/spool/cron/crontabs/postgres#pigsty pg_crontab"), holds: "SELECT true",
		sh: "crontab -u postgres -r", mends: []string{"+ block:/var/spool/cron/crontabs/postgres#pigsty pg_crontab@" + address(1)},
	},
	{
		name: "another job", git: attends(twoJobs), does: each("~ block:/var/spool/cron/crontabs/postgres#pigsty pg_crontab"), holds: "SELECT true",
		sh: "sed -i '/30 13/d' /var/spool/cron/crontabs/postgres", mends: []string{"~ block:/var/spool/cron/crontabs/postgres#pigsty pg_crontab@" + address(1)},
	},
	{
		name: "an exporter", git: attends(twoJobs, observed), does: each("+ unit:pg_exporter"), holds: "SELECT true",
		sh: "systemctl stop pg_exporter", mends: []string{"~ unit:pg_exporter@" + address(1)},
	},
	{
		name: "an exporter with an option", git: attends(twoJobs, observed, "pg_exporter_options: '--log.level=error'"),
		does: slices.Concat(each("~ file:/etc/default/pg_exporter"), each("~ unit:pg_exporter")), holds: "SELECT true",
		sh: "echo >>/etc/default/pg_exporter", mends: []string{"~ file:/etc/default/pg_exporter@" + address(1)},
	},
	{
		name: "an address", git: attends(twoJobs, observed, anAddr, "pg_vip_address: "+watchedAddress+"/24"),
		does: each("+ unit:vip-manager"), holds: "SELECT true",
		sh: "systemctl stop vip-manager", mends: []string{"~ unit:vip-manager@" + address(1)},
	},
	{
		name: "another address", git: attends(twoJobs, observed, anAddr, otherOne),
		does: slices.Concat(each("~ file:/etc/vip-manager.yml"), each("~ unit:vip-manager")), holds: "SELECT true",
		sh: "sed -i 's/10.10.10.98/10.10.10.97/' /etc/vip-manager.yml", mends: []string{"~ file:/etc/vip-manager.yml@" + address(1)},
	},
	{
		name: "backups", git: attends(twoJobs, observed, anAddr, otherOne, backedUp),
		does: each("+ file:/etc/pgbackrest/pgbackrest.conf"), holds: "SELECT current_setting('archive_command') LIKE '%archive-push%'",
		sh: "sed -i 's/^process-max=.*/process-max=99/' /etc/pgbackrest/pgbackrest.conf", mends: []string{"~ file:/etc/pgbackrest/pgbackrest.conf@" + address(1)},
	},
	{
		name: "backups that are kept longer", git: attends(twoJobs, observed, anAddr, otherOne, backedUp, "pgbackrest_repo: { local: { path: /pg/backup, retention_full_type: count, retention_full: 5 } }"),
		does: each("~ file:/etc/pgbackrest/pgbackrest.conf"), holds: "SELECT true",
		sh: "rm -rf /pg/backup/archive /pg/backup/backup", mends: []string{"~ pgstanza:pg-test-1@" + address(1)},
	},
}

// TestPgsqlAttendantsByGitAndByHand: jobs, exporters, an address and backups come, change and are mended beside a cluster
// whose servers and clients notice nothing.
func TestPgsqlAttendantsByGitAndByHand(t *testing.T) { edited(t, attendantEdits) }
