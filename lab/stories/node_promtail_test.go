package stories

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tool is a program that neither Debian nor the project has, from the directory PIGSYNC_TOOLS.
func tool(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(os.Getenv("PIGSYNC_TOOLS"), name))
	if err != nil {
		t.Skipf("%v: PIGSYNC_TOOLS names a directory with %s, see docs/testing.md", err, name)
	}
	return b
}

// asPackage makes a package of a program on the second node, and installs it.
const asPackage = `d=/tmp/p; mkdir -p $d/DEBIAN $d/usr/bin; mv /tmp/promtail $d/usr/bin/
printf 'Package: promtail\nVersion: 3.5.0\nArchitecture: amd64\nMaintainer: story <story@localhost>\nDescription: story\n' >$d/DEBIAN/control
dpkg-deb -Znone -b $d /tmp/p.deb >/dev/null; rm -r $d; dpkg -i /tmp/p.deb >/dev/null`

// TestNodePromtail: the agent of inventories before v4, the real one, sends what is written to logs, those of
// files beside its own included, and goes on where it was after a restart.
func TestNodePromtail(t *testing.T) {
	long(t)
	agent, store := tool(t, "promtail"), tool(t, "victoria-logs")
	s := onBareNodes(t)
	s.must(s.node(2).WriteFile(s.Context(), "/tmp/promtail", agent, 0o755))
	s.on(2, asPackage)
	s.must(s.node(1).WriteFile(s.Context(), "/usr/local/bin/victoria-logs", store, 0o755))
	s.on(1, "systemd-run -q --unit=store victoria-logs -storageDataPath=/var/lib/store -httpListenAddr=:9428")
	s.serve()
	sends := func(more ...string) string {
		lines := append([]string{"promtail_enabled: true", "vector_log_endpoint: [ 'http://10.10.10.10:9428/insert/loki/api/v1/push' ]"}, more...)
		return strings.Replace(machine{lines}.String(), "version: v4.5.0", "version: v3.4.0", 1)
	}
	s.commitText("logs", sends())
	s.converges(4 * time.Minute)
	s.agrees()
	s.quietLooks(2, "converged")
	life := s.life(2, "promtail")
	s.on(2, "echo 'Nov 21 12:00:00 node-2 story: first word' >>/var/log/syslog")
	s.arrives("first word", `"ins":"node-2"`, `"job":"syslog"`)

	s.on(2, "printf -- '- targets: [ localhost ]\\n  labels: { job: app, ip: 10.10.10.11, __path__: /var/log/app.log }\\n' >/etc/promtail/targets/app.yml; echo 'second word' >/var/log/app.log")
	s.arrives("second word", `"job":"app"`)
	if s.life(2, "promtail") != life {
		t.Error("the agent was started anew for a file beside its own, which it finds by itself")
	}

	s.heals("an edited file", "sed -i 's/syslog, src/elsewhere, src/' /etc/promtail/config.yml", "grep -q 'syslog, src' /etc/promtail/config.yml")
	s.heals("a stopped agent", "systemctl disable --now promtail", "systemctl is-active promtail && systemctl is-enabled promtail")
	s.on(2, "echo 'third word' >>/var/log/app.log")
	s.arrives("third word", `"job":"app"`)
	if n := strings.Count(s.asked("second word"), "second word"); n != 1 {
		t.Errorf("what was sent before is there %d times", n)
	}
	s.commit("no logs", machine{})
	s.converges(time.Minute)
	s.holds("what is left", "! systemctl is-active promtail && ! systemctl is-enabled promtail && ! test -e /etc/promtail/config.yml && test -e /etc/promtail/targets/app.yml")
	s.agrees()
}

// asked is what the store on the first node has of some words.
func (s *story) asked(words string) string {
	body, _ := s.page(1, 9428, "/select/logsql/query?query="+strings.ReplaceAll(`"`+words+`"`, " ", "%20")) // asked again until it answers
	return body
}

// arrives waits until the store has some words, with labels.
func (s *story) arrives(words string, labels ...string) {
	s.Helper()
	s.eventually(time.Minute, words+" has arrived", func() bool { return containsAll(s.asked(words), append(labels, words)) })
}
