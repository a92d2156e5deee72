package stories

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// watchedAddress is the virtual address of the leader.
const watchedAddress = "10.10.10.99"

// watched is a cluster on the first two nodes as its three lines make it, and the third one, which watches
// it: etcd and INFRA are there. Backups are somebody else's story.
type watched struct {
	alone bool   // the second member has left
	more  string // further vars of the cluster
}

func (w watched) String() string {
	text := head
	for _, opt := range []string{"pg_exporter_enabled: false", "pgbouncer_exporter_enabled: false", "pg_dbsu_sudo: none", "pg_dbsu_ssh_exchange: false", "vmetrics_enabled: false", "dns_enabled: false"} {
		text = strings.Replace(text, "    "+opt+"\n", "", 1)
	}
	replica := "        10.10.10.11: { pg_seq: 2, pg_role: replica, nodename: node-2 }\n"
	if w.alone {
		replica = ""
	}
	return text + `  children:
    infra: { hosts: { 10.10.10.12: { infra_seq: 1, nodename: node-3, node_packages: [ prometheus ] } } }
    etcd: { hosts: { 10.10.10.12: { etcd_seq: 1 } } }
    pg-test:
      hosts:
        10.10.10.10: { pg_seq: 1, pg_role: primary, nodename: node-1 }
` + replica + `      vars:
        pg_cluster: pg-test
        pg_conf: tiny.yml
        pg_shared_buffer_ratio: 0.1
        pg_databases: [ { name: app } ]
` + w.more
}

const withVIP = "        pg_vip_enabled: true\n        pg_vip_address: " + watchedAddress + "/24\n"

// TestPgsqlWatched: what watches a cluster runs beside it, whoever is to look at it is told, and an address
// follows the leader.
func TestPgsqlWatched(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	s.commit("watched", watched{more: withVIP + "        patroni_ssl_enabled: true\n"})
	t.Logf("from a commit to a watched cluster on bare nodes: %s", round(s.converges(20*time.Minute)))
	s.isHealthy(1, 2)
	s.quietLooks(2, "converged")
	for n := 1; n <= 2; n++ {
		s.shows(n, 9630, "pg_up", "1")
		s.shows(n, 9631, "pgbouncer_up", "1")
	}
	s.prometheusFetches("pg-test-1", "pg-test-2")
	s.holds("the keys of the members let each other in", "runuser -u postgres -- ssh -o BatchMode=yes "+address(1)+" true")
	s.holds("the account may look after its services", "runuser -u postgres -- sudo -n systemctl status patroni")
	s.holds("the account may do nothing else", "! runuser -u postgres -- sudo -n true")
	s.followsLeader()
	s.renewsOnTheFly()
	for _, h := range watchedHarms {
		s.watchedHeals(h)
	}
	s.commit("no address", watched{alone: true})
	s.convergesOnceApproved(5 * time.Minute)
	if have := s.haveAddress(); len(have) > 0 {
		t.Errorf("nodes %v have the address, which nobody asks for any more", have)
	}
	for _, gone := range []string{"/infra/targets/pgsql/pg-test-2.yml", "/infra/targets/ping/" + watchedAddress + "---" + address(2) + ".yml", "/etc/dnsmasq.d/pigsty/pg-test-2"} {
		s.on(3, "! test -e '"+gone+"'")
	}
	s.on(3, "grep -q 8008 /infra/targets/pgsql/pg-test-1.yml; grep -q '^"+address(1)+" pg-test$' /etc/dnsmasq.d/pigsty/pg-test")
	s.quietLooks(2, "converged")
}

// convergesOnceApproved agrees to whatever is held of the newest commit, as an administrator who wants all of it.
func (s *story) convergesOnceApproved(limit time.Duration) {
	s.Helper()
	head := s.git("rev-parse", "HEAD")
	s.stands(limit, "converged once it was approved", func(st status) bool {
		if st.Revision == head && st.State == "held" {
			s.pigsync("approve", st.Plan.Digest) // of a plan that is not there any more it says so
		}
		return st.Revision == head && st.State == "converged"
	})
}

