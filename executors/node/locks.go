package node

import "sync"

// locks are mutexes by name. The zero value is ready.
type locks struct {
	mu   sync.Mutex // guards held
	held map[string]*lock
}

type lock struct {
	sync.Mutex
	users int // holder and waiters; guarded by locks.mu
}

// lock waits for name and returns what gives it back.
func (l *locks) lock(name string) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*lock{}
	}
	k := l.held[name]
	if k == nil {
		k = &lock{}
		l.held[name] = k
	}
	k.users++
	l.mu.Unlock()
	k.Lock()
	return func() { l.unlock(name, k) }
}

func (l *locks) unlock(name string, k *lock) {
	k.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(l.held, name)
	}
}
