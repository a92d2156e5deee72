package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// applyDatabase makes a database, or changes what can be changed of it.
func (l *Look) applyDatabase(c diff.Change, want resource.PGDatabase, have resource.Spec) error {
	name := c.ID.Name
	if err := named(name); err != nil {
		return err
	}
	now, there := have.(resource.PGDatabase)
	switch {
	case c.Action == diff.Delete:
		return l.dropDatabase(name, false)
	case there && now.Invalid:
		return errors.New("to drop it was cut short: it can only be dropped again")
	case there && want.Fixed(now) != "":
		return errors.New(want.Fixed(now))
	case there && want.Again && !now.Again:
		if err := l.dropDatabase(name, true); err != nil {
			return err
		}
		there = false
	}
	if !there {
		if err := l.createDatabase(name, want); err != nil {
			return err
		}
		now = resource.PGDatabase{Owner: want.Owner, Tablespace: want.Tablespace}
	}
	return l.alterDatabase(name, want, now)
}

// createDatabase is one statement and cannot be part of more. What races with it has made it meanwhile.
func (l *Look) createDatabase(name string, want resource.PGDatabase) error {
	if want.Baseline {
		return raced(l.createMarked(name, want))
	}
	sql, err := creation(name, want)
	if err != nil {
		return err
	}
	return raced(l.leading(maintenance, func(ctx context.Context, s *session) error { return s.do(ctx, sql) }))
}

// raced tells that somebody else was faster.
func raced(err error) error {
	if refused(err, "42P04", "23505") {
		return executors.ErrMoved
	}
	return err
}

// creation spells CREATE DATABASE. What is said of the encoding or the locale can only be had of template0,
// in which nothing depends on them.
func creation(name string, want resource.PGDatabase) (string, error) {
	template := want.Template
	if own := want.PGCreation; template == "" && own != (resource.PGCreation{Strategy: own.Strategy}) {
		template = "template0"
	}
	sql := "CREATE DATABASE " + ident(name)
	for _, o := range []struct{ word, value string }{{"OWNER", want.Owner}, {"TEMPLATE", template}, {"TABLESPACE", want.Tablespace}} {
		if o.value == "" {
			continue
		}
		if err := named(o.value); err != nil {
			return "", err
		}
		sql += " " + o.word + " " + ident(o.value)
	}
	for _, o := range []struct{ word, value string }{
		{"STRATEGY", strings.ToLower(want.Strategy)}, {"ENCODING", want.Encoding}, {"LOCALE_PROVIDER", want.Provider},
		{"LC_COLLATE", want.Collate}, {"LC_CTYPE", want.CType}, {localeWord(want.Provider), want.Locale}, {"ICU_RULES", want.Rules},
	} {
		switch {
		case o.value == "":
		case !plain(o.value):
			return "", errZero
		case o.word == "LOCALE_PROVIDER":
			provider, err := keyword(o.value, []string{"LIBC", "ICU", "BUILTIN"})
			if err != nil {
				return "", err
			}
			sql += " " + o.word + " " + strings.ToLower(provider)
		default:
			sql += " " + o.word + " " + literal(o.value)
		}
	}
	return sql, nil
}

func localeWord(provider string) string {
	if strings.EqualFold(provider, "builtin") {
		return "BUILTIN_LOCALE"
	}
	return "ICU_LOCALE"
}

// alterDatabase changes what differs in one transaction; to move its files is one for itself.
func (l *Look) alterDatabase(name string, want, have resource.PGDatabase) error {
	quoted := ident(name)
	alter := "ALTER DATABASE " + quoted
	var todo statements
	if want.Owner != "" && want.Owner != have.Owner {
		if err := named(want.Owner); err != nil {
			return err
		}
		todo.add(alter + " OWNER TO " + ident(want.Owner))
	}
	if words := databaseOptions(want, have); len(words) > 0 {
		todo.add(alter + " WITH " + strings.Join(words, " "))
	}
	if err := setAll(&todo, alter, want.Settings, have.Settings); err != nil {
		return err
	}
	mark(&todo, alter, want.Again, have.Again)
	if err := comment(&todo, "DATABASE "+quoted, want.Comment, have.Comment); err != nil {
		return err
	}
	if err := l.run(maintenance, todo); err != nil || want.Tablespace == "" || want.Tablespace == have.Tablespace {
		return err
	}
	if err := named(want.Tablespace); err != nil {
		return err
	}
	return l.leading(maintenance, func(ctx context.Context, s *session) error {
		return s.do(ctx, alter+" SET TABLESPACE "+ident(want.Tablespace))
	})
}

// again is the setting of a database with which it is remembered that it was made again, so that it is once.
const again = "pigsync.made_again"

func mark(todo *statements, alter string, want, have bool) {
	switch {
	case want && !have:
		todo.add(alter + " SET " + mustParameter(again) + " = 'true'")
	case have && !want:
		todo.add(alter + " RESET " + mustParameter(again))
	}
}

func databaseOptions(want, have resource.PGDatabase) (words []string) {
	flag := func(word string, want, have *bool, before bool) {
		if have != nil {
			before = *have
		}
		if want != nil && *want != before {
			words = append(words, word+" "+strconv.FormatBool(*want))
		}
	}
	flag("ALLOW_CONNECTIONS", new(want.Open()), have.AllowConn, true)
	flag("IS_TEMPLATE", want.IsTemplate, have.IsTemplate, false)
	if want.Limit != nil && (have.Limit == nil || *want.Limit != *have.Limit) {
		words = append(words, "CONNECTION LIMIT "+strconv.Itoa(*want.Limit))
	}
	return words
}

// kept are the databases that every server needs.
var kept = []string{"postgres", "template0", "template1"}

// inTheWay are what a database cannot or must not be dropped with.
const inTheWay = `SELECT coalesce(json_agg(x.what), '[]') FROM (
  SELECT 'replication slot ' || slot_name AS what FROM pg_replication_slots WHERE database = $1
  UNION ALL SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts WHERE database = $1
  UNION ALL SELECT 'subscription ' || subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = $1
  UNION ALL SELECT count(*) || ' sessions' FROM pg_stat_activity WHERE datname = $1 AND application_name <> 'pigsync' AND NOT $2::bool HAVING count(*) > 0) x`

// closeDatabase lets nobody into a database any more, and ends the sessions in it.
func (l *Look) closeDatabase(name string) error {
	if slices.Contains(kept, name) {
		return fmt.Errorf("the database %s stays: the server needs it", name)
	}
	return l.run(maintenance, []string{
		"ALTER DATABASE " + ident(name) + " WITH ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = " + literal(name),
	})
}

// dropDatabase drops a database. A slot in it goes down with it without a word, so that it is refused.
func (l *Look) dropDatabase(name string, force bool) error {
	if slices.Contains(kept, name) {
		return fmt.Errorf("the database %s stays: the server needs it", name)
	}
	return l.leading(maintenance, func(ctx context.Context, s *session) error {
		var obstacles []string
		if err := s.ask(ctx, &obstacles, inTheWay, name, strconv.FormatBool(force)); err != nil {
			return err
		}
		if len(obstacles) > 0 {
			return fmt.Errorf("in the database there is still: %s", strings.Join(obstacles, ", "))
		}
		drop := "DROP DATABASE " + ident(name)
		if force {
			drop += " WITH (FORCE)"
		}
		err := s.do(ctx, "ALTER DATABASE "+ident(name)+" WITH IS_TEMPLATE false", drop)
		if refused(err, "22023", "55000") { // one that is invalid already cannot be altered
			err = s.do(ctx, drop)
		}
		return err
	})
}
