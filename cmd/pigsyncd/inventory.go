package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/inventory"
)

// look is what the inventory command is asked for.
type look struct {
	list, mask bool
	host       string
	explain    string
}

func newInventory(o *options) *cobra.Command {
	var l look
	cmd := &cobra.Command{
		Use:   "inventory PATH",
		Short: "print an inventory as Ansible resolves it, or where a value comes from",
		Long: "Inventory prints the groups and variables of an inventory, a file or a directory with a pigsty.yml,\n" +
			"in the JSON of ansible-inventory: what is written, expressions and encrypted values included, and so\n" +
			"also the passwords that stand in the file as plain text; --mask hides the values of parameters that\n" +
			"are known to be secret. What pigsync decrypted itself is never printed.\n" +
			"With --explain it tells which line sets a variable for a host and which lines that one beats; secrets\n" +
			"are always masked there.",
		Example: "  pigsync inventory pigsty.yml --list\n  pigsync inventory . --host 10.10.10.11 --mask\n" +
			"  pigsync inventory . --explain pg_version --host 10.10.10.11",
		Args: one("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error { return l.run(cmd, o, args[0]) },
	}
	f := cmd.Flags()
	f.BoolVar(&l.list, "list", false, "all groups, and the variables of all hosts")
	f.StringVar(&l.host, "host", "", "the variables of one `host`")
	f.StringVar(&l.explain, "explain", "", "where the `variable` of the host comes from")
	f.BoolVar(&l.mask, "mask", false, "hide the values of parameters that are known to be secret")
	return cmd
}

// check refuses what does not go together.
func (l look) check() error {
	switch {
	case l.list && (l.host != "" || l.explain != ""):
		return errors.New("--list: want it alone, or --host instead")
	case l.explain != "" && l.host == "":
		return hinted{errors.New("--explain: want a host"), "add --host ADDRESS"}
	case !l.list && l.host == "":
		return hinted{errors.New("nothing to print"), "add --list, --host ADDRESS or --explain VARIABLE --host ADDRESS"}
	}
	return nil
}

func (l look) run(cmd *cobra.Command, o *options, path string) error {
	if err := l.check(); err != nil {
		return err
	}
	rev, file, err := openDir(cmd.Context(), path)
	if err != nil {
		return err
	}
	inv, problems, err := inventory.Load(rev.Tree, file)
	if err != nil {
		return unreadable(err, path, file)
	}
	// Ansible, too, warns beside the listing, and the listing is whole where the language is.
	for _, p := range underPath(problems, path, file) {
		if p.Severity == inventory.Error {
			fmt.Fprintln(o.stderr, p.Error())
		}
	}
	return l.print(o, inv, func(name string) string { return under(path, file, name) })
}

// unreadable is why there is no inventory at the path.
func unreadable(err error, path, file string) error {
	var bad inventory.Problem
	switch {
	case errors.As(err, &bad):
		return underPath([]inventory.Problem{bad}, path, file)[0]
	case errors.Is(err, fs.ErrNotExist):
		return hinted{fmt.Errorf("%s: no %s in it", path, file), "name the file itself"}
	}
	return err
}

func (l look) print(o *options, inv *inventory.Inventory, shown func(string) string) error {
	listing := inventory.Listing{Mask: l.mask}
	if l.list {
		return listing.List(o.stdout, inv)
	}
	if l.explain == "" {
		return noHost(listing.Host(o.stdout, inv, l.host))
	}
	host := inv.Host(l.host)
	if host == nil {
		return noHost(fmt.Errorf("no host %s", l.host))
	}
	lines := explainedLines(inventory.Explain(host, l.explain), shown)
	if o.json() {
		return printJSON(o.stdout, lines)
	}
	if len(lines) == 0 {
		return hinted{fmt.Errorf("%s: no line sets it for %s", l.explain, l.host), hintFor(l.explain)}
	}
	return writeLines(o.stdout, l, lines)
}

// hintFor says where to look for a variable that no line sets: lines with an older name are known by the
// one it has now.
func hintFor(name string) string {
	p, _ := inventory.NewKnown().Lookup(name)
	if now, ok := strings.CutPrefix(p.Status, "legacy:"); ok && now != "" {
		return name + " is called " + now + " now: explain that"
	}
	return "pigsync params " + name + " tells its default"
}

func noHost(err error) error {
	if err == nil {
		return nil
	}
	return hinted{err, "--list shows every host"}
}

// explainedLine is one line that sets a variable.
type explainedLine struct {
	Place string `json:"place"`
	Group string `json:"group"`
	Own   bool   `json:"own"` // written at the host itself
	Wins  bool   `json:"wins"`
	Value string `json:"value"` // JSON on one line, secrets masked
	// Expression is what the value was made of; empty when it is written as it is, or secret.
	Expression string `json:"expression,omitempty"`
}

func explainedLines(found []inventory.Candidate, shown func(string) string) []explainedLine {
	lines := []explainedLine{}
	for i, c := range found {
		pos := c.Value.Pos
		pos.Filename = shown(pos.Filename)
		lines = append(lines, explainedLine{pos.String(), c.Group, c.Own, i == 0, c.Value.Shown(), c.Expression()})
	}
	return lines
}

func writeLines(w io.Writer, l look, lines []explainedLine) error {
	var b strings.Builder
	for _, line := range lines {
		verb, from := "beats", "in group "+line.Group
		if line.Wins {
			verb = fmt.Sprintf("%s of %s is", l.explain, l.host)
		}
		if line.Own {
			from = "at the host, " + from
		}
		if line.Expression != "" {
			from += fmt.Sprintf(", made of %.80q", line.Expression)
		}
		fmt.Fprintf(&b, "%s: %s %s (%s)\n", line.Place, verb, line.Value, from)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
