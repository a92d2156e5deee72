package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// driftView is what is printed of something that has drifted.
type driftView struct {
	ID     string    `json:"id"`
	Owner  string    `json:"owner"`
	Layer  string    `json:"layer"`
	Since  time.Time `json:"since"`
	Origin string    `json:"origin"`
	Fields []struct {
		Field  string `json:"field"`
		Found  string `json:"found"`
		Wanted string `json:"wanted"`
	} `json:"fields"`
	Clues []struct {
		When time.Time `json:"when"`
		Kind string    `json:"kind"`
		At   string    `json:"at"`
		Who  string    `json:"who"`
		What string    `json:"what"`
	} `json:"clues"`
}

func newDrift(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "tell what has moved away from a commit that had converged, since when, and who was there",
		Long: "Drift asks the daemon what differs from a commit that had converged: each field as it was found and as it\n" +
			"is wanted, the layer, since when, and what was found around that time on the node: who logged in, used\n" +
			"sudo or changed packages. Those are clues, no proof. Exit status 0: nothing has drifted; 2: something has.",
		Example: "  pigsync drift\n  pigsync drift --name prod -o json",
		Args:    none,
		RunE:    func(cmd *cobra.Command, _ []string) error { return drift(cmd.Context(), o) },
	}
	o.listenFlag(cmd)
	o.clientFlags(cmd)
	return cmd
}

// driftsOf is what has drifted of an inventory.
type driftsOf struct {
	Inventory string      `json:"inventory"`
	Drifts    []driftView `json:"drifts"`
}

func drift(ctx context.Context, o *options) error {
	all, err := o.statuses(ctx)
	if err != nil {
		return err
	}
	var out []driftsOf
	n := 0
	for _, s := range all {
		n += len(s.Drifts)
		out = append(out, driftsOf{s.Inventory, append([]driftView{}, s.Drifts...)})
	}
	if o.json() {
		err = printJSON(o.stdout, out)
	} else {
		for _, of := range out {
			of.write(o.stdout)
		}
	}
	if err == nil && n > 0 {
		return exit(exitDiffers)
	}
	return err
}

// statuses are what the daemon says of the inventories that are meant.
func (o *options) statuses(ctx context.Context) (all statusViews, err error) {
	if o.client.server != "" {
		c, err := o.daemon()
		if err != nil {
			return nil, err
		}
		if err := c.ask(ctx, http.MethodGet, "/api/v1/status", "", nil, &all); err != nil {
			return nil, err
		}
		if o.name != "" {
			all = all.of([]inventoryConfig{{Name: o.name}})
		}
		return all, nil
	}
	c, err := o.settings()
	if err != nil {
		return nil, err
	}
	invs, err := o.selected(c)
	if err != nil {
		return nil, err
	}
	if all, err = askDaemon(ctx, c.Listen); err != nil {
		return nil, hinted{err, "what has drifted is known by the daemon: pigsync serve"}
	}
	return all.of(invs), nil
}

func (of driftsOf) write(w io.Writer) {
	if len(of.Drifts) == 0 {
		fmt.Fprintf(w, "%s: nothing has drifted\n", of.Inventory)
	}
	for _, d := range of.Drifts {
		fmt.Fprintf(w, "%s: %s (%s, %s) since %s  %s\n", of.Inventory, d.ID, d.Owner, d.Layer, d.Since.Local().Format(time.DateTime), d.Origin)
		for _, f := range d.Fields {
			fmt.Fprintf(w, "    %s: found %q, wanted %q\n", f.Field, f.Found, f.Wanted)
		}
		for _, c := range d.Clues {
			fmt.Fprintf(w, "    %s %s on %s: %s %s\n", c.When.Local().Format(time.DateTime), c.Kind, c.At, c.Who, c.What)
		}
	}
}