// shows wants a metric of a node, sooner or later: an exporter asks the server every now and then.
func (s *story) shows(n, port int, metric, value string) {
	s.Helper()
	var body string
	var err error
	if !poll(s.Context(), time.Minute, time.Second, func() bool {
		body, err = s.page(n, port, "/metrics")
		return err == nil && slices.ContainsFunc(strings.Split(body, "\n"), func(line string) bool {
			name, _, _ := strings.Cut(line, "{")
			fields := strings.Fields(line)
			return len(fields) > 1 && (fields[0] == metric || name == metric) && fields[len(fields)-1] == value
		})
	}) {
		s.Errorf("port %d of node-%d does not show %s %s: %v, %d bytes", port, n, metric, value, err, len(body))
	}
}

// prometheusFetches wants a real Prometheus on the third node to find the members by the files that are
// there, and to fetch what they show.
func (s *story) prometheusFetches(members ...string) {
	s.Helper()
	s.on(3, `printf 'global: { scrape_interval: 2s }\nscrape_configs:\n- job_name: pgsql\n  file_sd_configs: [ { files: [ /infra/targets/pgsql/*.yml ] } ]\n' >/root/p.yml
		install -m 644 /root/p.yml /etc/prometheus/prometheus.yml; systemctl restart prometheus`)
	for _, member := range members {
		s.eventually(time.Minute, "Prometheus fetches "+member, func() bool {
			body, err := s.page(3, 9090, "/api/v1/query?query=pg_up%7Bins%3D%22"+member+"%22%2Ccls%3D%22pg-test%22%7D")
			var found struct {
				Data struct {
					Result []struct{ Value [2]any }
				}
			}
			return err == nil && json.Unmarshal([]byte(body), &found) == nil && len(found.Data.Result) == 1 && found.Data.Result[0].Value[1] == "1"
		})
	}
}

// haveAddress are the nodes with the leader's address.
func (s *story) haveAddress() (have []int) {
	for n := 1; n <= 2; n++ {
		if _, err := s.node(n).Run(s.Context(), "sh", "-c", "ip -o addr | grep -q 'inet "+watchedAddress+"/'"); err == nil {
			have = append(have, n)
		}
	}
	return have
}

// followsLeader lets the other member lead, as an administrator does. The address goes along, and nothing is
// undone.
func (s *story) followsLeader() {
	s.Helper()
	for _, n := range []int{1, 2, 1} {
		if s.leads(1) != address(n) {
			s.on(1, fmt.Sprintf("patronictl -c /etc/patroni/patroni.yml switchover --candidate pg-test-%d --force", n))
		}
		s.eventually(time.Minute, fmt.Sprintf("the address is on node-%d alone", n), func() bool {
			return s.leads(1) == address(n) && slices.Equal(s.haveAddress(), []int{n})
		})
		s.isHealthy(1, 2)
		s.converges(2 * time.Minute)
		if got := s.leads(1); got != address(n) {
			s.Errorf("%s leads, want %s still", got, address(n))
		}
	}
}

// renewsOnTheFly lets the certificate of a member end soon: it is renewed, and all that show it read it again
// without a restart.
func (s *story) renewsOnTheFly() {
	s.Helper()
	const path = "/pg/cert/server.crt"
	units := []string{"patroni", "pgbouncer"}
	var lives []string
	for _, u := range units {
		lives = append(lives, s.life(1, u))
	}
	started := s.on(1, "stat -c %Y /pg/data/postmaster.pid")
	s.agedAt(1, path, time.Hour)
	for port, starttls := range map[int]bool{5432: true, 8008: false} {
		s.eventually(2*time.Minute, fmt.Sprintf("port %d shows a new certificate", port), func() bool {
			cert, err := s.certificate(1, port, starttls)
			return err == nil && time.Until(cert.NotAfter) > 365*24*time.Hour
		})
	}
	s.converges(time.Minute)
	for i, u := range units {
		if s.life(1, u) != lives[i] {
			s.Errorf("%s was started anew for a certificate", u)
		}
	}
	if got := s.on(1, "stat -c %Y /pg/data/postmaster.pid"); got != started {
		s.Error("PostgreSQL was started anew for a certificate")
	}
}

