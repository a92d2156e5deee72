package stories

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// saved is a cluster whose backups are switched on, with further vars.
type saved struct{ vars string }

func (b saved) String() string {
	text := clusters{more: b.vars}.String()
	text = strings.ReplaceAll(text, "    pgbackrest_enabled: false\n", "    pgbackrest_enabled: true\n")
	return strings.ReplaceAll(text, "11 two.story ]", "11 two.story, 10.10.10.1 sss.pigsty ]")
}

const (
	jobs = "        pg_crontab: [ '00 01 * * * /pg/bin/pg-backup full', '00 13 * * * /pg/bin/pg-backup' ]\n"
	// toStore sends backups to the object store.
	toStore = `        pgbackrest_method: minio
        pgbackrest_repo:
          minio: { type: s3, s3_endpoint: sss.pigsty, s3_region: us-east-1, s3_bucket: pgsql, s3_key: pgbackrest, s3_key_secret: S3User.Backup, s3_uri_style: path,
            path: /pgbackrest, storage_port: 9000, storage_ca_file: /etc/ssl/store.crt, bundle: y, cipher_type: aes-256-cbc, cipher_pass: Cipher.Story, retention_full: 2 }
`
)

const asPostgres = "setpriv --reuid=postgres --regid=postgres --init-groups "

// backups gives what pgBackRest says on a node of the backups of pg-test, by their type.
func (s *story) backups(n int) (types []string) {
	s.Helper()
	var all []struct {
		Status struct{ Code int }
		Backup []struct {
			Type  string
			Error bool
		}
	}
	s.must(json.Unmarshal([]byte(s.on(n, asPostgres+"pgbackrest --stanza=pg-test --output=json --log-level-console=off info")), &all))
	if len(all) != 1 {
		s.Fatalf("pgbackrest info: %+v", all)
	}
	for _, b := range all[0].Backup {
		if !b.Error {
			types = append(types, b.Type)
		}
	}
	return types
}

// fails waits until the newest commit stands with an error that is told.
func (s *story) fails(says string) {
	s.Helper()
	head, told := s.git("rev-parse", "HEAD"), regexp.MustCompile(says)
	s.stands(10*time.Minute, says, func(st status) bool {
		said := slices.ContainsFunc(st.Results, told.MatchString) ||
			slices.ContainsFunc(st.Problems, func(p problem) bool { return p.Severity == "error" && told.MatchString(p.Message) })
		return st.Revision == head && said
	})
}

// TestPgsqlBackup: a cluster comes with a repository on each member, a first full backup and jobs; what is
// changed of it by hand is named and healed.
func TestPgsqlBackup(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	s.commit("a cluster that is saved", saved{jobs})
	t.Logf("from a commit to a cluster with a backup: %s", round(s.converges(20*time.Minute)))
	s.isHealthy(1, 3)
	if got := s.backups(1); !slices.Equal(got, []string{"full"}) {
		t.Errorf("the leader has backups %v, want a full one", got)
	}
	for n := 1; n <= 3; n++ {
		s.on(n, "test \"$(stat -c '%U %G %a' /var/spool/cron/crontabs/postgres)\" = 'postgres crontab 600' && crontab -u postgres -l | grep -q 'pg-backup full'")
	}
	s.on(1, asPostgres+"/pg/bin/pg-backup")
	s.on(2, asPostgres+"/pg/bin/pg-backup")
	if got := s.backups(1); !slices.Equal(got, []string{"full", "incr"}) {
		t.Errorf("after the job of two members there are %v", got)
	}
	s.quietLooks(2, "converged")
	for _, h := range savedHarms {
		t.Run(h.name, func(t *testing.T) {
			inner := *s
			inner.TB = t
			inner.mends(h)
		})
	}
	s.agrees()
}

