package stories

import (
	"slices"
	"testing"
)

// attends is the cluster with further vars.
func attends(vars ...string) func(*inside) { return func(i *inside) { i.vars = vars } }

const (
	twoJobs   = "pg_crontab: [ '00 01 * * * /bin/true', '30 13 * * * /bin/true' ]"
	observed  = "pg_exporter_enabled: true"
	otherwise = "pg_exporter_params: 'sslmode=disable&connect_timeout=5'"
	anAddress = "pg_vip_enabled: true"
	otherOne  = "pg_vip_address: 10.10.10.98/24"
	backedUp  = "pgbackrest_enabled: true"

	certificate = "cert:/data/postgres/pg-test-17/cert/{server.crt,server.key}"

	table = "block:/var/spool/cron/crontabs/postgres#pigsty pg_crontab"
	vipAt = "/etc/default/vip-manager.yml"
)

// eachOf are the same actions on each of the three members.
func eachOf(actions ...string) (all []string) {
	for _, a := range actions {
		all = append(all, each(a)...)
	}
	return all
}

// attendantEdits change nothing but what is beside the servers, and what Patroni makes new members from.
var attendantEdits = []edit{
	{
		name: "a job", git: attends("pg_crontab: [ '00 01 * * * /bin/true' ]"), does: eachOf("+ package:cron", "+ "+table), holds: "SELECT true",
		sh: "crontab -u postgres -r", mends: []string{"+ " + table + "@" + address(1)},
	},
	{
		name: "another job", git: attends(twoJobs), does: eachOf("~ " + table), holds: "SELECT true",
		sh: "sed -i '/30 13/d' /var/spool/cron/crontabs/postgres", mends: []string{"~ " + table + "@" + address(1)},
	},
	{
		name: "an exporter", git: attends(twoJobs, observed), holds: "SELECT true",
		does: eachOf("+ package:pg-exporter|prometheus-postgres-exporter", "+ file:/etc/default/pg_exporter", "+ file:/etc/systemd/system/pg_exporter.service", "+ unit:pg_exporter"),
		sh:   "systemctl stop pg_exporter", mends: []string{"~ unit:pg_exporter@" + address(1)},
	},
	{
		name: "an exporter that connects otherwise", git: attends(twoJobs, observed, otherwise), holds: "SELECT true",
		does: eachOf("~ file:/etc/default/pg_exporter", "~ unit:pg_exporter"),
		sh:   "sed -i s/connect_timeout=5/connect_timeout=6/ /etc/default/pg_exporter", mends: []string{"~ file:/etc/default/pg_exporter@" + address(1)},
	},
	{
		name: "an address", git: attends(twoJobs, observed, otherwise, anAddress, "pg_vip_address: "+watchedAddress+"/24"), holds: "SELECT true",
		does: eachOf("+ package:vip-manager2|vip-manager", "+ file:"+vipAt, "~ unit:vip-manager"),
		sh:   "systemctl stop vip-manager", mends: []string{"~ unit:vip-manager@" + address(1)},
	},
	{
		name: "another address", git: attends(twoJobs, observed, otherwise, anAddress, otherOne), holds: "SELECT true",
		does: eachOf("~ file:"+vipAt, "~ unit:vip-manager"),
		sh:   "sed -i s/10.10.10.98/10.10.10.97/ " + vipAt, mends: []string{"~ file:" + vipAt + "@" + address(1)},
	},
	{
		name: "backups", git: attends(twoJobs, observed, otherwise, anAddress, otherOne, backedUp),
		holds: "SELECT current_setting('archive_command') LIKE '%archive-push%'",
		does: append(eachOf("+ dir:/etc/pgbackrest", "+ file:/etc/pgbackrest/pgbackrest.conf", "+ file:/etc/logrotate.d/pigsty-pgbackrest",
			"+ file:/data/postgres/pg-test-17/bin/from-backup", "+ file:/data/postgres/pg-test-17/bin/pg-backup",
			"+ package:pgbackrest-exporter|prometheus-pgbackrest-exporter", "+ file:/etc/default/pgbackrest_exporter",
			"+ file:/etc/systemd/system/pgbackrest_exporter.service", "+ unit:pgbackrest_exporter"),
			// Patroni makes new members from the repository from now on.
			"~ file:/data/postgres/pg-test-17/conf/pg-test-1.yml@"+address(1), "~ file:/data/postgres/pg-test-17/conf/pg-test-2.yml@"+address(2),
			"~ file:/data/postgres/pg-test-17/conf/pg-test-3.yml@"+address(3), "~ unit:patroni@"+address(1), "~ unit:patroni@"+address(2), "~ unit:patroni@"+address(3),
			"+ pgstanza:pg-test-1@"+address(1), "+ pgstanza:pg-test-2@"+address(2), "+ pgstanza:pg-test-3@"+address(3),
			"~ pgconfig:postgresql/parameters/archive_command@pg-test", "~ pgbackup:pg-test@pg-test"),
		sh: "sed -i 's/^process-max=.*/process-max=99/' /etc/pgbackrest/pgbackrest.conf", mends: []string{"~ file:/etc/pgbackrest/pgbackrest.conf@" + address(1)},
	},
	{
		name:  "backups that are kept longer",
		git:   attends(keptLonger...),
		holds: "SELECT true", does: eachOf("~ file:/etc/pgbackrest/pgbackrest.conf"),
		sh: "rm -rf /pg/backup/archive /pg/backup/backup", mends: []string{"+ pgstanza:pg-test-1@" + address(1), "~ pgbackup:pg-test@pg-test"},
	},
	{
		name: "another name in the certificates", holds: "SELECT true",
		git:  attends(append(slices.Clip(keptLonger), "pg_dns_suffix: .story")...),
		does: eachOf("~ "+certificate, "~ unit:patroni"),
		sh:   "rm /pg/cert/server.crt", mends: []string{"~ " + certificate + "@" + address(1), "~ unit:patroni@" + address(1)},
	},
	{
		name: "an extension with its package", in: "store",
		git: func(i *inside) {
			i.vars = append(slices.Clip(keptLonger), "pg_dns_suffix: .story", "pg_extensions: [ postgresql-$v-pgvector ]")
			i.databases = []string{"{ name: store, owner: app, pgbouncer: false, extensions: [ vector ] }"}
		},
		does:  append(eachOf("+ package:postgresql-17-pgvector"), "+ pgdatabase:store@pg-test", "+ pgextension:store/vector@pg-test", "+ pgprivileges:store@pg-test"),
		holds: "SELECT '[1,2]'::vector <-> '[1,2]' = 0",
		sh:    "apt-get -qq remove -y postgresql-17-pgvector >/dev/null", mends: []string{"+ package:postgresql-17-pgvector@" + address(1)},
	},
}

// keptLonger are the vars of all that came before.
var keptLonger = []string{
	twoJobs, observed, otherwise, anAddress, otherOne, backedUp, "pgbackrest_repo: { local: { path: /pg/backup, retention_full_type: count, retention_full: 5 } }",
}

// TestPgsqlAttendantsByGitAndByHand: jobs, exporters, an address, backups, certificates and packages come, change and are mended beside a cluster
// whose servers and clients notice nothing.
func TestPgsqlAttendantsByGitAndByHand(t *testing.T) {
	long(t)
	s := onCluster(t)
	starts := s.starts()
	s.edited(t, attendantEdits)
	s.sameStarts(starts)
}
