package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
)

// Systemd is the manager of units. Names are without ".service"; those of sockets are whole.
type Systemd interface {
	// Units tells the state of each unit, loading what is not loaded.
	Units(ctx context.Context, names []string) (map[string]UnitState, error)
	// Do does one thing and returns once it is done. Reload needs no name.
	Do(ctx context.Context, verb Verb, name string) error
}

// Verb is what can be done with a unit.
type Verb string

// The verbs.
const (
	Start          Verb = "start"
	Stop           Verb = "stop"
	Restart        Verb = "restart"
	Enable         Verb = "enable"
	Disable        Verb = "disable"
	DisableRuntime Verb = "disable --runtime"
	ResetFailed    Verb = "reset-failed"
	ReloadUnit     Verb = "reload"
	Reload         Verb = "daemon-reload"
)

// UnitState is what systemd knows of a unit, in its own words.
type UnitState struct {
	Load       string    // LoadState: loaded, not-found, masked, error …
	Active     string    // ActiveState
	Sub        string    // SubState
	File       string    // UnitFileState: enabled, disabled, static …
	Stale      bool      // NeedDaemonReload
	Invocation string    // InvocationID, in hex
	Fragment   string    // FragmentPath: the unit file that was read
	Started    time.Time // ExecMainStartTimestamp, zero when it never ran
	Result     string    // Result of the last run: success, exit-code, timeout …
}

// DBus is the Systemd of production. The zero value connects when it is first asked, as root to
// systemd's own socket, which is there before the bus is.
type DBus struct {
	mu   sync.Mutex // guards conn
	conn *dbus.Conn
}

var _ Systemd = (*DBus)(nil)

// Close ends the connection.
func (d *DBus) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		d.conn.Close()
		d.conn = nil
	}
}

func (d *DBus) connect(ctx context.Context) (*dbus.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil && d.conn.Connected() {
		return d.conn, nil
	}
	conn, err := dial(ctx)
	if err == nil {
		d.conn = conn
	}
	return conn, err
}

func dial(ctx context.Context) (*dbus.Conn, error) {
	// The context given to the library would end the connection, not only the dialling.
	life := context.WithoutCancel(ctx)
	conn, err := dbus.NewSystemdConnectionContext(life)
	if err == nil {
		return conn, nil
	}
	conn, second := dbus.NewSystemConnectionContext(life)
	if second != nil {
		return nil, fmt.Errorf("reach systemd: %w", errors.Join(err, second))
	}
	return conn, nil
}

// Units asks for all units at once, and then for what is not in that list. To ask for all properties
// of each would take several times as long: systemd counts packets and memory for them.
func (d *DBus) Units(ctx context.Context, names []string) (map[string]UnitState, error) {
	conn, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	units := make([]string, len(names))
	for i, name := range names {
		units[i] = unitFile(name)
	}
	list, err := conn.ListUnitsByNamesContext(ctx, units)
	if err != nil {
		return nil, fmt.Errorf("ask systemd for units: %w", err)
	}
	out := make(map[string]UnitState, len(list))
	for _, u := range list {
		s := UnitState{Load: u.LoadState, Active: u.ActiveState, Sub: u.SubState}
		if u.LoadState != "not-found" || s.running() {
			if err := details(ctx, conn, u.Name, &s); err != nil {
				return nil, fmt.Errorf("ask systemd for %s: %w", u.Name, err)
			}
		}
		out[strings.TrimSuffix(u.Name, ".service")] = s
	}
	for _, name := range names {
		if _, told := out[name]; !told {
			return nil, fmt.Errorf("systemd does not tell of %s", name)
		}
	}
	return out, nil
}

// unitFile is the name of a unit's file: a service's, unless the name says that it is a socket.
func unitFile(name string) string {
	if strings.HasSuffix(name, ".socket") {
		return name
	}
	return name + ".service"
}

// details asks for the properties that the list of units lacks; Result is of interest only when the
// unit does not run.
func details(ctx context.Context, conn *dbus.Conn, unit string, s *UnitState) error {
	var errs []error
	get := func(ask func(context.Context, string, string) (*dbus.Property, error), name string) any {
		p, err := ask(ctx, unit, name)
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		return p.Value.Value()
	}
	s.File, _ = get(conn.GetUnitPropertyContext, "UnitFileState").(string)
	s.Fragment, _ = get(conn.GetUnitPropertyContext, "FragmentPath").(string)
	s.Stale, _ = get(conn.GetUnitPropertyContext, "NeedDaemonReload").(bool)
	id, _ := get(conn.GetUnitPropertyContext, "InvocationID").([]byte)
	s.Invocation = hex.EncodeToString(id)
	if !strings.HasSuffix(unit, ".service") {
		return errors.Join(errs...)
	}
	if us, _ := get(conn.GetServicePropertyContext, "ExecMainStartTimestamp").(uint64); us > 0 {
		s.Started = time.UnixMicro(int64(us))
	}
	if !s.running() {
		s.Result, _ = get(conn.GetServicePropertyContext, "Result").(string)
	}
	return errors.Join(errs...)
}

// Do waits for the job that systemd makes of it.
func (d *DBus) Do(ctx context.Context, verb Verb, name string) error {
	conn, err := d.connect(ctx)
	if err != nil {
		return err
	}
	unit := unitFile(name)
	switch verb {
	case Start:
		return job(ctx, unit, conn.StartUnitContext)
	case Stop:
		return job(ctx, unit, conn.StopUnitContext)
	case Restart:
		return job(ctx, unit, conn.RestartUnitContext)
	case ReloadUnit:
		return job(ctx, unit, conn.ReloadUnitContext)
	case Enable:
		_, _, err = conn.EnableUnitFilesContext(ctx, []string{unit}, false, false)
	case Disable, DisableRuntime:
		_, err = conn.DisableUnitFilesContext(ctx, []string{unit}, verb == DisableRuntime)
	case ResetFailed:
		err = conn.ResetFailedUnitContext(ctx, unit)
	case Reload:
		err = conn.ReloadContext(ctx)
	default:
		err = errors.New("unknown verb")
	}
	return err
}

type jobFunc func(ctx context.Context, name, mode string, done chan<- string) (int, error)

func job(ctx context.Context, unit string, begin jobFunc) error {
	done := make(chan string, 1) // so that a result nobody waits for blocks nobody
	if _, err := begin(ctx, unit, "replace", done); err != nil {
		return err
	}
	select {
	case result := <-done:
		if result != "done" {
			return fmt.Errorf("the job ended with %q", result)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
