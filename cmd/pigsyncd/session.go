package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/modules/all"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/reconcile/prometheus"
	"github.com/pigsync/pigsync/sources"
)

// session is one inventory with everything that serves it.
type session struct {
	*reconcile.Reconciler
	source *source
	hands  *hands
}

func (s *session) Close() error {
	return errors.Join(s.hands.Close(), s.source.Close(), closeJournal(s.Journal))
}

// at finds an earlier revision.
func (s *session) at(ctx context.Context) func(string) (sources.Revision, error) {
	return func(id string) (sources.Revision, error) { return s.source.At(ctx, id) }
}

// journalMode is what a command does with the journal.
type journalMode uint8

const (
	readJournal  journalMode = iota // beside a daemon, if there is one
	writeJournal                    // it is ours alone
)

// settings finds the configuration: of --config, of --inventory, or the system's.
func (o *options) settings() (*config, error) {
	c, err := o.configured()
	if err != nil {
		return nil, err
	}
	if o.listen != "" {
		c.Listen = o.listen
	}
	return c, nil
}

func (o *options) configured() (*config, error) {
	if o.inventory == "" {
		path := o.config
		if path == "" {
			path = defaultConfig
		}
		if _, err := os.Stat(path); o.config == "" && errors.Is(err, fs.ErrNotExist) {
			return nil, hinted{fmt.Errorf("no %s", path), "name an inventory with --inventory PATH, or a configuration with --config FILE"}
		}
		c, err := readConfig(path)
		return c, readable(err)
	}
	state, err := o.stateDir()
	if err != nil {
		return nil, err
	}
	c := &config{State: state, Listen: defaultListen, SSH: sshConfig{Keys: o.userKeys(), Agent: true}}
	c.SSH.KnownHosts = o.userKnownHosts(state)
	path, err := filepath.Abs(o.inventory)
	if err != nil {
		return nil, fmt.Errorf("--inventory: %w", err)
	}
	c.Inventories = []inventoryConfig{{Name: nameOf(path), Dir: path}}
	c.defaults()
	return c, nil
}

// nameOf names an inventory without a configuration after its path, so that no two ever share a
// journal: what one of them made would be removed for the other.
func nameOf(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	base = strings.Trim(notInName.ReplaceAllString(strings.ToLower(base), "-"), "-")
	sum := sha256.Sum256([]byte(path))
	return strings.TrimLeft(fmt.Sprintf("%.40s-%x", base, sum[:4]), "-")
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

func (o *options) userKeys() (keys []string) {
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		keys = append(keys, filepath.Join(o.getenv("HOME"), ".ssh", name))
	}
	return keys
}

func (o *options) userKnownHosts(state string) []string {
	return []string{filepath.Join(state, "known_hosts"), filepath.Join(o.getenv("HOME"), ".ssh", "known_hosts"), "/etc/ssh/ssh_known_hosts"}
}

// chosen is the inventory a command is about.
func (o *options) chosen(c *config) (inventoryConfig, error) {
	if o.name == "" && len(c.Inventories) == 1 {
		return c.Inventories[0], nil
	}
	var names []string
	for _, inv := range c.Inventories {
		if inv.Name == o.name {
			return inv, nil
		}
		names = append(names, inv.Name)
	}
	if o.name == "" {
		return inventoryConfig{}, hinted{errors.New("there are several inventories"), "name one with --name: " + strings.Join(names, ", ")}
	}
	return inventoryConfig{}, fmt.Errorf("--name: want one of %s, got %q", strings.Join(names, ", "), o.name)
}

// choice is the configuration, and the inventory of it that a command is about.
func (o *options) choice() (c *config, inv inventoryConfig, err error) {
	if c, err = o.settings(); err != nil {
		return nil, inv, err
	}
	inv, err = o.chosen(c)
	return c, inv, err
}

// selected are the inventories a command is about: all of them, or the one of --name.
func (o *options) selected(c *config) ([]inventoryConfig, error) {
	if o.name == "" {
		return c.Inventories, nil
	}
	inv, err := o.chosen(c)
	return []inventoryConfig{inv}, err
}

// open makes a session of the inventory a command is about.
func (o *options) open(mode journalMode) (*session, error) {
	c, inv, err := o.choice()
	if err != nil {
		return nil, err
	}
	return o.session(c, inv, mode)
}

func (o *options) session(c *config, inv inventoryConfig, mode journalMode) (*session, error) {
	log := o.logger().With("inventory", inv.Name)
	secrets, err := inv.Secrets.with(o.secrets)
	if err != nil {
		return nil, err
	}
	access, err := secrets.open(o.getenv)
	if err != nil {
		return nil, readable(err)
	}
	journal, err := openJournal(journalOf(c, inv), mode)
	if err != nil {
		return nil, readable(err)
	}
	src, err := c.source(inv, mode)
	if err != nil {
		return nil, errors.Join(err, closeJournal(journal))
	}
	clients, err := c.forges(inv)
	if err != nil {
		return nil, errors.Join(err, src.Close(), closeJournal(journal))
	}
	h := newHands(c, c.place(inv), o.getenv, log)
	return &session{
		Reconciler: &reconcile.Reconciler{
			Name: inv.Name, File: src.file, Access: access, Modules: all.Modules(), Policies: judges(c, inv), Reach: h.reach,
			Journal: journal, Now: time.Now, Log: log, Adopts: len(c.Policies.Adoption) > 0, WordLife: c.Policies.approvalLasts(),
			Witnesses: c.witnesses(src, clients), Measure: c.measure(),
		},
		source: src, hands: h,
	}, nil
}

// measure asks Prometheus what the gates of rings want to know, nil where they want to know nothing.
func (c *config) measure() func(context.Context) map[string]policies.Sample {
	p, queries := c.Policies.Prometheus, c.judgement().queries
	if p == nil || len(queries) == 0 {
		return nil
	}
	asker := &prometheus.Asker{URL: p.URL, TokenFile: p.TokenFile, CAFile: p.CAFile, Queries: queries, Now: time.Now}
	return asker.Measure
}

// place is where an inventory's own things are kept.
func (c *config) place(inv inventoryConfig) string {
	return filepath.Join(c.State, "inventories", inv.Name)
}

// openJournal opens what was remembered; a command that only reads does without when there is none.
func openJournal(path string, mode journalMode) (*history.Journal, error) {
	if mode == writeJournal {
		return history.Open(path, history.Options{})
	}
	j, err := history.OpenReadOnly(path, history.Options{})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return j, err
}

// closeJournal closes a journal, if there is one.
func closeJournal(j *history.Journal) error {
	if j == nil {
		return nil
	}
	return j.Close()
}

// readable says who may read what cannot be read.
func readable(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return hinted{err, "run it as root, or as the user of the daemon: sudo -u pigsync pigsync …"}
	}
	return err
}

func judges(c *config, inv inventoryConfig) []*policies.Policy {
	mask, _ := hazards(inv.Approve) // checked when the file was read
	if inv.Approve == nil {
		mask = policies.Careful
	}
	ps := append(policies.Always(), policies.Hazards(mask))
	if len(inv.ReportOnly) > 0 {
		ps = append(ps, policies.ReportOnly(inv.ReportOnly))
	}
	ps = append(ps, policies.Modes(inv.modes()))
	return append(ps, c.judgement().judges...)
}

// hinted is an error with what to do about it.
type hinted struct {
	error
	hint string
}

// Hint says what to do.
func (h hinted) Hint() string { return h.hint }

// Unwrap is the error itself.
func (h hinted) Unwrap() error { return h.error }
