package postgres

import (
	"context"
	"sync"
)

// room is a look's only session in a database. Who wants something of it waits until it is free.
type room struct {
	mu sync.Mutex // guards s
	s  *session   // nil before it is needed, and after it has failed
}

func (l *Look) room(database string) *room {
	r, _ := l.rooms.LoadOrStore(database, &room{})
	return r.(*room)
}

// within asks something of one database. All that a look asks of one is one read-only transaction.
func (l *Look) within(database string, ask func(context.Context, *session) error) error {
	ctx, cancel := context.WithTimeout(l.ctx, lookTimeout+connectTimeout)
	defer cancel()
	r := l.room(database)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := l.enter(ctx, database, r); err != nil {
		return err
	}
	err := ask(ctx, r.s)
	if err != nil { // its transaction has failed
		r.s.close()
		r.s = nil
	}
	return err
}

// enter begins the transaction, unless there is one.
func (l *Look) enter(ctx context.Context, database string, r *room) error {
	if r.s != nil {
		return nil
	}
	s, err := l.awake(ctx, database)
	if err != nil {
		return err
	}
	if err := s.do(ctx, "BEGIN"); err != nil {
		s.close()
		return err
	}
	r.s = s
	return nil
}

// leave ends the session, or lets it rest.
func (l *Look) leave(database string, r *room) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.s != nil && !l.rest(database, r.s) {
		r.s.close()
	}
	r.s = nil
}

// atOnce bounds in how many databases of a server something is asked at the same time.
const atOnce = 4

// askAhead asks the leader for its configuration and for what is inside its databases, while it is asked for the
// rest: most of that is waiting.
func (l *Look) askAhead() {
	if !l.wanted.config && len(l.wanted.inside) == 0 || l.leads() != nil {
		return
	}
	if l.wanted.config {
		l.under.Go(func() { quietly(func() { _, _ = l.config() }) })
	}
	databases := make(chan string, len(l.wanted.inside))
	for database := range l.wanted.inside {
		databases <- database
	}
	close(databases)
	for range min(atOnce, len(databases)) {
		l.under.Go(func() {
			for database := range databases {
				quietly(func() { _, _ = l.of(database) })
			}
		})
	}
}

// quietly leaves it to who asks for an answer to hear of an error, and of a panic: each answer is kept.
func quietly(ask func()) {
	defer func() { _ = recover() }()
	ask()
}
