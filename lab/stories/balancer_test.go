package stories

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// balancer is an inventory whose second node balances for services at ports of its own; the third one
// answers for all of them.
func balancer(vars []string, ports ...int) machine {
	var services []string
	for _, p := range ports {
		services = append(services, fmt.Sprintf("{ name: s%d, port: %d, servers: [ { name: a, ip: 10.10.10.12, port: 7777 } ] }", p, p))
	}
	return machine{append([]string{"haproxy_enabled: true", "haproxy_admin_password: Story.Page", "haproxy_services: [ " + strings.Join(services, ", ") + " ]"}, vars...)}
}

// asksHAProxy asks a socket of haproxy on the second node; that of the master is deaf for a moment after a
// reload.
func (s *story) asksHAProxy(socket, command string) string {
	s.Helper()
	return s.on(2, `perl -MIO::Socket::UNIX -e 'for (1..100) { $c = IO::Socket::UNIX->new(Peer => "/run/`+socket+`.sock") and last; select undef, undef, undef, 0.1 } print $c "`+command+`\n"; $c->flush; $c->shutdown(1); print while <$c>'`)
}

// workers are the processes of haproxy on the second node that serve, by how often it was reloaded since
// they came.
func (s *story) workers() map[int]int {
	s.Helper()
	of := map[int]int{}
	for line := range strings.Lines(s.asksHAProxy("haproxy-master", "show proc")) {
		f := strings.Fields(line)
		if len(f) < 3 || f[1] != "worker" {
			continue
		}
		pid, err := strconv.Atoi(f[0])
		s.must(err)
		of[pid], err = strconv.Atoi(f[2])
		s.must(err)
	}
	return of
}

// newest is the worker that no reload has followed.
func (s *story) newest() int {
	s.Helper()
	for pid, reloads := range s.workers() {
		if reloads == 0 {
			return pid
		}
	}
	s.Fatal("no worker is the newest")
	return 0
}

// TestNodeBalancer: changes of the load balancer are reloads. A client keeps its connection, with the process
// that has had it, and what cannot be loaded is not put in place.
func TestNodeBalancer(t *testing.T) {
	wanted(t)
	s := onBareNodes(t)
	s.answers(3)
	s.serve()
	s.commit("a balancer", balancer(nil, 8080))
	s.converges(2 * time.Minute)
	c := s.talks(2)
	first, life := s.newest(), s.life(2, "haproxy")

	s.commit("another service", balancer(nil, 8080, 8081))
	s.converges(time.Minute)
	s.commit("another port of the page", balancer([]string{"haproxy_exporter_port: 9102"}, 8080, 8081))
	s.converges(time.Minute)
	second := s.newest()
	if of := s.workers(); second == first || of[first] < 2 || s.life(2, "haproxy") != life {
		t.Errorf("workers %v after two changes, of which %d was the first", of, first)
	}
	c.still(s, "through two reloads")
	if info := s.asksHAProxy("haproxy-admin", "show info"); !strings.Contains(info, fmt.Sprintf("Pid: %d\n", second)) {
		t.Errorf("the worker that serves is not %d: %s", second, info)
	}
	s.holds("sockets of root alone", "test $(stat -c %a:%U /run/haproxy-admin.sock) = 600:root && test $(stat -c %a:%U /run/haproxy-master.sock) = 600:root")
	s.says(2, 9102, "/metrics", "haproxy_process_")
	if _, err := s.page(2, 9102, "/haproxy/node-2/"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("the page does not ask for a password: %v", err)
	}
	if body, err := s.pageAs("admin:Story.Page", 2, 9102, "/haproxy/node-2/"); err != nil || !strings.Contains(body, "s8081") {
		t.Errorf("the page with its password: %v", err)
	}

	s.takesPort(2, 8090)
	before := s.on(2, "cat /etc/haproxy/haproxy.cfg /etc/haproxy/conf.d/*")
	s.commit("a taken port, and something else", balancer([]string{"haproxy_exporter_port: 9102", "node_aliases: { a: b }"}, 8080, 8081, 8090))
	st := s.stands(time.Minute, "a step that fails", func(st status) bool { return st.State == "failed" })
	if said := st.reason(2); !strings.Contains(said, "port 8090 is taken: ") || !strings.Contains(said, "systemd") {
		t.Errorf("it is said: %s, want that port 8090 is taken by systemd", said)
	}
	if now := s.on(2, "cat /etc/haproxy/haproxy.cfg /etc/haproxy/conf.d/*"); now != before || s.newest() != second {
		t.Error("the balancer was changed by what it cannot load")
	}
	s.holds("the rest", "test -e /etc/profile.d/node.alias.sh")
	c.still(s, "through a change that failed")

	if !testing.Short() { // what only the load itself finds out does not pass for a success either: without the word of the master that takes ten seconds
		s.on(2, "printf 'listen x\\n  bind *:8090\\n' >/etc/haproxy/conf.d/x.cfg; if systemctl reload haproxy; then exit 1; fi; rm /etc/haproxy/conf.d/x.cfg")
	}
	s.on(2, "systemctl stop taken.socket")
	s.converges(2 * time.Minute)
	s.holds("the service", "ss -ltn | grep -q :8090")
	c.still(s, "through all of it")
	s.agrees()
}

// takesPort has somebody else listen at a port of a node.
func (s *story) takesPort(n, port int) {
	s.Helper()
	s.on(n, fmt.Sprintf("printf '[Socket]\\nListenStream=%d\\nAccept=yes\\n' >/run/systemd/system/taken.socket;", port)+
		"printf '[Service]\\nExecStart=cat\\n' >/run/systemd/system/taken@.service; systemctl start taken.socket")
}
