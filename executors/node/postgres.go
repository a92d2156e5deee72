package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/postgres"
	"github.com/pigsync/pigsync/resource"
)

func isPG(k resource.Kind) bool { return slices.Contains(resource.PGKinds, k) }

// wirePlace is a resource.PGPlace that shows its password: on the wire, and there alone.
type wirePlace struct {
	At       string
	Seats    []resource.PGSeat
	User     string `json:",omitempty"`
	Password string `json:",omitempty"`
}

func decodePlaces(list []wirePlace) (places []resource.PGPlace) {
	for _, p := range list {
		places = append(places, resource.PGPlace{At: p.At, Seats: p.Seats, User: p.User, Password: resource.NewSecret(p.Password)})
	}
	return places
}

// seats gives the look at an instance, the same one for all that is asked of it.
func (v *view) seats(ctx context.Context, ids []resource.ID) func(postgres.Seat) *postgres.Look {
	looks := v.looks
	var turn sync.Mutex // for the tree, as a look asks several things at once
	node := postgres.Node{
		Read: inTurn(&turn, v.small), UID: inTurn(&turn, v.uid), Names: inTurn(&turn, v.names), Noted: inTurn(&turn, v.noted), Note: v.note,
		Ask: func(argv ...string) (string, error) { return v.l.ask(ctx, argv) },
		Run: func(ctx context.Context, user string, whole bool, argv ...string) ([]byte, error) {
			as, err := inTurn(&turn, v.account)(user)
			if err != nil {
				return nil, err
			}
			return v.l.run(ctx, Command{Argv: argv, Whole: whole, As: &as})
		},
	}
	return func(s postgres.Seat) *postgres.Look {
		key := s.Cluster + "/" + s.Instance
		if looks[key] == nil {
			looks[key] = v.l.pg.Look(ctx, s, node, ids)
		}
		return looks[key]
	}
}

func inTurn[T any](turn *sync.Mutex, read func(string) (T, error)) func(string) (T, error) {
	return func(name string) (T, error) {
		turn.Lock()
		defer turn.Unlock()
		return read(name)
	}
}

// pgNote is the kind of the notes that a hand on PostgreSQL makes.
const pgNote = "postgres"

func (v *view) noted(name string) (bool, error) {
	var on bool
	err := v.stamp(pgNote, name, &on)
	return on, err
}

func (v *view) note(name string, on bool) error {
	w := &work{view: v}
	if on {
		return w.putStamp(pgNote, name, on)
	}
	return w.dropStamp(pgNote, name)
}

func (v *view) uid(name string) (int, error) {
	a, err := v.account(name)
	return a.UID, err
}

func (v *view) account(name string) (Account, error) {
	a, err := v.accounts()
	if err != nil {
		return Account{}, err
	}
	u, ok := a.users[name]
	if !ok {
		return Account{}, fmt.Errorf("there is no user %q", name)
	}
	return Account{UID: u.uid, GID: u.gid}, nil
}

// seat finds the instance that an id is of: by its name, or by its cluster.
func (v *view) seat(id resource.ID) (postgres.Seat, error) {
	for _, p := range v.places {
		for _, s := range p.Seats {
			if p.At == id.At || s.Instance == id.Name && s.Node == id.At {
				return postgres.Seat{PGSeat: s, Cluster: p.At, User: p.User, Password: p.Password}, nil
			}
		}
	}
	return postgres.Seat{}, errNoSeat
}

var errNoSeat = errors.New("nobody said where such an instance runs")

func (v *view) seePG(id resource.ID) (resource.Spec, error) {
	s, err := v.seat(id)
	if err != nil {
		return nil, err
	}
	return v.postgres(s).See(id)
}

