package resource

import (
	"slices"
	"strings"
)

// PGRules are who may connect to an instance: the lines of its pg_hba.conf in order, as they stand without
// comments. They are changed while the server looks at them: what it would refuse is taken back before
// anybody reads it. The id is "pgrules:<instance>@<node>".
type PGRules struct {
	Lines   []string
	Cuts    []string   // who would be refused from now on; only wanted
	Clients []PGClient // who is connected, each kind of client once; only observed
}

// PGClient is somebody who is connected to an instance.
type PGClient struct {
	Database    string // "" is one that streams
	User        string
	Address     string `json:",omitempty"` // "" is the socket
	TLS         bool   `json:",omitempty"`
	Replication bool   `json:",omitempty"`
}

// Kind is KindPGRules.
func (PGRules) Kind() Kind { return KindPGRules }

// Compare shows each line that comes or goes, and whom that would lock out.
func (r PGRules) Compare(have Spec) []Field {
	h, there := have.(PGRules)
	var d fields
	if !there {
		d.text("state", "absent", "running", 0)
		return d
	}
	is, want := plainRules(h.Lines), plainRules(r.Lines)
	if slices.Equal(is, want) {
		return nil
	}
	for _, line := range is {
		if !slices.Contains(want, line) {
			d.text("rule", line, "", Reload)
		}
	}
	for _, line := range want {
		if !slices.Contains(is, line) {
			d.text("rule", "", line, Reload)
		}
	}
	if len(d) == 0 {
		d.text("rules", "in another order", "in order", Reload)
	}
	for _, who := range r.Cuts {
		d.text("access of "+who, "let in", "refused", Lockout)
	}
	return d
}

// plainRules leaves out what is no rule, and makes the spacing of the others the same.
func plainRules(lines []string) (out []string) {
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if !strings.ContainsAny(line, `"#`) {
			line = strings.Join(strings.Fields(line), " ")
		}
		out = append(out, line)
	}
	return out
}
