package pgsql

import (
	"strconv"
	"strings"
)

// Paths by which PostgreSQL and its companions know each other. /pg leads to the cluster's home.
const (
	pgLink      = "/pg"
	programs    = "/usr/pgsql" // leads to the programs of the release
	certPath    = "/pg/cert/server.crt"
	keyPath     = "/pg/cert/server.key"
	caPath      = "/pg/cert/ca.crt"
	patroniEtc  = "/etc/patroni"
	patroniLink = "/etc/patroni/patroni.yml"
	nodeCA      = "/etc/pki/ca.crt" // the authority, as NODE leaves it on every node
	formedPath  = "/etc/patroni/formed"
	makingPath  = "/etc/patroni/making"
	tmpfiles    = "/etc/tmpfiles.d/postgresql.conf"
	tmpfilesDeb = "/etc/tmpfiles.d/postgresql-common.conf" // in place of the package's, which comes first by its name
	stockDir    = "/etc/postgresql-common"
	stockPath   = "/etc/postgresql-common/createcluster.conf"
)

// dbGroup is the group of the database account, whatever the account is called.
const dbGroup = "postgres"

// release names what belongs to one major release of one cluster: "pg-test-17".
func (m *member) release() string { return m.vars.Cluster + "-" + strconv.Itoa(m.vars.Version) }

// home is where everything of the cluster lies; /pg leads there.
func (m *member) home() string { return m.vars.FSMain + "/" + m.release() }

// backups is where local backups lie; /pg/backup leads there.
func (m *member) backups() string { return m.vars.FSBackup + "/" + m.release() + "/backup" }

// real is where a path below /pg lies.
func (m *member) real(path string) string {
	if rest, ok := strings.CutPrefix(path, pgLink+"/"); ok {
		return m.home() + "/" + rest
	}
	return path
}

// confPath is Patroni's configuration.
func (m *member) confPath() string { return m.home() + "/conf/" + m.name() + ".yml" }
