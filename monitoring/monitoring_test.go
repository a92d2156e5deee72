package monitoring

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pigsync/pigsync/reconcile/prometheus/promtest"
)

var update = flag.Bool("update", false, "write the dashboards")

const rulesFile = "pigsync.rules.yml"

var testFiles = []string{"pigsync.rules.test.yml", "pigsync.days.test.yml"}

// The files of the dashboards are what the program makes of them.
func TestDashboardsAreWritten(t *testing.T) {
	for name, d := range Dashboards() {
		text, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("dashboards", name+".json")
		if *update {
			if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // it is for everybody
				t.Fatal(err)
			}
		}
		if had, err := os.ReadFile(path); err != nil || !bytes.Equal(had, text) {
			t.Errorf("%s is not what the program makes (%v): go test ./monitoring -update", path, err)
		}
	}
}

// Panels stand side by side, are numbered, say what they show and ask something.
func TestDashboardsAreWhole(t *testing.T) {
	for name, d := range Dashboards() {
		taken := map[[2]int]string{}
		for i, p := range d.Panels {
			if p.ID != i+1 || p.Title == "" || p.Description == "" || len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > width {
				t.Errorf("%s: panel %d %q is not whole", name, p.ID, p.Title)
			}
			for x := range p.GridPos.W {
				for y := range p.GridPos.H {
					at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
					if other := taken[at]; other != "" {
						t.Fatalf("%s: %q stands on %q", name, p.Title, other)
					}
					taken[at] = p.Title
				}
			}
		}
		if d.UID != "pigsync-"+name || len(d.UID) > 40 {
			t.Errorf("%s has the uid %q", name, d.UID)
		}
	}
}

// file is a file of rules, as far as it is looked at here.
type file struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Record, Expr string
			Labels, Annotations map[string]string
		}
	}
}

func rules(t *testing.T) (f file) {
	t.Helper()
	text, err := os.ReadFile(rulesFile)
	if err == nil {
		err = yaml.Unmarshal(text, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Every alert is graver than nothing, is explained where it points to, and is told of in a test.
func TestAlertsAreExplainedAndTested(t *testing.T) {
	page, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	var tested []byte
	for _, name := range testFiles {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tested = append(tested, text...)
	}
	told := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## (Pigsync[A-Za-z]+)$`).FindAllStringSubmatch(string(page), -1) {
		told[m[1]] = true
	}
	for _, g := range rules(t).Groups {
		for _, r := range g.Rules {
			if r.Alert == "" {
				continue
			}
			link := "https://github.com/pigsync/pigsync/blob/main/docs/alerts.md#" + strings.ToLower(r.Alert)
			if r.Annotations["runbook_url"] != link || r.Annotations["summary"] == "" || r.Annotations["description"] == "" || !told[r.Alert] {
				t.Errorf("%s: docs/alerts.md has no section of it, or it has no summary, description or runbook_url", r.Alert)
			}
			if !slices.Contains([]string{"info", "warning", "critical"}, r.Labels["severity"]) {
				t.Errorf("%s: severity %q", r.Alert, r.Labels["severity"])
			}
			if !regexp.MustCompile(`alertname: ` + r.Alert + `\n *exp_alerts:`).Match(tested) {
				t.Errorf("%s: no test sees it firing", r.Alert)
			}
			delete(told, r.Alert)
		}
	}
	for name := range told {
		t.Errorf("docs/alerts.md: there is no alert %s", name)
	}
}

// Whatever rules and dashboards ask for is a metric that docs/metrics.md lists, or a rule records.
func TestNothingElseIsAskedFor(t *testing.T) {
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(pigsync_[a-z_]+)` \\| ([a-z]+) \\|").FindAllStringSubmatch(string(page), -1) {
		known[m[1]] = true
		if m[2] == "histogram" {
			known[m[1]+"_bucket"] = true
		}
	}
	asked := queries()
	for _, g := range rules(t).Groups {
		for _, r := range g.Rules {
			known[r.Record] = true
			asked = append(asked, r.Expr)
		}
	}
	for _, expr := range asked {
		for _, name := range regexp.MustCompile(`[a-z0-9_:]*pigsync_[a-z0-9_:]*`).FindAllString(expr, -1) {
			if !known[name] {
				t.Errorf("%s is no metric and no record: %s", name, expr)
			}
		}
	}
}

// queries are those of all dashboards, with something chosen for each variable.
func queries() (all []string) {
	chosen := strings.NewReplacer("$inventory", ".*", "$module", ".*", "$cluster", ".*", "$__rate_interval", "1m")
	for _, d := range Dashboards() {
		for _, a := range d.Annotations.List {
			if a.Expr != "" {
				all = append(all, chosen.Replace(a.Expr))
			}
		}
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				all = append(all, chosen.Replace(target.Expr))
			}
		}
	}
	return all
}

func TestPromtoolAcceptsTheRules(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	for _, argv := range [][]string{{"check", "rules", rulesFile}, append([]string{"test", "rules"}, testFiles...)} {
		if out, err := exec.CommandContext(t.Context(), promtool, argv...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(argv, " "), err, out)
		}
	}
}

// A real Prometheus loads the rules and understands every query of every dashboard.
func TestARealPrometheusUnderstandsEveryQuery(t *testing.T) {
	here, err := filepath.Abs(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	url := promtest.Start(t, "rule_files: [ "+here+" ]\n").URL
	for _, q := range queries() {
		if err := ask(url, q); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
	if err := ask(url, "sum by ("); err == nil {
		t.Error("what is no query is understood, too")
	}
}

func ask(base, query string) error {
	resp, err := http.Get(base + "/api/v1/query?query=" + url.QueryEscape(query)) //nolint:gosec // it is ours
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct{ Status, Error string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s", answer.Error)
	}
	return nil
}
