package register

import (
	"encoding/json"
	"fmt"
	"go/token"
	"maps"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// Group is addresses to fetch metrics from, and what is to stand beside each value.
type Group struct {
	Labels  map[string]string
	Targets []string // host:port, or an address alone where that is to be reached
}

// Target registers metrics: kind is the directory, which decides who fetches them how. after must hold
// before anybody asks for them, so that nobody is alarmed.
func Target(p *modules.Pass, pos token.Position, kind, name string, groups []Group, after ...resource.ID) {
	for _, k := range keepers(p.Inventory) {
		if k.Metrics {
			k.put(p, pos, k.targets(p)+"/"+kind+"/"+name+".yml", listOf(groups), after)
		}
	}
}

// listOf is the file as file_sd reads it: a list in YAML, of which JSON is a part.
func listOf(groups []Group) string {
	var b strings.Builder
	for _, g := range groups {
		var labels []string
		for _, name := range slices.Sorted(maps.Keys(g.Labels)) {
			labels = append(labels, name+": "+quote(g.Labels[name]))
		}
		fmt.Fprintf(&b, "- labels: { %s }\n  targets:\n", strings.Join(labels, ", "))
		for _, t := range g.Targets {
			fmt.Fprintf(&b, "    - %s\n", quote(t))
		}
	}
	return b.String()
}

func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // every text can be written so
	}
	return string(text)
}
