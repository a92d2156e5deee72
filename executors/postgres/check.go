package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// program runs one of the server's own programs as its user.
func (l *Look) program(ctx context.Context, name string, args ...string) (string, error) {
	if l.node.Run == nil {
		return "", errors.New("no program can be run here")
	}
	var bin string
	err := l.within(maintenance, func(ctx context.Context, s *session) error {
		return s.ask(ctx, &bin, "SELECT to_json(setting) FROM pg_config WHERE name = 'BINDIR'")
	})
	if err != nil {
		return "", err
	}
	said, err := l.node.Run(ctx, l.seat.DBSU, false, append([]string{bin + "/" + name}, args...)...)
	return string(said), err
}

// wouldStart lets the server's own program read the whole configuration with what it should have, as it
// would at a start.
func (l *Look) wouldStart(settings map[string]resource.PGSetting) error {
	args := []string{"-D", l.seat.Data, "-C", "max_connections"}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name].Value)
	}
	if said, err := l.program(l.ctx, "postgres", args...); err != nil {
		return fmt.Errorf("the server would not start: %s", orText(said, err))
	}
	return l.librariesThere(settings["shared_preload_libraries"].Value)
}

func orText(said string, err error) string {
	if said = strings.TrimSpace(said); said != "" {
		return strings.ReplaceAll(said, "\n", "; ")
	}
	return err.Error()
}

// librariesThere finds every library of a list: the server does not start without one.
func (l *Look) librariesThere(list string) error {
	for _, name := range resource.SplitPGList(list) {
		if strings.Contains(name, "/") {
			continue // nobody knows where that is but the server
		}
		var there bool
		err := l.within(maintenance, func(ctx context.Context, s *session) error {
			return s.ask(ctx, &there, `SELECT to_json(EXISTS (SELECT FROM pg_config c, pg_stat_file(c.setting || '/' || $1::text || '.so', true) f
				WHERE c.name = 'PKGLIBDIR' AND f.size IS NOT NULL))`, name)
		})
		switch {
		case err != nil:
			return err
		case !there:
			return fmt.Errorf("the server would not start: shared_preload_libraries: there is no library %s", name)
		}
	}
	return nil
}

// leastByPatroni are the values below which Patroni takes its own, without a word.
var leastByPatroni = map[string]int{
	"max_connections": 25, "max_wal_senders": 3, "max_prepared_transactions": 0, "max_locks_per_transaction": 32,
	"max_replication_slots": 4, "max_worker_processes": 2,
}

// takes refuses a parameter that the server would, or that Patroni would pass over: it answers 200 to anything.
func (l *Look) takes(name, value string) error {
	if least, ok := leastByPatroni[name]; ok {
		if n, err := strconv.Atoi(value); err != nil || n < least {
			return fmt.Errorf("%s: %s: Patroni would take its own value for less than %d", name, value, least)
		}
	}
	if l.node.Run == nil {
		return nil
	}
	said, err := l.program(l.ctx, "postgres", "-D", l.seat.Data, "-C", name, "-c", name+"="+value)
	if err != nil && !strings.Contains(name, ".") {
		return fmt.Errorf("the server would refuse it: %s", orText(said, err))
	}
	if name == "shared_preload_libraries" {
		return l.librariesThere(value)
	}
	return nil
}