func (w *work) applyPG(ctx context.Context, c diff.Change, have resource.Spec) error {
	s, err := w.seat(c.ID)
	if err != nil {
		return err
	}
	if c.ID.Kind == resource.KindPGSite {
		return w.clear(s.Data)
	}
	look := w.postgres(s)
	look.Put, look.Tell = w.put, w.log.Info
	look.Restart = func(unit string) error { return w.restartNoted(ctx, unit) }
	if c.ID.Kind == resource.KindPGSeated && c.Action == diff.Delete {
		wish, _ := c.Spec.(resource.PGSeated)
		return w.leaves(ctx, look, wish.Saved)
	}
	return look.Apply(c, have)
}

// leaves takes an instance out of its cluster, unless the others need it: Patroni, which stops the server and gives its
// place up, and the pooler after it. Its data stay, so that it comes back with its line; the last one is saved before.
func (w *work) leaves(ctx context.Context, look *postgres.Look, saved bool) error {
	last, err := look.MayLeave()
	if err == nil && last && saved {
		err = look.LastBackup()
	}
	if err != nil {
		return err
	}
	for _, name := range []string{"patroni", "pgbouncer"} {
		unit := w.onUnit(name)
		s, err := unit.unit(ctx)
		if err == nil && s.there() {
			err = unit.removeUnit(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// unserved refuses a directory upon which a server of PostgreSQL runs, whoever started it.
func (w *work) unserved() error {
	lock, err := w.small(w.id.Name + "/postmaster.pid")
	pid, _, _ := strings.Cut(string(lock), "\n")
	if err != nil || pid == "" {
		return err
	}
	if _, err := w.root.Lstat("proc/" + pid); err == nil {
		return fmt.Errorf("a server runs upon it: process %s", pid)
	}
	return nil
}

// put writes a file that nobody but its owner reads.
func (w *work) put(path, owner string, content []byte) error {
	s, err := w.place(path)
	if err != nil {
		return err
	}
	d, err := w.draft(s, content, 0o600, owner, "")
	if err != nil {
		return err
	}
	return w.write(s, d)
}

// names lists a directory; none when it is not there.
func (v *view) names(dir string) ([]string, error) {
	d, err := v.open(dir)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(d.FS(), ".")
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// asides bounds how often a data directory is moved aside: who has so many has another trouble.
const asides = 9

// clear moves a data directory aside, beside itself, under a name that tells what it is.
func (w *work) clear(dir string) error {
	s, err := w.at(dir)
	if err != nil {
		return err
	}
	for n := 1; n <= asides; n++ {
		name := s.name + ".torn-" + strconv.Itoa(n)
		if _, err := s.dir.Lstat(name); absent(err) {
			return errors.Join(s.dir.Rename(s.name, name), syncDir(s.dir))
		}
	}
	return fmt.Errorf("%s was moved aside %d times, as %s.torn-*: want those looked at and removed", dir, asides, dir)
}

// judgePG lets a change be made when it is the one that was shown: the differences are those of the plan.
// Whatever else has changed of a server is no concern of this change.
func judgePG(c diff.Change, now resource.Spec) (done bool, err error) {
	switch {
	case c.Action == diff.Delete && now == nil:
		return c.Have == nil, movedIf(c.Have != nil)
	case c.Action == diff.Delete:
		return false, movedIf(!reflect.DeepEqual(c.Have, now))
	case now != nil && len(c.Spec.Compare(now)) == 0:
		return true, nil
	}
	left, shown := c.Spec.Compare(now), c.Spec.Compare(c.Have)
	if c.Have == nil { // a new cluster comes with some of what is wanted of it
		return false, movedIf(!among(left, shown))
	}
	return false, movedIf(now == nil || !slices.Equal(left, shown))
}

// among tells whether all that is left to do was shown.
func among(left, shown []resource.Field) bool {
	return !slices.ContainsFunc(left, func(f resource.Field) bool { return !slices.Contains(shown, f) })
}

func movedIf(moved bool) error {
	if moved {
		return executors.ErrMoved
	}
	return nil
}

// close ends what a look has open.
func (v *view) close() {
	for _, l := range v.looks {
		l.Close()
	}
	v.tree.close()
}
