package node

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
)

const (
	// signalBuffer is how many signals may wait to be read.
	signalBuffer = 1024
	// aliveEvery is how often the connection of the signals is looked at: systemd drops it when it
	// executes itself anew, and says nothing.
	aliveEvery = 5 * time.Second
)

var _ Signals = (*DBus)(nil)

// ear is a connection of its own that hears the signals of units.
type ear struct {
	conn    *dbus.Conn
	updates chan *dbus.PropertiesUpdate
	missed  chan error
}

// Follow hears systemd until ctx ends, also when it has executed itself anew.
func (d *DBus) Follow(ctx context.Context, changed func(unit string)) error {
	e, err := listen(ctx)
	if err != nil {
		return err
	}
	go func() {
		for ctx.Err() == nil {
			e.hear(ctx, changed)
			e.conn.Close()
			for e, err = listen(ctx); err != nil && ctx.Err() == nil; e, err = listen(ctx) {
				rest(ctx, aliveEvery)
			}
			changed("") // nobody knows what was missed
		}
		if err == nil {
			e.conn.Close()
		}
	}()
	return nil
}

func listen(ctx context.Context) (*ear, error) {
	conn, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	e := &ear{conn, make(chan *dbus.PropertiesUpdate, signalBuffer), make(chan error, 1)}
	conn.SetPropertiesSubscriber(e.updates, e.missed)
	if err := conn.Subscribe(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("subscribe to systemd: %w", err)
	}
	return e, nil
}

// hear returns when ctx or the connection has ended.
func (e *ear) hear(ctx context.Context, changed func(unit string)) {
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	moving := journeys{under: map[string]*time.Timer{}, late: make(chan string, signalBuffer)}
	for {
		select {
		case u := <-e.updates:
			if !moving.keeps(u) {
				changed(u.UnitName)
			}
		case unit := <-moving.late:
			changed(unit)
		case <-e.missed: //nolint:errcheck // whatever went wrong, all is looked at again
			changed("")
		case <-alive.C:
			if !e.conn.Connected() {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// tooLong is after how long a unit is told of that is still being stopped or started.
const tooLong = 500 * time.Millisecond

// journeys are units that somebody is stopping or starting just now. A look in the middle of it takes longer than one
// at its end, which is signalled, too: to wait for that is to know sooner. One that takes long is told of all the same.
type journeys struct {
	under map[string]*time.Timer
	late  chan string
}

// keeps tells whether an update is kept back for now.
func (j journeys) keeps(u *dbus.PropertiesUpdate) bool {
	state, known := u.Changed["ActiveState"].Value().(string)
	ends := j.under[u.UnitName]
	switch {
	case !known:
		return false // it may be anything
	case strings.HasSuffix(state, "ing"): // activating, deactivating, reloading, refreshing
		if ends == nil {
			j.under[u.UnitName] = time.AfterFunc(tooLong, func() {
				select {
				case j.late <- u.UnitName:
				default: // so many that all is looked at again anyway
				}
			})
		}
		return true
	case ends != nil:
		ends.Stop()
		delete(j.under, u.UnitName)
	}
	return false
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
