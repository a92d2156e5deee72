package catalog_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/modules/pgsql/catalog"
)

func TestTablesAreWellFormed(t *testing.T) {
	line := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*( 1[3-8] 1[3-8])?$`)
	for _, name := range []string{"settings.txt", "contrib.txt"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, l := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
			word, _, _ := strings.Cut(l, " ")
			if !line.MatchString(l) || seen[word] {
				t.Errorf("%s: %q", name, l)
			}
			seen[word] = true
		}
	}
}

func TestWhatReleasesHave(t *testing.T) {
	for _, c := range []struct {
		name  string
		major int
		want  bool
	}{
		{"adminpack", 16, true}, {"adminpack", 17, false}, {"pg_walinspect", 14, false}, {"pg_walinspect", 15, true},
		{"pg_logicalinspect", 17, false}, {"pg_logicalinspect", 18, true}, {"uuid-ossp", 13, true}, {"old_snapshot", 13, false},
	} {
		if e, ok := catalog.FindExtension(c.name); !ok || e.Span.Has(c.major) != c.want {
			t.Errorf("%s in %d: %+v", c.name, c.major, e)
		}
	}
	for name, major := range map[string]int{"io_method": 18, "transaction_timeout": 17, "timezone": 13, "force_parallel_mode": 15, "work_mem": 14} {
		if span, ok := catalog.Setting(name); !ok || !span.Has(major) {
			t.Errorf("%s in %d: %+v", name, major, span)
		}
	}
	if span, _ := catalog.Setting("io_method"); span.Has(17) {
		t.Error("io_method is of 18")
	}
	if _, ok := catalog.Setting("work_men"); ok {
		t.Error("there is no work_men")
	}
}

func TestPackages(t *testing.T) {
	if e, ok := catalog.FindExtension("vector"); !ok || e.Package != "pgvector" || e.Library != "" {
		t.Errorf("%+v", e)
	}
	if e, ok := catalog.FindExtension("citus_columnar"); !ok || e.Library != "citus" {
		t.Errorf("%+v", e)
	}
	if p, ok := catalog.PackageOf("passwordcheck_cracklib"); !ok || p != "passwordcheck_cracklib" {
		t.Error(p)
	}
	if _, ok := catalog.PackageOf("auto_explain"); ok {
		t.Error("auto_explain is PostgreSQL's own")
	}
	if len(catalog.Extensions()) < 300 || len(catalog.Settings()) < 380 {
		t.Error(len(catalog.Extensions()), len(catalog.Settings()))
	}
	if m, ok := catalog.Predefined("pg_maintain"); !ok || m != 17 {
		t.Error(m, ok)
	}
}
