package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

func newDoctor(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "try everything that the daemon needs, and say what is wrong",
		Long: "Doctor reads the configuration as the daemon does, then tries its keys and files, every repository, every\n" +
			"node and every sink, and says of each whether it is well and what to do if not. It changes nothing and tells\n" +
			"nobody anything. Run it as the daemon's user. Exit status 0: all is well; 1: something is not.",
		Example: "  sudo -u pigsync pigsync doctor",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := o.settings()
			if err != nil {
				return err
			}
			return o.examine(cmd.Context(), c)
		},
	}
}

// tryLimit is how long a repository or a fleet may take to answer.
const tryLimit = 2 * time.Minute

// visit is what a doctor has found so far.
type visit struct {
	o   *options
	bad int
}

// say tells of one thing; nil is well.
func (v *visit) say(what string, err error) {
	if err == nil {
		fmt.Fprintf(v.o.stdout, "ok   %s\n", what)
		return
	}
	v.bad++
	fmt.Fprintf(v.o.stdout, "BAD  %s: %v\n", what, err)
	var h interface{ Hint() string }
	if errors.As(err, &h) && h.Hint() != "" {
		fmt.Fprintf(v.o.stdout, "     %s\n", h.Hint())
	}
}

func (o *options) examine(ctx context.Context, c *config) error {
	v := &visit{o: o}
	v.say("configuration", nil)
	for _, key := range c.SSH.Keys {
		v.say("ssh key "+key, private(key))
	}
	for _, file := range c.SSH.KnownHosts {
		v.say("known hosts "+file, thereIs(file))
	}
	_, err := c.hooks()
	v.say("webhooks", err)
	_, err = c.API.TLS.secured()
	v.say("certificates of the API", err)
	_, err = c.sinks()
	v.say("sinks", err)
	for _, inv := range c.Inventories {
		v.inventory(ctx, c, inv)
	}
	if v.bad > 0 {
		return fmt.Errorf("%s wrong", count(v.bad, "thing"))
	}
	return nil
}

// private wants a file that is there, and is not for everybody.
func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return readable(err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return hinted{fmt.Errorf("others may read it (mode %04o)", info.Mode().Perm()), "chmod 600 " + path}
	}
	return nil
}

func thereIs(path string) error {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return hinted{err, "collect the keys over a way you trust: ssh-keyscan prints them"}
	}
	return readable(err)
}

// inventory tries the journal, the repository, what it says, and every node that it names.
func (v *visit) inventory(ctx context.Context, c *config, inv inventoryConfig) {
	name := "inventory " + inv.Name
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	s, err := v.o.session(c, inv, readJournal)
	if err != nil {
		v.say(name, err)
		return
	}
	defer s.Close()
	if s.Journal != nil {
		v.say(name+": journal", s.Journal.Tampered())
	}
	rev, err := s.source.Next(ctx, "")
	v.say(name+": repository", err)
	if err != nil {
		return
	}
	round, err := s.Plan(ctx, rev, nil)
	v.say(name+": what it says", everyProblem(err))
	if err == nil {
		v.nodes(name, round)
	}
}

// everyProblem is an error, with every problem of an inventory that is refused.
func everyProblem(err error) error {
	var bad *reconcile.Refused
	if !errors.As(err, &bad) {
		return err
	}
	var all []error
	for _, p := range bad.Problems {
		if p.Severity == inventory.Error {
			all = append(all, p)
		}
	}
	return errors.Join(all...)
}

// nodes says of every node whether it answers.
func (v *visit) nodes(name string, r *reconcile.Round) {
	var ids []resource.ID
	for id := range r.Have {
		if id.Kind == resource.KindFacts {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, resource.ID.Compare)
	for _, id := range ids {
		v.say(name+": node "+id.At, r.Have[id].Err)
	}
}
