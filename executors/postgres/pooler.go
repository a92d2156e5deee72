package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// haltPatience is how long clients wait for others to end their transactions before the pooler lets all
	// of them go on again.
	haltPatience = 3 * time.Second
	haltLook     = 20 * time.Millisecond
	noteHalted   = "halted"
)

// halted tells whether the pooler holds its clients because of us.
func (l *Look) halted() (bool, error) {
	if l.node.Noted == nil || l.seat.Pooler == 0 {
		return false, nil
	}
	return l.node.Noted(l.noteOfHalt())
}

func (l *Look) noteOfHalt() string { return noteHalted + "-" + l.seat.Instance }

// console is a session with the pooler itself.
func (l *Look) console(ctx context.Context) (*pgconn.PgConn, error) {
	conn, err := l.dial(ctx, l.seat.Pooler, "pgbouncer", map[string]string{})
	if err != nil {
		return nil, fmt.Errorf("the pooler cannot be reached: %w", explain(err, false))
	}
	return conn, nil
}

// halt lets the pooler hold its clients once their transactions have ended, so that a restart cuts none of
// them. A note is made first: whoever comes after our end lets them go on. Without a pooler nobody is held.
func (l *Look) halt() error {
	if l.seat.Pooler == 0 || l.node.Note == nil {
		return nil
	}
	look, err := l.console(l.ctx)
	if err != nil {
		return nil // nobody comes through a pooler that does not run
	}
	defer leave(look)
	if err := l.node.Note(l.noteOfHalt(), true); err != nil {
		return err
	}
	hold, err := l.console(l.ctx)
	if err != nil {
		return err
	}
	// The pooler lets everybody go on when whoever waits for a pause goes away.
	pausing, stop := context.WithCancel(context.WithoutCancel(l.ctx))
	l.letGo = stop
	held := make(chan error, 1)
	go func() {
		_, err := hold.Exec(pausing, "PAUSE").ReadAll()
		leave(hold)
		held <- err
	}()
	ctx, cancel := context.WithTimeout(l.ctx, haltPatience)
	defer cancel()
	return awaitHalt(ctx, look, held)
}

// awaitHalt returns once nobody is in the middle of a transaction. Who keeps a connection for a whole session
// never lets it go, and is cut off as one is who comes without the pooler.
func awaitHalt(ctx context.Context, look *pgconn.PgConn, held chan error) error {
	tick := time.NewTicker(haltLook)
	defer tick.Stop()
	for {
		select {
		case err := <-held:
			return explainHalt(err)
		case <-tick.C:
			busy, err := inTransaction(look)
			switch {
			case err != nil:
				return err
			case len(busy) == 0 && onlySessions(look):
				return nil
			case ctx.Err() != nil:
				return fmt.Errorf("it is not restarted: %s did not end within %s", strings.Join(busy, ", "), haltPatience)
			}
		}
	}
}

func explainHalt(err error) error {
	if err == nil || strings.Contains(err.Error(), "already suspended/paused") {
		return nil // somebody else holds them already
	}
	return fmt.Errorf("the pooler does not hold its clients: %w", explain(err, false))
}

// rows are what the pooler shows, by column.
func rows(conn *pgconn.PgConn, show string) (out []map[string]string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	results, err := conn.Exec(ctx, show).ReadAll()
	if err != nil || len(results) == 0 {
		return nil, errors.Join(explain(err, false))
	}
	for _, row := range results[0].Rows {
		r := map[string]string{}
		for i, f := range results[0].FieldDescriptions {
			r[f.Name] = string(row[i])
		}
		out = append(out, r)
	}
	return out, nil
}

// inTransaction names the pools in which somebody is in the middle of a transaction.
func inTransaction(conn *pgconn.PgConn) (busy []string, err error) {
	pools, err := rows(conn, "SHOW POOLS")
	for _, p := range pools {
		if p["pool_mode"] != "session" && p["database"] != "pgbouncer" && p["sv_active"] != "0" {
			busy = append(busy, fmt.Sprintf("%s transactions of %s in %s", p["sv_active"], p["user"], p["database"]))
		}
	}
	return busy, err
}

// onlySessions tells whether all that is left belongs to sessions, so that no pause ever ends.
func onlySessions(conn *pgconn.PgConn) bool {
	pools, err := rows(conn, "SHOW POOLS")
	for _, p := range pools {
		if p["pool_mode"] == "session" && p["database"] != "pgbouncer" && p["sv_active"] != "0" {
			return err == nil
		}
	}
	return false
}

// resume lets the clients go on, if we hold them, and drops the note. It is tried also when time is over.
func (l *Look) resume() error {
	if halted, err := l.halted(); err != nil || !halted {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), proofPatience)
	defer cancel()
	conn, err := l.console(ctx)
	if err == nil {
		defer leave(conn)
		_, err = conn.Exec(ctx, "RESUME").ReadAll()
	}
	if l.letGo != nil {
		l.letGo()
	}
	if err != nil && !strings.Contains(err.Error(), "not paused") && !strings.Contains(err.Error(), "cannot be reached") {
		return fmt.Errorf("the pooler still holds its clients: %w", err)
	}
	return l.node.Note(l.noteOfHalt(), false)
}

func leave(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // nothing depends on a farewell
}
