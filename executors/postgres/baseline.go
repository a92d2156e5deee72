package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

const (
	// baseline is the setting of a database that its baseline is still to be run in.
	baseline = "pigsync.baseline"
	// baselineTimeout is for one statement of a baseline.
	baselineTimeout = 10 * time.Minute
)

// provisional is the name under which a database is made that begins with a baseline. It gets its own name
// when the mark is set: so there is no moment in which nobody knows that the baseline is still to be run.
func provisional(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "pigsync_" + hex.EncodeToString(sum[:8])
}

// createMarked makes a database with the mark. One that was left behind half made goes first: nobody knows
// its name but us.
func (l *Look) createMarked(name string, want resource.PGDatabase) error {
	temp := provisional(name)
	sql, err := creation(temp, want)
	if err != nil {
		return err
	}
	quoted := ident(temp)
	return l.leading(maintenance, func(ctx context.Context, s *session) error {
		return s.do(ctx, "DROP DATABASE IF EXISTS "+quoted, sql,
			"ALTER DATABASE "+quoted+" SET "+mustParameter(baseline)+" = 'due'", "ALTER DATABASE "+quoted+" RENAME TO "+ident(name))
	})
}

// seeBaseline is absent while the baseline is still to be run, and where there is no database.
func (l *Look) seeBaseline(name string) (resource.Spec, error) {
	g, err := l.globals()
	if err != nil {
		return nil, err
	}
	d, there := g.database(name)
	if _, due := settings(d.Settings)[baseline]; !there || due {
		return nil, nil
	}
	return resource.PGBaseline{}, nil
}

// applyBaseline runs it, and takes the mark away in the same transaction: it is run as a whole, or not at all.
// Names mean in it what they mean to whoever connects to the database.
func (l *Look) applyBaseline(c diff.Change, want resource.PGBaseline) error {
	if c.Action != diff.Create {
		return errNotMade
	}
	g, err := l.globals()
	if err != nil {
		return err
	}
	d, there := g.database(c.ID.Name)
	if !there {
		return fmt.Errorf("there is no database %s", c.ID.Name)
	}
	path := `"$user", public`
	if own, ok := settings(d.Settings)["search_path"]; ok {
		path = own
	}
	return l.leading(c.ID.Name, func(ctx context.Context, s *session) error {
		return s.do(ctx, "BEGIN", "SET LOCAL search_path = "+path, "SET LOCAL statement_timeout = "+millis(baselineTimeout),
			string(want.SQL), "ALTER DATABASE "+ident(c.ID.Name)+" RESET "+mustParameter(baseline), "COMMIT")
	})
}
