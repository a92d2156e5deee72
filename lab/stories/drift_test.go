package stories

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// harm is what somebody does by hand to the second node, and what pigsync should see.
type harm struct {
	name    string
	script  string // does it
	id      string // the resource, without its node
	field   string // the difference that is named
	healed  string // a script that succeeds once it is healed
	restart bool   // healing it may start etcd anew
	short   bool   // also with -short
}

var harms = []harm{
	{"the unit is stopped", "systemctl stop etcd", "unit:etcd", "active", "systemctl is-active etcd", true, true},
	{"the unit is disabled", "systemctl disable etcd", "unit:etcd", "enabled", "systemctl is-enabled etcd", false, false},
	{"a managed file is edited", "echo 'log-level: debug' >>/etc/etcd/etcd.conf", "file:/etc/etcd/etcd.conf", "content", "! grep debug /etc/etcd/etcd.conf", false, true},
	{"a managed file is gone", "rm /etc/etcd/etcd.conf", "file:/etc/etcd/etcd.conf", "", "test -s /etc/etcd/etcd.conf", false, false},
	{"a file has another owner", "chown daemon:adm /etc/etcd/etcd.pass", "file:/etc/etcd/etcd.pass", "owner", `test "$(stat -c %U:%G /etc/etcd/etcd.pass)" = root:etcd`, false, true},
	{"a file has another mode", "chmod 666 /etc/etcd/etcd.pass", "file:/etc/etcd/etcd.pass", "mode", `test "$(stat -c %a /etc/etcd/etcd.pass)" = 640`, false, false},
	{"a directory is open to all", "chmod 777 /etc/etcd", "dir:/etc/etcd", "mode", `test "$(stat -c %a /etc/etcd)" = 750`, false, false},
	{"the client's package is removed", "apt-get -qq remove -y etcd-client", "package:etcd|etcd-client", "", "etcdctl version", false, true},
	{"the server's package is removed", "apt-get -qq remove -y etcd-server", "package:etcd|etcd-server", "", "systemctl is-active etcd", true, false},
	{"the certificate is gone", "rm /etc/etcd/server.crt", "cert:/etc/etcd/{server.crt,server.key}", "", "test -s /etc/etcd/server.crt", false, true},
	{"the certificate's key is gone", "rm /etc/etcd/server.key", "cert:/etc/etcd/{server.crt,server.key}", "", "test -s /etc/etcd/server.key", false, false},
	{"the hosts are gone", "sed -i /story/d /etc/hosts", "lines:/etc/hosts#pigsty dns", "lines", "grep -q two.story /etc/hosts", false, false},
	{"the authority is not trusted", "rm /usr/local/share/ca-certificates/pigsty-ca.crt; update-ca-certificates -f >/dev/null", "trust:pigsty-ca", "",
		"test -s /usr/local/share/ca-certificates/pigsty-ca.crt", false, false},
	{"the host name is another", "hostnamectl set-hostname elsewhere", "hostname:node", "name", `test "$(hostname)" = node-2`, false, false},
	{"etcd is killed", "systemctl kill -s KILL etcd", "unit:etcd", "", "systemctl is-active etcd", true, false},
}

func TestEtcdHealsDrift(t *testing.T) {
	wanted(t)
	s := onThree(t)
	s.serve()
	s.converges(time.Minute)
	for _, h := range harms {
		t.Run(h.name, func(t *testing.T) {
			if !h.short {
				long(t)
			}
			inner := *s
			inner.TB = t
			inner.seesAndHeals(h)
		})
	}
}

