package stories

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/monitoring"
)

const prometheusAt, alertmanagerAt = "127.0.0.1:19090", "127.0.0.1:19093"

// watchers are a real Prometheus with our rules, which scrapes the daemon every two seconds, and a real Alertmanager.
func (s *story) watchers() {
	s.Helper()
	rules, err := filepath.Abs("../../monitoring/pigsync.rules.yml")
	s.must(err)
	s.must(os.WriteFile(s.path("prometheus.yml"), fmt.Appendf(nil, "global: { scrape_interval: 2s, evaluation_interval: 2s }\nrule_files: [ %s ]\n"+
		"alerting: { alertmanagers: [ { static_configs: [ { targets: [ %q ] } ] } ] }\n"+
		"scrape_configs: [ { job_name: pigsync, static_configs: [ { targets: [ %q ] } ] } ]\n", rules, alertmanagerAt, listen), 0o600))
	s.must(os.WriteFile(s.path("alertmanager.yml"), []byte("route: { receiver: nobody, group_wait: 0s }\nreceivers: [ { name: nobody } ]\n"), 0o600))
	s.beside("prometheus", "--config.file="+s.path("prometheus.yml"), "--storage.tsdb.path="+s.path("tsdb"), "--web.listen-address="+prometheusAt)
	s.beside("prometheus-alertmanager", "--config.file="+s.path("alertmanager.yml"), "--storage.path="+s.path("am"),
		"--web.listen-address="+alertmanagerAt, "--cluster.listen-address=")
	for _, at := range []string{prometheusAt, alertmanagerAt} {
		s.eventually(time.Minute, at+" is ready", func() bool { return s.fetches("http://"+at+"/-/ready", nil) == nil })
	}
}

// beside runs a server of this machine in the lab's network, as long as the story lasts.
func (s *story) beside(name string, args ...string) {
	s.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		s.Skip(name + " is not installed")
	}
	log, err := os.Create(s.path(name + ".log"))
	s.must(err)
	defer log.Close()
	cmd := s.lab.Command(context.WithoutCancel(s.Context()), path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	s.must(cmd.Start())
	s.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

// fetches reads what an address in the lab's network answers into v, nil for nothing.
func (s *story) fetches(at string, v any) error {
	web := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: s.lab.Dial, DisableKeepAlives: true}}
	resp, err := web.Get(at)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %w", resp.Status, body, err)
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal(body, v)
}

// fires tells whether Alertmanager has an alert of this name now.
func (s *story) fires(name string) bool {
	s.Helper()
	var alerts []struct{ Labels map[string]string }
	s.must(s.fetches("http://"+alertmanagerAt+"/api/v2/alerts?active=true&filter=alertname="+name, &alerts))
	return len(alerts) > 0
}

// What somebody changes by hand fires an alert within fifteen seconds, through a real Prometheus and a real
// Alertmanager; once it is healed the alert resolves. Every query of the dashboards is understood meanwhile.
func TestDriftByHandFiresAnAlertAndResolves(t *testing.T) {
	long(t)
	s := onThree(t)
	s.configure("heal: false")
	s.serve()
	s.converges(2 * time.Minute)
	s.watchers()
	s.eventually(time.Minute, "scraped", func() bool { return s.results("pigsync_converged == 1") == 1 })
	if s.fires("PigsyncDrift") {
		t.Fatal("there is drift before anybody made any")
	}
	began := time.Now()
	s.on(2, "chmod 666 /etc/etcd/etcd.pass")
	s.eventually(time.Minute, "firing", func() bool { return s.fires("PigsyncDrift") })
	took := time.Since(began)
	t.Logf("firing %s after it was done by hand", round(took))
	if took > 15*time.Second {
		t.Errorf("it took %s, want 15 s at the most", round(took))
	}
	s.asksDashboards()
	s.stop()
	s.configure()
	began = time.Now()
	s.serve()
	s.converges(2 * time.Minute)
	s.eventually(time.Minute, "resolved", func() bool { return !s.fires("PigsyncDrift") })
	t.Logf("healed by another daemon, and resolved, after %s", round(time.Since(began)))
	s.on(2, `test "$(stat -c %a /etc/etcd/etcd.pass)" = 640`)
}

// results are how many series a query has now.
func (s *story) results(query string) int {
	s.Helper()
	var a struct{ Data struct{ Result []any } }
	s.must(s.fetches("http://"+prometheusAt+"/api/v1/query?query="+url.QueryEscape(query), &a))
	return len(a.Data.Result)
}

// asksDashboards runs every query of every dashboard, and tells which have nothing to show.
func (s *story) asksDashboards() {
	s.Helper()
	chosen := strings.NewReplacer("$inventory", ".*", "$module", ".*", "$cluster", ".*", "$__rate_interval", "30s")
	asked, silent := 0, []string{}
	for name, d := range monitoring.Dashboards() {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				asked++
				if s.results(chosen.Replace(target.Expr)) == 0 {
					silent = append(silent, name+": "+p.Title)
				}
			}
		}
	}
	s.Logf("%d queries of dashboards, nothing to show for %d: %s", asked, len(silent), strings.Join(silent, ", "))
}
