package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	connectTimeout = 5 * time.Second
	lookTimeout    = 10 * time.Second // one statement of a look
	lockTimeout    = 5 * time.Second  // for a lock that a change needs
	changeTimeout  = 60 * time.Second // one message of a change
)

// session is one connection to one database.
type session struct {
	conn   *pgconn.PgConn
	secret bool        // what is sent holds a secret, and so may an error
	tired  *time.Timer // ends it while it rests
	rested bool        // at least once
}

// params are what every session begins with: what a name means depends on nobody's settings, and a
// synchronous standby that is gone holds up nothing.
func params(look bool) map[string]string {
	limit := changeTimeout
	if look {
		limit = lookTimeout
	}
	p := map[string]string{
		"application_name": "pigsync", "search_path": "pg_catalog", "TimeZone": "UTC", "DateStyle": "ISO",
		"standard_conforming_strings": "on", "client_min_messages": "error", "client_encoding": "UTF8", "jit": "off",
		"synchronous_commit": "local", "lock_timeout": millis(lockTimeout), "statement_timeout": millis(limit),
		"idle_in_transaction_session_timeout": millis(changeTimeout),
	}
	if look {
		p["default_transaction_read_only"], p["default_transaction_isolation"] = "on", "repeatable read"
	}
	return p
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// connect opens a session in a database of the instance.
func (l *Look) connect(ctx context.Context, database string, look bool) (*session, error) {
	conn, err := l.dial(ctx, l.seat.Port, database, params(look))
	if err != nil {
		return nil, explain(err, false)
	}
	return &session{conn: conn}, nil
}

// dial connects to what listens at a port's socket, as the account that it knows as a peer. Neither the
// environment nor the files of whoever runs this process have a say.
func (l *Look) dial(ctx context.Context, port int, database string, params map[string]string) (*pgconn.PgConn, error) {
	uid, err := l.node.UID(l.seat.DBSU)
	if err != nil {
		return nil, err
	}
	dial := l.h.Socket
	if dial == nil {
		dial = Peer
	}
	cfg, err := pgconn.ParseConfig("host=/ port=5432 user=postgres dbname=postgres sslmode=disable passfile=/nonexistent servicefile=/nonexistent")
	if err != nil {
		return nil, fmt.Errorf("prepare a session: %w", err)
	}
	path := l.seat.Socket + "/.s.PGSQL." + strconv.Itoa(port)
	cfg.Host, cfg.Port, cfg.User, cfg.Database, cfg.Password = l.seat.Socket, uint16(port), l.seat.DBSU, database, "" //nolint:gosec // a port
	cfg.RuntimeParams, cfg.Fallbacks, cfg.ConnectTimeout = params, nil, connectTimeout
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, path, uid) }
	return pgconn.ConnectConfig(ctx, cfg)
}

// close ends a session; the server forgets what was not committed.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // nothing depends on a farewell
}

// ask runs a query that answers with one JSON document.
func (s *session) ask(ctx context.Context, into any, sql string, args ...string) error {
	values := make([][]byte, len(args))
	for i, a := range args {
		values[i] = []byte(a)
	}
	got := s.conn.ExecParams(ctx, sql, values, nil, nil, nil).Read()
	if got.Err != nil {
		return explain(got.Err, s.secret)
	}
	if len(got.Rows) != 1 || len(got.Rows[0]) != 1 {
		return errors.New("the server's answer has another shape than was asked for")
	}
	return json.Unmarshal(got.Rows[0][0], into)
}

// do runs statements one after the other, each for itself, in a message of its own.
func (s *session) do(ctx context.Context, statements ...string) error {
	for _, sql := range statements {
		if _, err := s.conn.Exec(ctx, sql).ReadAll(); err != nil {
			return explain(err, s.secret)
		}
	}
	return nil
}

// together runs statements that hold all or not at all, in two messages. Where they hold a secret none of them is
// in the server's log, not even when it fails: a server decides by what is in force when a message comes.
func (s *session) together(ctx context.Context, statements ...string) error {
	first := []string{"BEGIN"}
	if s.secret {
		first = append(first, "SET LOCAL log_statement = 'none'", "SET LOCAL log_min_duration_statement = -1",
			"SET LOCAL log_min_duration_sample = -1", "SET LOCAL log_min_error_statement = 'panic'")
	}
	return s.do(ctx, strings.Join(first, "; "), strings.Join(statements, ";\n")+";\nCOMMIT")
}

// explain says what a server answered, without the statement that it may quote. With secret, nothing of
// its own words is said.
func explain(err error, secret bool) error {
	var said *pgconn.PgError
	switch {
	case !errors.As(err, &said):
		var connect *pgconn.ConnectError
		if errors.As(err, &connect) {
			return fmt.Errorf("the server cannot be reached: %w", connect.Unwrap())
		}
		return err
	case secret:
		return &Refusal{Code: said.Code, Text: "its words are left out, since they may hold a secret"}
	}
	text := said.Message
	if said.Detail != "" {
		text += ": " + strings.ReplaceAll(strings.TrimSpace(said.Detail), "\n", "; ")
	}
	return &Refusal{Code: said.Code, Text: text}
}

// Refusal is what a server answered instead of doing what it was told.
type Refusal struct{ Code, Text string }

func (r *Refusal) Error() string { return "PostgreSQL refuses (" + r.Code + "): " + r.Text }

// refused tells whether a server refused with one of the codes.
func refused(err error, codes ...string) bool {
	var r *Refusal
	if !errors.As(err, &r) {
		return false
	}
	for _, c := range codes {
		if r.Code == c {
			return true
		}
	}
	return false
}
