package postgres

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"
)

const (
	// restFor is how long a session is kept that nobody looks through: a little longer than the pause between two
	// looks. Whoever connects anew makes the server start a process, which has to learn the catalogs first: that
	// takes longer than most of what is asked.
	restFor = 90 * time.Second
	// restInside is the same for a database of somebody else, who may want to drop, rename or copy it: the server
	// waits up to five seconds until the last session has left, and lets others in meanwhile. So a session rests
	// there once, from the look before a change to the one after it: with those that come every second there would
	// else always be one.
	restInside = 2 * time.Second
)

// berth is where the session of a look rests.
type berth struct {
	server   string // by account, socket and port
	database string
}

func (l *Look) berth(database string) berth {
	return berth{l.seat.DBSU + " " + l.seat.Socket + " " + strconv.Itoa(l.seat.Port), database}
}

// rest keeps a session for the next look. It tells whether it does: there is one already, its transaction does
// not end, or it would be in somebody's way.
func (l *Look) rest(database string, s *session) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	h, at, span := l.h, l.berth(database), restFor
	if database != maintenance {
		if s.rested || l.isTemplate(database) {
			return false
		}
		span = restInside
	}
	if s.do(ctx, "ROLLBACK") != nil {
		return false
	}
	s.rested = true
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.resting[at] != nil {
		return false
	}
	if h.resting == nil {
		h.resting = map[berth]*session{}
	}
	h.resting[at] = s
	s.tired = time.AfterFunc(span, func() { h.dismiss(at, s) })
	return true
}

// isTemplate tells whether others are made of a database, which fails as long as anybody is in it. One of which
// nothing is known may be one.
func (l *Look) isTemplate(database string) bool {
	g, err := l.globals()
	if err != nil {
		return true
	}
	d, there := g.database(database)
	return !there || d.IsTemplate
}

// dismiss ends a session that still rests.
func (h *Hand) dismiss(at berth, s *session) {
	h.mu.Lock()
	still := h.resting[at] == s
	if still {
		delete(h.resting, at)
	}
	h.mu.Unlock()
	if still {
		s.close()
	}
}

// wake gives the session that rests, nil when none does.
func (h *Hand) wake(at berth) *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.resting[at]
	delete(h.resting, at)
	if s != nil {
		s.tired.Stop()
	}
	return s
}

// awake is a session for looking: the one that rested, if its server still answers, or a new one.
func (l *Look) awake(ctx context.Context, database string) (*session, error) {
	if s := l.h.wake(l.berth(database)); s != nil {
		if s.conn.Ping(ctx) == nil {
			return s, nil
		}
		s.close()
	}
	return l.connect(ctx, database, true)
}

// clearOut ends what rests in the databases of a server, but for the maintenance database: one is neither copied nor
// dropped while somebody is in it.
func (l *Look) clearOut() {
	server := l.berth("").server
	l.h.mu.Lock()
	berths := slices.Collect(maps.Keys(l.h.resting))
	l.h.mu.Unlock()
	for _, at := range berths {
		if at.server != server || at.database == maintenance {
			continue
		}
		if s := l.h.wake(at); s != nil {
			s.close()
		}
	}
}
