package node

import (
	"context"
	"fmt"
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
	for {
		select {
		case u := <-e.updates:
			changed(u.UnitName)
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

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