func (s *story) seesAndHeals(h harm) {
	s.Helper()
	defer func() {
		if s.Failed() {
			s.tell()
		}
	}()
	const external = `cause="external"`
	seen, corrected := s.metric("pigsync_drift_total", external), s.metric("pigsync_corrective_changes_total")
	invocation := s.invocation(2)
	last := s.journal()
	began := time.Now()
	s.on(2, h.script)
	s.eventually(time.Minute, "healed", func() bool {
		_, err := s.node(2).Run(s.Context(), "sh", "-ec", h.healed)
		return err == nil && s.metric("pigsync_corrective_changes_total") > corrected
	})
	s.converges(time.Minute)
	s.Logf("healed and converged %s after it was done", round(time.Since(began)))
	if s.metric("pigsync_drift_total", external) <= seen {
		s.Error("pigsync_drift_total does not tell of the drift")
	}
	if !named(s.journal()[len(last):], h.id+"@"+address(2), h.field) {
		s.Errorf("no plan names %s of %s", h.field, h.id)
	}
	if items := s.metric("pigsync_drift_items"); items != 0 {
		s.Errorf("pigsync_drift_items is %v after all is healed", items)
	}
	if !h.restart && s.invocation(2) != invocation {
		s.Error("etcd was started anew for it")
	}
}

// named tells whether a plan has a step for the resource that names the field.
func named(records []record, id, field string) bool {
	return slices.ContainsFunc(records, func(r record) bool {
		return slices.ContainsFunc(r.steps(), func(st plannedStep) bool {
			return st.ID == id && (field == "" || slices.ContainsFunc(st.Fields, func(f plannedField) bool { return f.Path == field }))
		})
	})
}

// invocation tells one life of a node's etcd from another.
func (s *story) invocation(n int) string {
	s.Helper()
	return s.on(n, "systemctl show -P InvocationID etcd")
}

func TestEtcdReportsOnly(t *testing.T) {
	long(t)
	for _, option := range []string{"heal: false", "report_only: [ 'etcd/*' ]"} {
		t.Run(option, func(t *testing.T) {
			s := onThree(t)
			s.serve()
			s.converges(time.Minute)
			s.stop()
			s.configure(option)
			s.serve()
			s.converges(time.Minute)
			s.on(2, "chmod 666 /etc/etcd/etcd.pass")
			st := s.stands(20*time.Second, "held drift", func(st status) bool { return st.State == "held" && st.Drift })
			if got := st.changes(); !slices.Equal(got, []string{"~ file:/etc/etcd/etcd.pass@" + address(2) + " mode"}) {
				t.Errorf("the plan is %v, want the mode of one file", got)
			}
			if len(st.Objections) == 0 || st.Objections[0].Code != "PS107" {
				t.Errorf("objections %+v, want PS107", st.Objections)
			}
			if n := s.metric("pigsync_drift_items"); n != 1 {
				t.Errorf("pigsync_drift_items is %v, want 1", n)
			}
			s.quietLooks(2, "held")
			if mode := s.on(2, "stat -c %a /etc/etcd/etcd.pass"); mode != "666" {
				t.Errorf("the mode is %s: it was to be reported only", mode)
			}
			s.on(2, "chmod 640 /etc/etcd/etcd.pass")
			s.converges(20 * time.Second)
			if n := s.metric("pigsync_corrective_changes_total"); n != 0 {
				t.Errorf("pigsync_corrective_changes_total is %v, want 0", n)
			}
		})
	}
}

// changes gives the steps of the plan that would change something, each with its fields.
func (st status) changes() (out []string) {
	for _, step := range st.Plan.Steps {
		if step.Action == "=" {
			continue
		}
		text := step.Action + " " + step.ID
		for _, f := range step.Fields {
			text += " " + f.Path
		}
		out = append(out, text)
	}
	return out
}

// notes gives the journal's steps of a kind as "action id" in order.
func notes(records []record, kind string) (out []string) {
	for _, r := range records {
		if r.Kind == kind && (kind != "result" || r.Data.Err == "") {
			out = append(out, fmt.Sprintf("%s %s", r.Data.Step.Action, r.Data.Step.ID))
		}
	}
	return out
}

func containing(list []string, part string) (out []string) {
	for _, l := range list {
		if strings.Contains(l, part) {
			out = append(out, l)
		}
	}
	return out
}