// savedHarms are done to the second node.
var savedHarms = []harm{
	{name: "the configuration is edited", script: "sed -i 's/^process-max=.*/process-max=99/' /etc/pgbackrest/pgbackrest.conf", id: "file:/etc/pgbackrest/pgbackrest.conf@" + address(2), field: "content",
		healed: "! grep -q process-max=99 /etc/pgbackrest/pgbackrest.conf"},
	{name: "a job is another", script: "sed -i 's/pg-backup full/true/' /var/spool/cron/crontabs/postgres", id: "block:/var/spool/cron/crontabs/postgres#pigsty pg_crontab@" + address(2), field: "block",
		healed: "grep -q 'pg-backup full' /var/spool/cron/crontabs/postgres"},
	{name: "cron may not read the jobs", script: "chmod 644 /var/spool/cron/crontabs/postgres", id: "block:/var/spool/cron/crontabs/postgres#pigsty pg_crontab@" + address(2), field: "mode",
		healed: "test \"$(stat -c %a /var/spool/cron/crontabs/postgres)\" = 600"},
	{name: "the place in the repository is gone", script: "rm -rf /pg/backup/archive /pg/backup/backup", id: "pgstanza:pg-test-2@" + address(2), field: "state",
		healed: "test -s /pg/backup/backup/pg-test/backup.info"},
	{name: "segments are let go", script: "patronictl -c /etc/patroni/patroni.yml edit-config --force -p archive_command=/bin/true >/dev/null", id: "pgconfig:postgresql/parameters/archive_command@pg-test", field: "value",
		healed: "patronictl -c /etc/patroni/patroni.yml show-config | grep -q archive-push"},
}

// mends does harm to the second node, and wants it named and healed.
func (s *story) mends(h harm) {
	s.Helper()
	last := s.journal()
	s.on(2, h.script)
	took := s.eventually(2*time.Minute, "healed", func() bool {
		_, err := s.node(2).Run(s.Context(), "sh", "-ec", h.healed)
		return err == nil
	})
	s.converges(2 * time.Minute)
	s.Logf("healed %s after it was done", round(took))
	if !named(s.journal()[len(last):], h.id, h.field) {
		s.Errorf("no plan names %s of %s", h.field, h.id)
	}
}

// TestPgsqlBackupToStore: nothing is made while the object store is away. Then the cluster is saved there, a
// member that lost its data comes back from there, and another passphrase is refused.
func TestPgsqlBackupToStore(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	store := s.newStore()
	s.serve()
	s.commit("a store that is away", saved{toStore})
	s.fails(`the repository does not answer.*connect`)
	for n := 1; n <= 3; n++ {
		s.on(n, "! test -e /pg/data")
	}
	store.start()
	t.Logf("from a store that runs to a cluster with a backup: %s", round(s.converges(20*time.Minute)))
	s.isHealthy(1, 3)
	if got := s.backups(2); !slices.Equal(got, []string{"full"}) {
		t.Errorf("the store has backups %v, want a full one", got)
	}
	s.quietLooks(2, "converged")

	s.on(1, asPostgres+"psql -h /var/run/postgresql -U postgres -d app -qc 'create table shop.kept as select generate_series(1, 1000) as x'")
	s.on(2, "systemctl stop patroni && rm -rf /data/postgres/pg-test-17/data")
	s.converges(5 * time.Minute)
	s.isHealthy(1, 3)
	s.on(2, "grep -q 'replica has been created using pgbackrest' /pg/log/patroni/*")
	s.on(2, "test \"$("+asPostgres+"psql -h /var/run/postgresql -U postgres -d app -Atc 'select count(*) from shop.kept')\" = 1000")

	s.commit("another passphrase", saved{strings.ReplaceAll(toStore, "Cipher.Story", "Cipher.Other")})
	s.fails(`another cipher_pass`)
	s.on(1, "grep -q Cipher.Story /etc/pgbackrest/pgbackrest.conf")
	s.commit("the passphrase again", saved{toStore})
	s.converges(3 * time.Minute)
}
