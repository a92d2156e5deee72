package inventory

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden resolves every inventory of testdata and compares all that can be seen of it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no inventories in testdata", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			inv, problems, err := Load(os.DirFS("testdata"), filepath.Base(file))
			if err != nil {
				t.Fatal(err)
			}
			got := dump(t, inv, append(problems, Check(inv)...))
			golden := strings.TrimSuffix(file, ".yml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs; run with -update and read the diff\n%s", golden, got)
			}
		})
	}
}

func dump(t *testing.T, inv *Inventory, problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s %s [%s]\n", p.Code, p, p.Group)
	}
	for _, g := range inv.Groups() {
		fmt.Fprintf(&b, "\ngroup %s %s\n", g.Name, g.Pos)
		for _, p := range g.Parents() {
			fmt.Fprintf(&b, "  in %s\n", p.Name)
		}
		for _, h := range g.Hosts() {
			fmt.Fprintf(&b, "  %s %s\n", h.Addr, h.PosIn(g.Name))
		}
	}
	for _, h := range inv.Hosts() {
		fmt.Fprintf(&b, "\nhost %s %s\n", h.Addr, h.Pos)
		dumpVars(t, &b, h)
	}
	return b.String()
}

func dumpVars(t *testing.T, b *strings.Builder, h *Host) {
	names := h.Names()
	slices.Sort(names)
	for _, name := range names {
		for i, c := range Explain(h, name) {
			text, err := json.Marshal(c.Value.Any())
			if err != nil {
				t.Fatal(err)
			}
			sign, from := " ", "host"
			if i > 0 {
				sign = "-"
			}
			if !c.Own {
				from = c.Group
			}
			fmt.Fprintf(b, "%s %s = %s  %s:%d:%d %s\n", sign, name, text, c.Value.Kind(),
				c.Value.Pos.Line, c.Value.Pos.Column, from)
		}
	}
}
