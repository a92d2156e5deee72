package stories

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// service is a file of HAProxy's for a service of pg-test, on each of its members.
func service(action, name string) []string {
	return each(action + " file:/etc/haproxy/conf.d/pg-test-" + name + ".cfg")
}

// ruled is a change of PostgreSQL's rules on each member: PostgreSQL has them first, and then Patroni.
func ruled() (all []string) {
	for n := 1; n <= 3; n++ {
		all = append(all, fmt.Sprintf("~ pgrules:pg-test-%d@%s", n, address(n)),
			fmt.Sprintf("~ file:/data/postgres/pg-test-17/conf/pg-test-%d.yml@%s", n, address(n)), "~ unit:patroni@"+address(n))
	}
	return all
}

var accessEdits = []edit{
	{
		name: "a service", git: func(i *inside) {
			i.services = []string{"{ name: extra, port: 5440, selector: '[]', check: /read-only, dest: pgbouncer }"}
		},
		does: slices.Concat(service("+", "extra"), each("~ unit:haproxy")), holds: "SELECT true",
		sh: "rm /etc/haproxy/conf.d/pg-test-extra.cfg", mends: []string{"+ file:/etc/haproxy/conf.d/pg-test-extra.cfg@" + address(1), "~ unit:haproxy@" + address(1)},
	},
	{
		name: "other weights", git: func(i *inside) { i.vars = []string{"pg_weight: 50"} },
		does:  slices.Concat(service("~", "extra"), service("~", "primary"), service("~", "replica"), service("~", "default"), service("~", "offline"), each("~ unit:haproxy")),
		holds: "SELECT true", sh: "sed -i 's/weight 50/weight 60/' /etc/haproxy/conf.d/pg-test-extra.cfg; systemctl reload haproxy",
		mends: []string{"~ file:/etc/haproxy/conf.d/pg-test-extra.cfg@" + address(1), "~ unit:haproxy@" + address(1)},
	},
	{
		name: "a service less", git: func(i *inside) { i.services = nil }, does: slices.Concat(service("-", "extra"), each("~ unit:haproxy")), holds: "SELECT true",
	},
	{
		name: "a rule", git: func(i *inside) {
			i.rules = []string{"{ title: from elsewhere, user: app, db: app, addr: 192.0.2.0/24, auth: pwd }"}
		},
		does: ruled(), holds: "SELECT count(*) = 1 FROM pg_hba_file_rules WHERE address = '192.0.2.0' AND error IS NULL",
		// Patroni writes the rules itself when it has read its file again: what is done before is undone by that.
		sh: "until test /pg/data/pg_hba.conf -nt /pg/conf/pg-test-1.yml; do sleep 0.1; done; sed -i '/192.0.2.0/d' /pg/data/pg_hba.conf; runuser -u postgres -- psql -qc 'SELECT pg_reload_conf()'", mends: []string{"~ pgrules:pg-test-1@" + address(1)},
	},
	{
		name: "a rule for replicas", git: func(i *inside) {
			i.rules = []string{"{ title: from elsewhere, role: replica, user: app, db: app, addr: 192.0.2.0/24, auth: pwd }"}
		},
		does: ruled()[:3], holds: "SELECT count(*) = 0 FROM pg_hba_file_rules WHERE address = '192.0.2.0'",
	},
	{
		name: "a rule of the pooler", git: func(i *inside) { i.poolRules = []string{"{ user: app, db: app, addr: 192.0.2.0/24, auth: pwd }"} },
		does: pooled("pgb_hba.conf"), holds: "SELECT true", sh: "echo >/etc/pgbouncer/pgb_hba.conf",
		mends: pooledAt(1, "pgb_hba.conf"),
	},
}

// TestPgsqlAccessByGitAndByHand: services, weights and rules, which are read again and restart nothing.
func TestPgsqlAccessByGitAndByHand(t *testing.T) { edited(t, accessEdits) }

// TestPgsqlLocksNobodyOut: rules that would refuse who is connected wait for an approval that names them, those
// that would end replication are refused, and the rest of the commit is done.
func TestPgsqlLocksNobodyOut(t *testing.T) {
	long(t)
	s := onCluster(t)
	writer := s.loads(5433, true, 50)
	before := s.on(1, "cat /pg/data/pg_hba.conf /pg/conf/pg-test-1.yml")

	s.commit("the application is shut out, and a role", inside{
		rules: []string{"{ order: 1, user: app, db: all, addr: local, auth: deny }"}, users: []string{"{ name: reader }"},
	})
	st := s.held(time.Minute)
	s.objects(st, "PS101", "pgrules:pg-test-1@"+address(1))
	if got := strings.Join(fieldsOf(st, "pgrules:pg-test-1@"+address(1)), "\n"); !strings.Contains(got, "access of app to app over the socket") {
		t.Errorf("the plan does not say who would be refused:\n%s", got)
	}
	s.saysSQL("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = 'reader'", "1")

	s.commit("replication is shut out", inside{rules: []string{"{ order: 1, user: '${repl}', db: replication, addr: cluster, auth: deny }"}})
	st = s.stands(time.Minute, "a problem that is told", func(st status) bool {
		return slices.ContainsFunc(st.Problems, func(p problem) bool { return p.Code == "PG074" })
	})
	s.quietLooks(2, st.State)
	if now := s.on(1, "cat /pg/data/pg_hba.conf /pg/conf/pg-test-1.yml"); now != before {
		t.Error("the rules were changed")
	}
	s.commit("as it was", inside{})
	s.converges(time.Minute)
	writer.lostNothing()
	s.isHealthy(1, 3)
}

// fieldsOf gives the differences that a plan names of a resource.
func fieldsOf(st status, id string) (all []string) {
	if st.Plan == nil {
		return nil
	}
	for _, step := range st.Plan.Steps {
		if step.ID == id {
			for _, f := range step.Fields {
				all = append(all, f.Path+": "+f.Have+" -> "+f.Want)
			}
		}
	}
	return all
}
