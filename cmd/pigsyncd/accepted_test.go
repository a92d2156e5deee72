package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var codeAtEnd = regexp.MustCompile(`\[([A-Z]+[0-9]+)\]$`)

// TestWhatPigstyAcceptsIsAccepted checks inventories as people have them, of every generation: there
// may be warnings, which -v shows by their codes, and nothing else. PIGSYNC_INVENTORIES names a
// directory with more of them.
func TestWhatPigstyAcceptsIsAccepted(t *testing.T) {
	paths := []string{"testdata/inventories/old_v1.yml", "testdata/inventories/old_v3.yml"}
	for _, root := range []string{"../../examples/inventory", os.Getenv("PIGSYNC_INVENTORIES")} {
		if root != "" {
			paths = append(paths, inventoryFilesBelow(t, root)...)
		}
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			var out, errs bytes.Buffer
			nothing := func(string) string { return "" }
			status := run(t.Context(), env{args: []string{"check", path}, stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: nothing})
			codes := map[string]int{}
			for line := range strings.Lines(out.String()) {
				code := codeAtEnd.FindStringSubmatch(strings.TrimSpace(line))
				if code == nil || !strings.Contains(line, ": warning: ") {
					t.Error(line)
					continue
				}
				codes[code[1]]++
			}
			if status != exitOK || errs.Len() > 0 {
				t.Errorf("exit status %d: %s", status, errs.String())
			}
			t.Log(counted(codes))
		})
	}
}

// counted is "INV060, INV061 (3)"; nothing when there is no warning.
func counted(codes map[string]int) string {
	var all []string
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		if codes[code] > 1 {
			code = fmt.Sprintf("%s (%d)", code, codes[code])
		}
		all = append(all, code)
	}
	return strings.Join(all, ", ")
}
