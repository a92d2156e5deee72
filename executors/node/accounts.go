package node

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// accounts are /etc/passwd and /etc/group. Accounts of a directory service are not among them; what
// belongs to one shows its number.
type accounts struct {
	users  map[string]account
	groups map[string]group
	uids   map[int]string
	gids   map[int]string
}

type account struct {
	uid, gid    int
	home, shell string
}

type group struct {
	gid     int
	members []string
}

func (v *view) readAccounts() (*accounts, error) {
	passwd, err := v.small("/etc/passwd")
	if err != nil {
		return nil, fmt.Errorf("read /etc/passwd: %w", plain(err))
	}
	groups, err := v.small("/etc/group")
	if err != nil {
		return nil, fmt.Errorf("read /etc/group: %w", plain(err))
	}
	return parseAccounts(string(passwd), string(groups)), nil
}

// parseAccounts keeps the first of several lines for a name or number, as the C library does, and
// leaves out lines that are none.
func parseAccounts(passwd, groups string) *accounts {
	a := &accounts{users: map[string]account{}, groups: map[string]group{}, uids: map[int]string{}, gids: map[int]string{}}
	for line := range strings.Lines(passwd) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		if len(f) != 7 || f[0] == "" {
			continue
		}
		uid, err := strconv.Atoi(f[2])
		gid, err2 := strconv.Atoi(f[3])
		if err == nil && err2 == nil {
			first(a.users, f[0], account{uid, gid, f[5], f[6]})
			first(a.uids, uid, f[0])
		}
	}
	for line := range strings.Lines(groups) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		if len(f) != 4 || f[0] == "" {
			continue
		}
		if gid, err := strconv.Atoi(f[2]); err == nil {
			members := strings.FieldsFunc(f[3], func(r rune) bool { return r == ',' })
			first(a.groups, f[0], group{gid, members})
			first(a.gids, gid, f[0])
		}
	}
	return a
}

func first[K comparable, V any](m map[K]V, k K, v V) {
	if _, there := m[k]; !there {
		m[k] = v
	}
}

// names gives the names of a file's numbers, or the numbers as text.
func (a *accounts) names(uid, gid uint32) (user, group string) {
	return nameOf(a.uids, int(uid)), nameOf(a.gids, int(gid))
}

func nameOf(names map[int]string, id int) string {
	if name, ok := names[id]; ok {
		return name
	}
	return strconv.Itoa(id)
}

// numbers gives the numbers of names; "" gives -1, which changes nothing.
func (a *accounts) numbers(user, group string) (uid, gid int, err error) {
	uid, gid = -1, -1
	if u, ok := a.users[user]; ok {
		uid = u.uid
	} else if user != "" {
		if uid, err = strconv.Atoi(user); err != nil {
			return 0, 0, fmt.Errorf("there is no user %q", user)
		}
	}
	if g, ok := a.groups[group]; ok {
		gid = g.gid
	} else if group != "" {
		if gid, err = strconv.Atoi(group); err != nil {
			return 0, 0, fmt.Errorf("there is no group %q", group)
		}
	}
	return uid, gid, nil
}

// firstUser is the number from which accounts are those of people.
const firstUser = 1000

func (v *view) seeGroup(name string) (resource.Spec, error) {
	a, err := v.accounts()
	if err != nil {
		return nil, err
	}
	g, ok := a.groups[name]
	if !ok {
		return nil, nil
	}
	return resource.Group{GID: g.gid, System: g.gid < firstUser}, nil
}

func (v *view) seeUser(name string) (resource.Spec, error) {
	a, err := v.accounts()
	if err != nil {
		return nil, err
	}
	u, ok := a.users[name]
	if !ok {
		return nil, nil
	}
	s := resource.User{UID: u.uid, Group: nameOf(a.gids, u.gid), Home: u.home, Shell: u.shell, System: u.uid < firstUser}
	for group, g := range a.groups {
		if slices.Contains(g.members, name) {
			s.Groups = append(s.Groups, group)
		}
	}
	slices.Sort(s.Groups)
	return s, nil
}

var accountName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)

// account runs one of the commands for accounts, on the files below the root.
func (w *work) account(ctx context.Context, argv ...string) error {
	if !accountName.MatchString(w.id.Name) {
		return fmt.Errorf("%q is no name for an account", w.id.Name)
	}
	if w.l.Root.Name() != "/" {
		argv = slices.Insert(argv, 1, "--prefix", w.l.Root.Name())
	}
	return w.command(ctx, append(argv, "--", w.id.Name)...)
}

func (w *work) makeGroup(ctx context.Context, want resource.Group, have resource.Spec) error {
	if have != nil {
		return errors.New("a group is never renumbered")
	}
	if err := w.vacant("gid", want.GID, func(a *accounts) map[int]string { return a.gids }); err != nil {
		return err
	}
	argv := []string{"groupadd"}
	if want.System {
		argv = append(argv, "--system")
	}
	if want.GID != 0 {
		argv = append(argv, "--gid", strconv.Itoa(want.GID))
	}
	return w.account(ctx, argv...)
}

// vacant refuses a number that somebody has already: two names of one number are one account.
func (w *work) vacant(what string, number int, names func(*accounts) map[int]string) error {
	a, err := w.accounts()
	if err != nil {
		return err
	}
	if other, taken := names(a)[number]; taken && number != 0 {
		return fmt.Errorf("%s %d is already that of %s: choose a number that nobody has", what, number, other)
	}
	return nil
}

func (w *work) removeGroup(ctx context.Context) error { return w.account(ctx, "groupdel") }

// removeUser leaves the home directory.
func (w *work) removeUser(ctx context.Context) error { return w.account(ctx, "userdel") }

func (w *work) makeUser(ctx context.Context, want resource.User, have resource.Spec) error {
	if h, there := have.(resource.User); there {
		return w.changeUser(ctx, want, h)
	}
	if err := w.vacant("uid", want.UID, func(a *accounts) map[int]string { return a.uids }); err != nil {
		return err
	}
	argv := []string{"useradd", "--create-home"}
	if want.System {
		argv = []string{"useradd", "--system", "--no-create-home"}
	}
	if want.UID != 0 {
		argv = append(argv, "--uid", strconv.Itoa(want.UID))
	}
	argv = option(argv, "--gid", want.Group)
	argv = option(argv, "--home-dir", want.Home)
	argv = option(argv, "--shell", want.Shell)
	return w.account(ctx, option(argv, "--groups", strings.Join(want.Groups, ","))...)
}

func (w *work) changeUser(ctx context.Context, want, have resource.User) error {
	argv := []string{"usermod"}
	if want.Group != have.Group {
		argv = option(argv, "--gid", want.Group)
	}
	if want.Home != have.Home {
		argv = option(argv, "--home", want.Home)
	}
	if want.Shell != have.Shell {
		argv = option(argv, "--shell", want.Shell)
	}
	missing := slices.DeleteFunc(slices.Clone(want.Groups), func(g string) bool { return slices.Contains(have.Groups, g) })
	if len(missing) > 0 {
		argv = append(argv, "--append", "--groups", strings.Join(missing, ","))
	}
	return w.account(ctx, argv...)
}

func option(argv []string, name, value string) []string {
	if value == "" {
		return argv
	}
	return append(argv, name+"="+value)
}