// certificate is the one that a server shows to who connects now; PostgreSQL is asked for TLS first.
func (s *story) certificate(n, port int, starttls bool) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
	defer cancel()
	raw, err := s.lab.Dial(ctx, "tcp", net.JoinHostPort(address(n), fmt.Sprint(port)))
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	if starttls {
		answer := make([]byte, 1)
		if _, err := raw.Write([]byte{0, 0, 0, 8, 4, 210, 22, 47}); err != nil {
			return nil, err
		}
		if _, err := raw.Read(answer); err != nil {
			return nil, err
		}
	}
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true}) // the certificate itself is looked at
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return conn.ConnectionState().PeerCertificates[0], nil
}

// watchedHarm is what somebody does to a node, and what pigsync should see.
type watchedHarm struct {
	node              int
	script            string
	id, field, healed string
}

// watchedHarms are done to a node by hand.
var watchedHarms = []watchedHarm{
	{2, "systemctl stop pg_exporter", "unit:pg_exporter", "active", "systemctl is-active pg_exporter"},
	{2, "echo X=1 >>/etc/default/pg_exporter", "file:/etc/default/pg_exporter", "content", "! grep X=1 /etc/default/pg_exporter"},
	{2, "echo '# mine' >>/etc/systemd/system/pgbouncer_exporter.service", "file:/etc/systemd/system/pgbouncer_exporter.service", "content", "! grep mine /etc/systemd/system/pgbouncer_exporter.service"},
	{2, "systemctl disable pgbouncer_exporter", "unit:pgbouncer_exporter", "enabled", "systemctl is-enabled pgbouncer_exporter"},
	{2, "echo 'verbose: true' >>/etc/default/vip-manager.yml", "file:/etc/default/vip-manager.yml", "content", "! grep 'verbose: true' /etc/default/vip-manager.yml"},
	{2, "systemctl stop vip-manager", "unit:vip-manager", "active", "systemctl is-active vip-manager"},
	{2, "rm /etc/sudoers.d/postgres", "file:/etc/sudoers.d/postgres", "", "test -s /etc/sudoers.d/postgres"},
	{2, "sed -i '/pigsty pgsql/d' /var/lib/pgsql/.ssh/authorized_keys", "lines:/var/lib/pgsql/.ssh/authorized_keys#pigsty pgsql", "lines", "grep -q 'pigsty pgsql' /var/lib/pgsql/.ssh/authorized_keys"},
	{2, "rm /etc/systemd/system/prometheus-postgres-exporter.service", "link:/etc/systemd/system/prometheus-postgres-exporter.service", "", "test -L /etc/systemd/system/prometheus-postgres-exporter.service"},
	{3, "rm /infra/targets/pgsql/pg-test-2.yml", "file:/data/infra/targets/pgsql/pg-test-2.yml", "", "test -s /infra/targets/pgsql/pg-test-2.yml"},
	{3, "echo 1.2.3.4 pg-test >/etc/dnsmasq.d/pigsty/pg-test", "file:/etc/dnsmasq.d/pigsty/pg-test", "content", "grep -q " + watchedAddress + " /etc/dnsmasq.d/pigsty/pg-test"},
}

func (s *story) watchedHeals(h watchedHarm) {
	s.Helper()
	from := len(s.journal())
	s.on(h.node, h.script)
	s.eventually(time.Minute, h.id+" is healed", func() bool {
		_, err := s.node(h.node).Run(s.Context(), "sh", "-ec", h.healed)
		return err == nil && named(s.journal()[from:], h.id+"@"+address(h.node), h.field)
	})
	s.converges(time.Minute)
}
