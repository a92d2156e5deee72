package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// attributes are those of a role, each with the word that gives it; NO before it takes it away.
var attributes = []string{
	resource.PGLogin, resource.PGSuperuser, resource.PGCreateDB, resource.PGCreateRole, resource.PGInherit,
	resource.PGReplication, resource.PGBypassRLS,
}

const (
	iterations = 4096 // of a new verifier, as the servers' own default has it
	saltLength = 16
)

// applyRole makes a role, or changes what differs, all in one transaction.
func (l *Look) applyRole(c diff.Change, want resource.PGRole, have resource.Spec) error {
	if c.Action == diff.Delete {
		return l.dropRole(c.ID.Name, "")
	}
	if err := l.mayBe(c.ID.Name, want); err != nil {
		return err
	}
	now, there := have.(resource.PGRole)
	var todo statements
	if !there {
		todo.add("CREATE ROLE " + ident(c.ID.Name))
		now = resource.PGRole{Is: map[string]bool{resource.PGInherit: true}}
	}
	r := roleChange{l: l, name: ident(c.ID.Name), want: want, have: now, todo: &todo}
	for _, step := range []func() error{r.attributes, r.expiry, r.password, r.settings, r.memberships, r.comment} {
		if err := step(); err != nil {
			return err
		}
	}
	return l.leading(maintenance, func(ctx context.Context, s *session) error {
		s.secret = len(want.Password.Reveal()) > 0
		return s.together(ctx, todo...)
	})
}

// mayBe refuses what would lock us and Patroni out.
func (l *Look) mayBe(name string, want resource.PGRole) error {
	if err := named(name); err != nil {
		return err
	}
	for _, is := range []string{resource.PGLogin, resource.PGSuperuser} {
		if keeps, said := want.Is[is]; name == l.seat.DBSU && said && !keeps {
			return fmt.Errorf("%s is the superuser that Patroni and pigsync are: it keeps %s", name, is)
		}
	}
	for is := range want.Is {
		if !slices.Contains(attributes, is) {
			return fmt.Errorf("a role has no attribute %q", is)
		}
	}
	return nil
}

// statements are what is to be run.
type statements []string

func (s *statements) add(sql string) { *s = append(*s, sql) }

// roleChange is the way from one state of a role to another.
type roleChange struct {
	l          *Look
	name       string // quoted
	want, have resource.PGRole
	todo       *statements
}

func (r *roleChange) alter(how string) { r.todo.add("ALTER ROLE " + r.name + " " + how) }

func (r *roleChange) attributes() error {
	var words []string
	for _, is := range attributes {
		want, said := r.want.Is[is]
		switch {
		case !said || want == r.have.Is[is]:
		case want:
			words = append(words, strings.ToUpper(is))
		default:
			words = append(words, "NO"+strings.ToUpper(is))
		}
	}
	if r.want.Limit != nil && (r.have.Limit == nil || *r.want.Limit != *r.have.Limit) {
		words = append(words, "CONNECTION LIMIT "+strconv.Itoa(*r.want.Limit))
	}
	if len(words) > 0 {
		r.alter(strings.Join(words, " "))
	}
	return nil
}

// expiry sets a day once, and remembers in how many days it was to be.
func (r *roleChange) expiry() error {
	only := resource.PGRole{Days: r.want.Days, Until: r.want.Until}
	if len(only.Compare(r.have)) == 0 {
		return nil
	}
	until, days := resource.PGInstant(r.want.Until), r.want.Days
	if days != nil {
		now, err := r.l.serverTime()
		if err != nil {
			return err
		}
		until = now.AddDate(0, 0, *days).UTC().Format(time.RFC3339)
		r.alter("SET " + mustParameter(expireIn) + " = " + literal(strconv.Itoa(*days)))
	}
	if !plain(until) {
		return errZero
	}
	r.alter("VALID UNTIL " + literal(until))
	if days == nil && r.have.Days != nil {
		r.alter("RESET " + mustParameter(expireIn))
	}
	return nil
}

// mustParameter quotes a name of our own.
func mustParameter(name string) string {
	quoted, err := parameter(name)
	if err != nil {
		panic(err)
	}
	return quoted
}

// serverTime is the time of the server, by which it tells whether a password has expired.
func (l *Look) serverTime() (at time.Time, err error) {
	err = l.within(maintenance, func(ctx context.Context, s *session) error {
		return s.ask(ctx, &at, `SELECT to_json(to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))`)
	})
	return at, err
}

