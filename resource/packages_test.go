package resource_test

import (
	"strings"
	"testing"

	"github.com/pigsync/pigsync/resource"
)

func TestPackagesAndSources(t *testing.T) {
	stock := resource.Sources{Active: []string{"/etc/apt/sources.list", "/etc/apt/sources.list.d/local.list"}}
	aside := resource.Sources{Active: []string{"/etc/apt/sources.list.d/local.list"}, Aside: []string{"/etc/apt/sources.list"}}
	ours := []string{"/etc/apt/sources.list.d/local.list"}
	for _, tt := range []struct {
		name       string
		want, have resource.Spec
		paths      string
		hazard     resource.Hazard
	}{
		{"nothing is there", resource.Package{}, nil, "installed", 0},
		{"a version is wanted and nothing there", resource.Package{Version: "2"}, nil, "installed version", 0},
		{"another version", resource.Package{Version: "2"}, resource.Package{Version: "1"}, "version", resource.Restart},
		{"nobody offers it", resource.Package{}, resource.Package{Unoffered: true}, "installed", 0},
		{"nobody offers what can be done without", resource.Package{Optional: true}, resource.Package{Unoffered: true}, "", 0},
		{"it can be done without, but might be had", resource.Package{Optional: true}, nil, "installed", 0},
		{"held at the version wanted", resource.Package{Version: "2"}, resource.Package{Version: "2", Held: true}, "", 0},
		{"the sources of others are in the way", resource.Sources{Files: ours}, stock, "others", 0},
		{"they are aside", resource.Sources{Files: ours}, aside, "", 0},
	} {
		var paths []string
		var hazard resource.Hazard
		for _, f := range tt.want.Compare(tt.have) {
			paths, hazard = append(paths, f.Path), hazard|f.Hazard
		}
		if got := strings.Join(paths, " "); got != tt.paths || hazard != tt.hazard {
			t.Errorf("%s: got %q with %s", tt.name, got, hazard)
		}
	}
}

func TestSameVersion(t *testing.T) {
	for _, tt := range []struct {
		want, have string
		same       bool
	}{
		{"3.5.16-1", "3.5.16-1", true}, {"3.5*", "3.5.16-1", true}, {"3.5*", "1:3.5.16-1", true}, {"2:3.5*", "1:3.5.16-1", false},
		{"2.4.22", "2.4.22-3.el9_3", true}, {"2.4.22", "1:2.4.22-3.el9", true}, {"2.4.2", "2.4.22-3.el9", false},
		{"2.4.22-3.el9", "2.4.22-3.el9", true}, {"1:2", "1:2-3", true}, {"", "", true}, {"*", "", false}, {"2", "", false}, {"1:2", "2", false},
	} {
		if got := resource.SameVersion(tt.want, tt.have); got != tt.same {
			t.Errorf("%s wanted, %s there: %v", tt.want, tt.have, got)
		}
	}
}

func TestRunsVersion(t *testing.T) {
	for _, tt := range []struct {
		want, program string
		runs          bool
	}{
		{"1:4.0.6-1.pgdg13+1", "4.0.6", true}, {"4.0.6-1", "4.0.6", true}, {"4.0.6", "4.0.6", true}, {"4.0*", "4.0.6", true}, {"1:4.0*", "4.0.6", true},
		{"4.0.7-1", "4.0.6", false}, {"4.0.61-1", "4.0.6", false}, {"4.1*", "4.0.6", false}, {"4.0.6-1", "", false}, {"4.0*", "", false},
	} {
		if got := resource.RunsVersion(tt.want, tt.program); got != tt.runs {
			t.Errorf("%s wanted, %s runs: %v", tt.want, tt.program, got)
		}
	}
}

func TestRemains(t *testing.T) {
	for _, tt := range []struct {
		have resource.Spec
		want bool
	}{{nil, false}, {resource.Package{}, true}, {resource.Sources{Active: []string{"/a"}}, false}, {resource.Sources{Aside: []string{"/a"}}, true}} {
		if got := resource.Remains(tt.have); got != tt.want {
			t.Errorf("%+v: %v", tt.have, got)
		}
	}
}
