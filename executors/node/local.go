package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/postgres"
	"github.com/pigsync/pigsync/resource"
)

// Local is the hand on this machine, for resource.NodeKinds, whatever place their ids name. Root is
// required. Its fields must not be changed once it is used.
type Local struct {
	Root     *os.Root                       // "/" of the machine; a directory in tests
	Run      Runner                         // runs commands; nil means Exec
	Systemd  Systemd                        // nil: units are errors
	Signer   Signer                         // nil: no certificate can be made
	Log      *slog.Logger                   // nil discards
	Now      func() time.Time               // nil means time.Now
	Self     string                         // path of this program, which a timer calls to undo; "": nothing guarded can be changed
	SetName  func(string) error             // sets the kernel's host name; nil means sethostname(2)
	Postgres []resource.PGPlace             // the clusters with an instance here, unless a controller says which
	NICs     func() ([]resource.NIC, error) // the network interfaces; nil asks the kernel
	// Balancer asks HAProxy something over its socket; nil asks the one of this machine.
	Balancer func(ctx context.Context, command string) (string, error)
	held     locks
	wishes   wishes
	offer    offer
	pg       postgres.Hand
	tasked   atomic.Int64 // when a task of Ansible was seen last, in nanoseconds of Unix time
}

var _ executors.Executor = (*Local)(nil)

// Signer signs the request of a node for a certificate.
type Signer interface {
	// Sign returns the certificate for the key in csr (DER), signed by the authority whose
	// resource.CA.Sum is issuer, with the names, common name and days of want; what the request says
	// beside its key is ignored. The first certificate of the PEM is the leaf.
	Sign(ctx context.Context, issuer string, csr []byte, want resource.Cert) ([]byte, error)
}

// Observe looks at every id. One call reads the accounts, the package database and the units once.
// It is not stopped by ctx inside a read of a file.
func (l *Local) Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	return l.observe(ctx, ids, l.Postgres)
}

func (l *Local) observe(ctx context.Context, ids []resource.ID, places []resource.PGPlace) map[resource.ID]resource.State {
	servers, others := apart(ids)
	var out map[resource.ID]resource.State
	var wg sync.WaitGroup
	wg.Go(func() {
		out = executors.Seen(servers, func() map[resource.ID]resource.State { return l.observeInTurn(ctx, servers, places) })
	})
	seen := l.observeInTurn(ctx, others, places)
	wg.Wait()
	maps.Copy(out, seen)
	return out
}

// apart takes those out that a server is asked for: while it thinks, the rest of the node is looked at.
func apart(ids []resource.ID) (servers, others []resource.ID) {
	for _, id := range ids {
		if isPG(id.Kind) {
			servers = append(servers, id)
		} else {
			others = append(others, id)
		}
	}
	return servers, others
}

func (l *Local) observeInTurn(ctx context.Context, ids []resource.ID, places []resource.PGPlace) map[resource.ID]resource.State {
	out := make(map[resource.ID]resource.State, len(ids))
	v := l.look(ctx, ids, places...)
	defer v.close()
	for _, id := range ids {
		spec, err := v.see(ctx, id)
		if err != nil {
			spec, err = nil, fmt.Errorf("observe %s: %w", id, plain(err))
		}
		out[id] = resource.State{Spec: spec, Err: err}
	}
	return out
}

// Apply makes a change true and looks whether it is. Whoever is near cannot be locked out, so a guarded
// change is confirmed at once.
func (l *Local) Apply(ctx context.Context, c diff.Change) error {
	err := l.apply(ctx, c, order{sign: l.Signer, log: l.log(), places: l.Postgres})
	if err == nil && onTrial(c.ID) {
		err = l.Confirm(ctx, c.ID)
	}
	return err
}

// order is what comes with a change.
type order struct {
	sign   Signer
	log    *slog.Logger
	places []resource.PGPlace
}

func (l *Local) apply(ctx context.Context, c diff.Change, o order) error {
	err := l.change(ctx, c, o)
	if err == nil || errors.Is(err, executors.ErrMoved) {
		return err
	}
	return fmt.Errorf("apply %s: %w", c.ID, plain(err))
}

func (l *Local) change(ctx context.Context, c diff.Change, o order) error {
	defer l.wishes.add(c)()
	defer l.held.lock(lockName(c.ID))()
	w := &work{view: l.look(ctx, []resource.ID{c.ID}, o.places...), id: c.ID, sign: o.sign, log: o.log}
	defer w.close()
	have, err := w.see(ctx, c.ID)
	if err != nil {
		return err
	}
	done, err := judge(c, have)
	if done || err != nil {
		return err
	}
	switch {
	case isPG(c.ID.Kind):
		err = w.applyPG(ctx, c, have)
	case c.Action == diff.Delete:
		err = w.remove(ctx, c.Spec, have)
	default:
		err = w.make(ctx, c.Spec, have)
	}
	if err != nil || onTrial(c.ID) || c.ID.Kind == resource.KindPGLeading { // its proof is the confirmation, or given by somebody else
		return err
	}
	return l.prove(ctx, c, o.places)
}

// prove looks whether the change holds: that a command ended well is no proof.
func (l *Local) prove(ctx context.Context, c diff.Change, places []resource.PGPlace) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), proofTimeout)
	defer cancel()
	v := l.look(ctx, []resource.ID{c.ID}, places...)
	defer v.close()
	now, err := v.see(ctx, c.ID)
	switch {
	case err != nil:
		return fmt.Errorf("look again: %w", err)
	case c.Action == diff.Delete && resource.Remains(now):
		return errStillThere
	case c.Action == diff.Delete:
		return nil
	case now == nil:
		return errNotThere
	}
	if d := c.Spec.Compare(now); len(d) > 0 {
		return fmt.Errorf("was done without effect on %s", paths(d))
	}
	return nil
}

// proofTimeout bounds the look after a change, which happens even when the asker has gone.
const proofTimeout = 30 * time.Second

var (
	errStillThere = errors.New("was removed and is still there")
	errNotThere   = errors.New("was made and is not there")
)

func paths(fields []resource.Field) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Path)
	}
	return strings.Join(names, ", ")
}

func (l *Local) log() *slog.Logger {
	if l.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l.Log
}

func (l *Local) now() time.Time {
	if l.Now == nil {
		return time.Now()
	}
	return l.Now()
}

func (l *Local) run(ctx context.Context, c Command) ([]byte, error) {
	if l.Run == nil {
		return Exec(ctx, c)
	}
	return l.Run(ctx, c)
}

func (l *Local) setName(name string) error {
	if l.SetName == nil {
		return syscall.Sethostname([]byte(name))
	}
	return l.SetName(name)
}

// lockName is what no two changes may be at, at once: the file behind marked lines, the package
// database, the account files, the bundle of trusted certificates, or the resource itself.
func lockName(id resource.ID) string {
	switch id.Kind {
	case resource.KindLines, resource.KindBlock, resource.KindGuarded:
		path, _, _ := strings.Cut(id.Name, "#")
		return "file:" + path
	case resource.KindPackage, resource.KindRepo, resource.KindSources:
		return "packages"
	case resource.KindUser, resource.KindGroup:
		return "accounts"
	case resource.KindTrust:
		return "trust"
	}
	if isPG(id.Kind) {
		return "postgres:" + id.At
	}
	return string(id.Kind) + ":" + id.Name
}