// password sends what the server is to store, so that it never learns the password itself.
func (r *roleChange) password() error {
	only := resource.PGRole{Name: r.want.Name, Password: r.want.Password, MD5: r.want.MD5}
	if d := only.Compare(r.have); len(d) == 0 {
		return nil
	}
	stored := r.want.Password.Reveal()
	switch {
	case resource.IsStoredPassword(stored):
	case r.want.MD5:
		stored = resource.MD5Password(r.want.Name, stored).Reveal()
	default:
		salt := make([]byte, saltLength)
		rand.Read(salt)
		stored = resource.NewVerifier(resource.Prepared(stored), salt, iterations).Secret().Reveal()
	}
	r.alter("PASSWORD " + literal(stored))
	return nil
}

func (r *roleChange) settings() error {
	return setAll(r.todo, "ALTER ROLE "+r.name, r.want.Settings, r.have.Settings)
}

// setAll sets the settings that differ, and resets those that should be none.
func setAll(todo *statements, alter string, want, have map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value := want[name]
		now, set := have[strings.ToLower(name)]
		quoted, err := parameter(name)
		if err != nil {
			return err
		}
		switch {
		case strings.EqualFold(value, "DEFAULT"):
			if set {
				todo.add(alter + " RESET " + quoted)
			}
		case !set || !(resource.PGType{}).Same(name, now, value):
			spelled, err := setting(name, value)
			if err != nil {
				return err
			}
			todo.add(alter + " SET " + quoted + " = " + spelled)
		}
	}
	return nil
}

func (r *roleChange) memberships() error {
	for _, m := range r.want.MemberOf {
		if err := named(m.Role); err != nil {
			return err
		}
		only := resource.PGRole{MemberOf: []resource.PGMembership{m}}
		if len(only.Compare(r.have)) == 0 {
			continue
		}
		if err := r.membership(m); err != nil {
			return err
		}
	}
	return nil
}

// withOptions is the version from which on a membership has options, and its own giver.
const withOptions = 160000

func (r *roleChange) membership(m resource.PGMembership) error {
	g, err := r.l.globals()
	if err != nil {
		return err
	}
	group := ident(m.Role)
	switch {
	case m.Not && g.Version >= withOptions:
		return r.leave(m.Role)
	case m.Not:
		r.todo.add("REVOKE " + group + " FROM " + r.name)
	case g.Version >= withOptions:
		r.todo.add("GRANT " + group + " TO " + r.name + optionsOf(m))
	case m.Admin != nil && *m.Admin:
		r.todo.add("GRANT " + group + " TO " + r.name + " WITH ADMIN OPTION")
	default:
		r.todo.add("GRANT " + group + " TO " + r.name)
		if m.Admin != nil {
			r.todo.add("REVOKE ADMIN OPTION FOR " + group + " FROM " + r.name)
		}
	}
	return nil
}

// optionsOf spells the options that are said.
func optionsOf(m resource.PGMembership) string {
	var list []string
	for _, o := range []struct {
		word string
		on   *bool
	}{{"ADMIN", m.Admin}, {"INHERIT", m.Inherit}, {"SET", m.Set}} {
		if o.on != nil {
			list = append(list, o.word+" "+strings.ToUpper(strconv.FormatBool(*o.on)))
		}
	}
	if len(list) == 0 {
		return ""
	}
	return " WITH " + strings.Join(list, ", ")
}

// leave takes a membership back from each who gave it.
func (r *roleChange) leave(group string) error {
	var givers []string
	err := r.l.within(maintenance, func(ctx context.Context, s *session) error {
		return s.ask(ctx, &givers, `SELECT coalesce(json_agg(DISTINCT pg_get_userbyid(m.grantor)), '[]') FROM pg_auth_members m
			JOIN pg_authid g ON g.oid = m.roleid JOIN pg_authid r ON r.oid = m.member WHERE g.rolname = $1 AND r.rolname = $2`, group, r.want.Name)
	})
	for _, giver := range givers {
		r.todo.add("REVOKE " + ident(group) + " FROM " + r.name + " GRANTED BY " + ident(giver))
	}
	return err
}

func (r *roleChange) comment() error {
	return comment(r.todo, "ROLE "+r.name, r.want.Comment, r.have.Comment)
}

// comment sets a comment that is said and differs.
func comment(todo *statements, on, want, have string) error {
	switch {
	case want == "" || want == have:
		return nil
	case !plain(want):
		return errors.New("the comment is not UTF-8, or has a zero byte")
	}
	todo.add("COMMENT ON " + on + " IS " + literal(want))
	return nil
}
