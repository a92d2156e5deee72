package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// settling is how long a file may be newer than what the server has read: Patroni writes its files, and tells the server
// after that.
const settling = 2 * time.Second

// askLoaded asks the server which of its files were changed after it read them, longer ago than $1 milliseconds, and what
// it would say to them now. The views read the files, not what is in force: a file that is refused is not in force, however
// new. A setting that waits for a restart, or has left the file and does, is no fault of the file, and a rule
// that cannot match (its type is known) does not keep the others from being read.
const askLoaded = `WITH rules AS MATERIALIZED (SELECT *, to_jsonb(h)->>'file_name' AS file FROM pg_hba_file_rules h),
settings AS MATERIALIZED (SELECT * FROM pg_file_settings),
files AS (
  SELECT current_setting('config_file') AS path UNION SELECT current_setting('hba_file') UNION SELECT current_setting('ident_file')
  UNION SELECT current_setting('data_directory') || '/postgresql.auto.conf'
  UNION SELECT sourcefile FROM settings WHERE sourcefile IS NOT NULL
  UNION SELECT file FROM rules WHERE file IS NOT NULL)
SELECT json_build_object(
 'stale', (SELECT coalesce(json_agg(f.path ORDER BY f.path), '[]') FROM files f, pg_stat_file(f.path, true) t
   WHERE t.change > pg_conf_load_time() AND t.change <= clock_timestamp() - $1::text::float8 * interval '1 ms'),
 'wrong', (SELECT coalesce(json_agg(w.say ORDER BY w.say), '[]') FROM (
    SELECT coalesce(file, current_setting('hba_file')) || ':' || line_number || ': ' || error AS say
      FROM rules WHERE error IS NOT NULL AND type IS NULL
    UNION ALL SELECT coalesce(sourcefile, '') || ':' || coalesce(sourceline::text, '') || ': ' || coalesce(name || ': ', '') || error
      FROM settings WHERE error IS NOT NULL AND error <> 'setting could not be applied'
        AND error NOT LIKE 'parameter "%" cannot be changed without restarting the server') w))`

func (l *Look) askLoaded() (resource.PGLoaded, error) {
	var out resource.PGLoaded
	err := l.within(maintenance, func(ctx context.Context, s *session) error { return s.ask(ctx, &out, askLoaded, millis(settling)) })
	return out, err
}

// seeLoaded is absent where no server is.
func (l *Look) seeLoaded() (resource.Spec, error) {
	if l.bare() {
		return nil, nil
	}
	loaded, err := l.loaded()
	if err != nil {
		return nil, err
	}
	return orderly(loaded), nil
}

// orderly makes an empty list the same as none.
func orderly(l resource.PGLoaded) resource.PGLoaded {
	if len(l.Stale) == 0 {
		l.Stale = nil
	}
	if len(l.Wrong) == 0 {
		l.Wrong = nil
	}
	return l
}

// reload makes the server read its files, unless it would refuse them: a restart would not come up then.
func (l *Look) reload(a diff.Action) error {
	if a != diff.Update {
		return errNotMade
	}
	loaded, err := l.loaded()
	switch {
	case err != nil:
		return err
	case len(loaded.Wrong) > 0:
		return fmt.Errorf("the server would not read its files: %s", strings.Join(loaded.Wrong, "; "))
	}
	return l.readAgain()
}

// readAgain makes the server read its files, and waits until it has.
func (l *Look) readAgain() error {
	return l.within(maintenance, l.reloads)
}

// reloads is asked in one session all the time: who is told of a reload hears it after the server itself.
func (l *Look) reloads(ctx context.Context, s *session) error {
	var before string
	if err := s.ask(ctx, &before, "SELECT to_json(pg_conf_load_time()::text) FROM pg_reload_conf() told WHERE told"); err != nil {
		return err
	}
	return l.awaitWithin(proofPatience, longestSQL, "it was told to read its files and has not", func(ctx context.Context) (bool, error) {
		var now bool
		if err := s.ask(ctx, &now, "SELECT to_json(pg_conf_load_time() > $1::text::timestamptz)", before); err != nil || !now {
			return false, err
		}
		var left resource.PGLoaded
		err := s.ask(ctx, &left, askLoaded, millis(0))
		return err == nil && len(left.Stale) == 0, err
	})
}
