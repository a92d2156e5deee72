package postgres

import (
	"context"
	"strconv"
	"time"
)

// restFor is how long a session is kept that nobody looks through: a little longer than the pause between two
// looks. Whoever connects anew makes the server start a process, which has to learn the catalogs first: that
// takes longer than most of what is asked.
const restFor = 90 * time.Second

// berth is where the session of a look rests.
func (l *Look) berth() string {
	return l.seat.DBSU + " " + l.seat.Socket + " " + strconv.Itoa(l.seat.Port)
}

// rest keeps a session for the next look. It tells whether it does: there is one already, or its transaction does
// not end.
func (l *Look) rest(s *session) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.do(ctx, "ROLLBACK") != nil {
		return false
	}
	h, at := l.h, l.berth()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.resting[at] != nil {
		return false
	}
	if h.resting == nil {
		h.resting = map[string]*session{}
	}
	h.resting[at] = s
	s.tired = time.AfterFunc(restFor, func() { h.dismiss(at, s) })
	return true
}

// dismiss ends a session that still rests.
func (h *Hand) dismiss(at string, s *session) {
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
func (h *Hand) wake(at string) *session {
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
	if database == maintenance {
		if s := l.h.wake(l.berth()); s != nil {
			if s.conn.Ping(ctx) == nil {
				return s, nil
			}
			s.close()
		}
	}
	return l.connect(ctx, database, true)
}
