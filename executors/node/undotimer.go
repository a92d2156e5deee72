package node

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pigsync/pigsync/resource"
)

// The timer of a trial is a pair of units in /etc, not a transient one: a node that reboots in the
// middle must undo the change as well.

const unitDir = "/etc/systemd/system/"

func (w *work) undoUnit() string { return "pigsync-undo-" + digestOf([]byte(w.undoName()))[:16] }

// undoName is what Undo knows the resource by.
func (w *work) undoName() string {
	if w.id.Kind == resource.KindGuarded {
		return w.id.Name
	}
	return string(w.id.Kind)
}

// arm writes and starts the timer.
func (w *work) arm(ctx context.Context, after time.Duration) error {
	if w.l.Self == "" {
		return errors.New("this program does not know its own path")
	}
	unit := w.undoUnit()
	service := fmt.Sprintf("[Unit]\nDescription=undo an unconfirmed change of %s\n\n[Service]\nType=oneshot\nExecStart=%s node undo %s\n",
		escape(w.undoName()), quoteArg(w.l.Self), quoteArg(w.undoName()))
	timer := fmt.Sprintf("[Unit]\nDescription=undo an unconfirmed change of %s\n\n[Timer]\nOnActiveSec=%d\nAccuracySec=1\n\n[Install]\nWantedBy=timers.target\n",
		escape(w.undoName()), int(after/time.Second))
	for name, text := range map[string]string{unit + ".service": service, unit + ".timer": timer} {
		s, err := w.place(unitDir + name)
		if err != nil {
			return err
		}
		if err := w.write(s, draft{content: []byte(text), mode: 0o644, uid: -1, gid: -1, forget: true}); err != nil {
			return err
		}
	}
	if err := w.command(ctx, "systemctl", "daemon-reload"); err != nil {
		return err
	}
	return w.command(ctx, "systemctl", "enable", "--now", unit+".timer")
}

// disarm stops and removes the timer; one that is not there is no error.
func (w *work) disarm(ctx context.Context) error {
	unit := w.undoUnit()
	_, info, err := w.stat(unitDir + unit + ".timer")
	if err != nil {
		return err
	}
	if info != nil {
		if err := w.command(ctx, "systemctl", "disable", "--now", unit+".timer"); err != nil {
			return err
		}
	}
	for _, name := range []string{unit + ".timer", unit + ".service"} {
		if err := w.forget(unitDir + name); err != nil {
			return err
		}
	}
	if info == nil {
		return nil
	}
	return w.command(ctx, "systemctl", "daemon-reload")
}

// forget removes a file of ours that nobody will miss.
func (w *work) forget(path string) error {
	s, info, err := w.stat(path)
	if err != nil || info == nil {
		return err
	}
	return s.dir.Remove(s.name)
}

// escape keeps systemd from taking a percent sign of a path for a specifier.
func escape(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// quoteArg writes an argument of ExecStart. A dollar sign would begin a variable.
func quoteArg(s string) string { return strings.ReplaceAll(escape(strconv.Quote(s)), "$", "$$") }
