package postgres

import (
	"errors"
	"net/http"

	"github.com/pigsync/pigsync/resource"
)

// ours is the key beside "pause" by which a pause is known as ours. Patroni keeps what it does not know.
const ours = "pigsync"

// rests tells whether a pause is ours.
func (l *Look) rests() (bool, error) {
	config, err := l.config()
	_, marked := config[ours]
	return marked, err
}

// patroniAgain starts another program of Patroni, where the wrong one runs. A Patroni that is paused leaves its
// server alone when it ends, and nobody else takes the lead meanwhile: no client notices. Whoever dies in between
// leaves a pause that is known as ours, and ended by whoever looks next.
func (l *Look) patroniAgain(want, was resource.PGMember) error {
	switch {
	case want.Patroni == "" || resource.RunsVersion(want.Patroni, was.Patroni):
		if was.Resting {
			return l.pause(false)
		}
		return nil
	case l.Restart == nil:
		return errNotMade
	}
	if err := l.mayRestart(); err != nil {
		return err
	}
	if err := l.pause(true); err != nil {
		return err
	}
	err := l.Restart("patroni")
	if err == nil {
		err = l.until(func(s status) bool { return s.runs() && resource.RunsVersion(want.Patroni, s.Patroni.Version) },
			"Patroni was restarted, and "+want.Patroni+" does not run")
	}
	if err = errors.Join(err, l.pause(false)); err != nil {
		return setback(err)
	}
	return setback(l.until(status.up, "Patroni was restarted, and its server is not well"))
}

// pause begins or ends a pause of ours, and waits until Patroni has heard of it.
func (l *Look) pause(on bool) error {
	body := map[string]any{"pause": nil, ours: nil}
	if on {
		body = map[string]any{"pause": true, ours: map[string]any{"paused": "to replace Patroni"}}
	}
	if err := l.call(l.ctx, http.MethodPatch, "/config", body, nil); err != nil {
		return conflicting(err)
	}
	return l.until(func(s status) bool { return s.Pause == on }, "Patroni was told of a pause, or of its end, and has not heard")
}
