package postgres

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// server is what a server says of its own parameters.
type server struct {
	Settings map[string]resource.PGSetting // of those that take effect at a start
	Pending  []string                      // names of what waits for one
	Altered  map[string]string             // what is in postgresql.auto.conf
	Replaced bool                          // the program on the disk is newer than the server
}

// What a recovery ends at takes effect when one begins, which is Patroni's affair: it takes the lines out of the file of
// who was promoted, and the server then says for ever that it waits for a restart.
//
// What may hold a secret is named, and not told. The last of several lines of a file is the one that counts.
const askServer = `WITH parameters AS MATERIALIZED (SELECT name, vartype, unit, context, pending_restart FROM pg_settings WHERE context = 'postmaster' OR pending_restart)
SELECT json_build_object(
 'replaced', coalesce((SELECT f.change > pg_postmaster_start_time() FROM pg_config c, pg_stat_file(c.setting || '/postgres', true) f WHERE c.name = 'BINDIR'), false),
 'settings', (SELECT coalesce(json_object_agg(lower(name), json_build_object('Value', current_setting(name), 'Type', vartype, 'Unit', unit, 'Context', context)), '{}')
   FROM parameters WHERE context = 'postmaster'),
 'pending', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM parameters WHERE pending_restart AND name NOT LIKE 'recovery\_target%'),
 'altered', (SELECT coalesce(json_object_agg(name, CASE WHEN name ~ '(conninfo|command|password|passphrase)' THEN '(not shown)' ELSE setting END), '{}')
   FROM (SELECT DISTINCT ON (lower(name)) lower(name) AS name, setting FROM pg_file_settings
     WHERE sourcefile = current_setting('data_directory') || '/postgresql.auto.conf' AND name IS NOT NULL ORDER BY lower(name), seqno DESC) a))`

func (l *Look) askServer() (out server, err error) {
	err = l.within(maintenance, func(ctx context.Context, s *session) error { return s.ask(ctx, &out, askServer) })
	return out, err
}

// withServer adds to what Patroni says what the server itself says. A server that cannot be asked is a
// member all the same.
func (l *Look) withServer(m resource.PGMember, s status) (resource.Spec, error) {
	halted, err := l.halted()
	if err != nil {
		return nil, err
	}
	m.Halted = halted
	if s.Pause {
		if m.Resting, err = l.rests(); err != nil {
			return nil, err
		}
		m.Paused = !m.Resting
	}
	if !s.runs() {
		return m, nil
	}
	own, err := l.server()
	if err != nil {
		return m, nil
	}
	m.Settings, m.Altered = own.Settings, slices.Sorted(maps.Keys(own.Altered))
	reasons := append(m.Reasons, own.Pending...)
	slices.Sort(reasons)
	m.Reasons = slices.Compact(reasons)
	m.Pending, m.Replaced = m.Pending || len(own.Pending) > 0, own.Replaced
	return m, nil
}

// seeAltered is absent where no server runs.
func (l *Look) seeAltered() (resource.Spec, error) {
	if l.bare() {
		return nil, nil
	}
	own, err := l.server()
	if err != nil {
		return nil, err
	}
	return resource.PGAltered{Set: own.Altered}, nil
}

// resetAltered takes the names out of postgresql.auto.conf, and lets the server read it again.
func (l *Look) resetAltered(want resource.PGAltered, have resource.Spec) error {
	var statements []string
	for name := range have.(resource.PGAltered).Set {
		if slices.Contains(want.Free, strings.ToLower(name)) {
			statements = append(statements, "ALTER SYSTEM RESET "+dotted(name))
		}
	}
	slices.Sort(statements)
	return l.writing(maintenance, func(ctx context.Context, s *session) error {
		if err := s.do(ctx, statements...); err != nil {
			return err
		}
		return s.ask(ctx, new(bool), "SELECT to_json(pg_reload_conf())")
	})
}

// dotted quotes the parts of a parameter's name.
func dotted(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = ident(p)
	}
	return strings.Join(parts, ".")
}
