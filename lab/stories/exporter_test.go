package stories

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// page gets a page of a node, as a scraper does.
func (s *story) page(n, port int, path string) (string, error) { return s.pageAs("", n, port, path) }

// pageAs gets it as somebody with a name and a password.
func (s *story) pageAs(who string, n, port int, path string) (string, error) {
	c := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: s.lab.Dial, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, fmt.Sprintf("http://%s:%d%s", address(n), port, path), nil)
	if err != nil {
		return "", err
	}
	if name, pass, ok := strings.Cut(who, ":"); ok {
		req.SetBasicAuth(name, pass)
	}
	res, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, res.Status)
	}
	return string(body), err
}

// says wants a page of a node to hold a text.
func (s *story) says(n, port int, path, text string) {
	s.Helper()
	body, err := s.page(n, port, path)
	if err != nil || !containsAll(body, []string{text}) {
		s.Errorf("port %d of node-%d does not say %q: %v, %.300s", port, n, text, err, body)
	}
}

// silent wants nobody to listen at a port of a node.
func (s *story) silent(n, port int) {
	s.Helper()
	if _, err := s.page(n, port, "/"); err == nil {
		s.Errorf("somebody answers at port %d of node-%d", port, n)
	}
}

// life tells one run of a unit of a node from another.
func (s *story) life(n int, unit string) string {
	s.Helper()
	return s.on(n, "systemctl show -P InvocationID "+unit)
}

// heals does some harm to the second node and waits until it is undone.
func (s *story) heals(name, harm, healed string) {
	s.Helper()
	s.on(2, harm)
	s.eventually(time.Minute, name+" is healed", func() bool {
		_, err := s.node(2).Run(s.Context(), "sh", "-ec", healed)
		return err == nil
	})
	s.converges(time.Minute)
}

// TestNodeExporter: the metrics of a node answer at their port, survive what is done to them, and only a
// change of their options starts the exporter anew.
func TestNodeExporter(t *testing.T) {
	long(t)
	const unit, file = "prometheus-node-exporter", "/etc/default/prometheus-node-exporter"
	s := onBareNodes(t)
	s.serve()
	s.commit("metrics", machine{[]string{"node_exporter_enabled: true"}})
	s.converges(2 * time.Minute)
	s.says(2, 9100, "/metrics", "node_uname_info")
	s.agrees()
	s.quietLooks(2, "converged")

	first := s.life(2, unit)
	s.heals("an edited file", "sed -i s/9100/9300/ "+file, "grep -q :9100 "+file)
	s.commit("something else", machine{[]string{"node_exporter_enabled: true", "node_aliases: { a: b }"}})
	s.converges(time.Minute)
	if s.life(2, unit) != first {
		t.Error("the exporter was started anew, and its options have not changed")
	}
	s.heals("a stopped exporter", "systemctl disable --now "+unit, "systemctl is-enabled "+unit+" && systemctl is-active "+unit)
	if !testing.Short() {
		s.heals("an exporter with other options", "sed -i s/9100/9300/ "+file+"; systemctl restart "+unit, "ss -ltn | grep -q :9100")
		s.heals("a package that was removed", "apt-get -qq purge -y "+unit, "ss -ltn | grep -q :9100")
	}
	s.says(2, 9100, "/metrics", "node_uname_info")

	s.commit("another port", machine{[]string{"node_exporter_enabled: true", "node_exporter_port: 9200", "node_exporter_options: --collector.disable-defaults --collector.uname"}})
	s.converges(time.Minute)
	s.says(2, 9200, "/metrics", "node_uname_info")
	s.silent(2, 9100)

	s.commit("no metrics", machine{})
	s.converges(time.Minute)
	s.silent(2, 9200)
	s.holds("what is left", "! systemctl is-enabled "+unit+" && ! test -e "+file+" && dpkg -s "+unit+" >/dev/null")
	s.agrees()
}
