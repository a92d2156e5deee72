package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

func newExplain(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "explain ID|CODE",
		Short: "say why a resource is as it is, or what a problem means",
		Long: "Explain looks at the fleet and tells for one resource, named as in a plan (unit:etcd@10.10.10.11):\n" +
			"which line of the inventory asks for it, how it differs, what holds it, and what was last done to it.\n" +
			"For the code of a problem (INV040) it prints its page, without any network.",
		Example: "  pigsync explain unit:etcd@10.10.10.11 --name prod\n  pigsync explain INV040",
		Args:    one("ID or CODE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if isCode(args[0]) {
				return explainCode(o, args[0])
			}
			return explain(cmd, o, args[0])
		},
	}
}

// explanation is what explain tells.
type explanation struct {
	ID         resource.ID          `json:"id"`
	Owner      string               `json:"owner"`
	Origin     string               `json:"origin"`
	After      []resource.ID        `json:"after,omitempty"`
	State      string               `json:"state"` // as it should be, differs, absent, unknown
	Reason     string               `json:"reason,omitempty"`
	Action     string               `json:"action,omitempty"`
	Hazard     resource.Hazard      `json:"hazard,omitempty"`
	Fields     []resource.Field     `json:"fields,omitempty"`
	Verdict    string               `json:"verdict,omitempty"`
	Objections []policies.Objection `json:"objections,omitempty"`
	Past       []string             `json:"past,omitempty"`
}

func explain(cmd *cobra.Command, o *options, text string) error {
	id, err := parseID(text)
	if err != nil {
		return err
	}
	s, err := o.open(readJournal)
	if err != nil {
		return err
	}
	defer s.Close()
	rev, err := s.source.Next(cmd.Context(), "")
	if err != nil {
		return err
	}
	round, err := s.Plan(cmd.Context(), rev, s.Priors(rev, s.at(cmd.Context())))
	if err != nil {
		return refused(o, rev, s, err)
	}
	found, ok := round.Explain(id)
	if !ok {
		return hinted{fmt.Errorf("%s: nobody asks for it", id), similar(id, round.Want)}
	}
	e := newExplanation(id, found)
	if s.Journal != nil {
		for r, err := range s.Journal.Records(history.Query{ID: id, Kinds: []history.Kind{history.KindResult}, Limit: 5}) {
			if err == nil {
				e.Past = append(e.Past, r.Time.Format("2006-01-02T15:04:05Z07:00")+" "+tell(r.Entry))
			}
		}
	}
	if o.json() {
		return printJSON(o.stdout, e)
	}
	return e.write(o.stdout)
}

func parseID(text string) (resource.ID, error) {
	id, err := resource.ParseID(text)
	if err != nil {
		return id, hinted{err, "an id is kind:name@place as in a plan: unit:etcd@10.10.10.11"}
	}
	return id, nil
}

// similar proposes what was probably meant.
func similar(id resource.ID, want *resource.Set) string {
	var ids []string
	for r := range want.All() {
		ids = append(ids, r.ID.String())
	}
	if near := nearest(id.String(), ids); near != "" {
		return "did you mean " + near + "?"
	}
	return "pigsync plan shows what differs, by id"
}

func newExplanation(id resource.ID, x reconcile.Explanation) explanation {
	e := explanation{ID: id, Owner: x.Resource.Owner, Origin: x.Resource.Origin.String(), After: x.Resource.After, State: "as it should be"}
	switch {
	case x.Have.Err != nil:
		e.State, e.Reason = "unknown", x.Have.Err.Error()
	case x.Have.Spec == nil:
		e.State = "absent"
	case x.Step != nil:
		e.State = "differs"
	}
	if x.Step != nil {
		e.Action, e.Hazard, e.Fields = x.Step.Action.String(), x.Step.Hazard(), x.Step.Fields
		e.Verdict, e.Objections = x.Verdict.String(), x.Objection
		if x.Step.Err != nil && e.Reason == "" {
			e.Reason = x.Step.Err.Error()
		}
	}
	return e
}

func (e explanation) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  asked for by %s, for %s\n  is %s", e.ID, e.Origin, e.Owner, e.State)
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	}
	b.WriteString("\n")
	for _, a := range e.After {
		fmt.Fprintf(&b, "  comes after %s\n", a)
	}
	if e.Action != "" && e.Action != diff.Wait.String() { // what is unknown has no price yet
		fmt.Fprintf(&b, "  planned: %s, may cost: %s, verdict: %s\n", e.Action, e.Hazard, e.Verdict)
	}
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "    %s: %.60q -> %.60q\n", f.Path, f.Have, f.Want)
	}
	for _, ob := range e.Objections {
		fmt.Fprintf(&b, "  %s (%s): %s\n", ob.Code, ob.Policy, ob.Reason)
	}
	for _, p := range e.Past {
		fmt.Fprintf(&b, "  %s\n", p)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// journalOf is where an inventory's journal is.
func journalOf(c *config, inv inventoryConfig) string {
	return filepath.Join(c.place(inv), "journal")
}
