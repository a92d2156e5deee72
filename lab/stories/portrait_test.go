package stories

import (
	"fmt"
	"strings"
)

// features are queries that show what a cluster holds: what two clusters of one inventory agree in. The salts of
// passwords and the moments of expiry are each one's own.
var features = map[string]string{
	"roles": `SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
		left(rolpassword, 14), rolvaliduntil::date, shobj_description(oid, 'pg_authid'), (SELECT array_agg(x ORDER BY x) FROM unnest(setconfig) x)
		FROM pg_authid LEFT JOIN pg_db_role_setting ON setrole = oid AND setdatabase = 0 WHERE rolname !~ '^pg_' ORDER BY 1`,
	"members": `SELECT roleid::regrole, member::regrole, bool_or(admin_option), bool_or(inherit_option), bool_or(set_option) FROM pg_auth_members GROUP BY 1, 2 ORDER BY 1::text, 2::text`,
	"databases": `SELECT datname, datdba::regrole, pg_encoding_to_char(encoding), datcollate, datistemplate, datallowconn, datconnlimit,
		shobj_description(d.oid, 'pg_database'), (SELECT array_agg(x ORDER BY x) FROM unnest(setconfig) x),
		(SELECT array_agg(x ORDER BY x) FROM (SELECT format('%s %s %s', grantee::regrole, privilege_type, is_grantable) x FROM aclexplode(coalesce(datacl, acldefault('d', datdba)))) g)
		FROM pg_database d LEFT JOIN pg_db_role_setting ON setdatabase = d.oid AND setrole = 0 ORDER BY 1`,
	"settings": `SELECT name, setting FROM pg_settings WHERE source IN ('configuration file', 'command line') AND name !~ '^(primary_|recovery_)' ORDER BY 1`,
	"rules":    `SELECT rule_number, type, database, user_name, address, netmask, auth_method, options FROM pg_hba_file_rules ORDER BY 1`,
}

// within are queries that are asked in every database.
var within = map[string]string{
	"schemas": `SELECT nspname, nspowner::regrole, (SELECT array_agg(x ORDER BY x) FROM (SELECT format('%s %s', grantee::regrole, privilege_type) x
		FROM aclexplode(coalesce(nspacl, acldefault('n', nspowner)))) g) FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1`,
	"extensions": `SELECT extname, extnamespace::regnamespace, extversion FROM pg_extension ORDER BY 1`,
	"defaults": `SELECT defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, (SELECT array_agg(x ORDER BY x) FROM (SELECT format('%s %s', grantee::regrole, privilege_type) x
		FROM aclexplode(defaclacl)) g) FROM pg_default_acl ORDER BY 1::text, 2, 3`,
}

// portrait is what the cluster on the first three nodes holds, by what it is about.
func (s *story) portrait() map[string]string {
	s.Helper()
	p := map[string]string{}
	for name, query := range features {
		p[name] = s.sql("postgres", query)
	}
	for _, database := range strings.Fields(s.sql("postgres", "SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1")) {
		for name, query := range within {
			p[database+": "+name] = s.sql(database, query)
		}
	}
	p["patroni"] = s.on(1, "patronictl -c /etc/patroni/patroni.yml show-config")
	for n := 1; n <= 3; n++ {
		p[fmt.Sprintf("files of node %d", n)] = s.on(n, `cd /; for f in etc/pgbouncer/* etc/haproxy/conf.d/*; do echo "== $f"; sed -E 's/SCRAM[^"]*/SCRAM/' "$f"; done; grep -v '^#' pg/data/pg_hba.conf`)
	}
	return p
}

// resembles wants the cluster to look like a portrait.
func (s *story) resembles(other map[string]string) {
	s.Helper()
	own := s.portrait()
	for about, text := range own {
		for line := range strings.Lines(text) {
			if !strings.Contains(other[about]+"\n", strings.TrimSuffix(line, "\n")+"\n") {
				s.Errorf("%s: only the fresh one has: %s", about, line)
			}
		}
	}
	for about, text := range other {
		for line := range strings.Lines(text) {
			if !strings.Contains(own[about]+"\n", strings.TrimSuffix(line, "\n")+"\n") {
				s.Errorf("%s: only the one that was walked has: %s", about, line)
			}
		}
	}
}
