package hygiene

import (
	"go/token"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/manual"
)

// secret is one secret, where it is written.
type secret struct {
	name string // pg_users[1].password
	user string // whose it is, when that is said
	text string
	pos  token.Position
	open bool // whoever reads the file reads it
}

// purpose is what the secret opens: the same user has the same password in several places.
func (s secret) purpose() string {
	if s.user != "" {
		return "user " + s.user
	}
	return s.name
}

// harmless reports whether the text is an address without a password in it, which counts as a secret only because
// one may stand there: a proxy, a database, the hosts that no proxy is asked for.
func (s secret) harmless() bool {
	if !strings.HasSuffix(s.name, "url") && !strings.HasSuffix(s.name, "_proxy") {
		return false
	}
	_, rest, _ := strings.Cut(s.text, "//")
	login, _, named := strings.Cut(rest, "@")
	return !strings.Contains(s.text, "password=") && (!named || !strings.Contains(login, ":"))
}

// secretsIn finds the secrets in a value: by type where types are known, by the names of keys where
// they are not.
func secretsIn(t inventory.Type, v inventory.Value, name, user string) (found []secret) {
	switch t.Shape {
	case inventory.ShapeSecret:
		return secretOf(v, name, user)
	case inventory.ShapeList:
		items, _ := v.List()
		for _, item := range items {
			found = append(found, secretsIn(*t.Item, item, item.Name(), user)...)
		}
	case inventory.ShapeMap:
		entries, _ := v.Map()
		for _, e := range entries {
			if t.Item.Shape == inventory.ShapeSecret { // nginx_users: by name of the user
				found = append(found, secretOf(e.Value, e.Value.Name(), e.Key.String())...)
				continue
			}
			if t.Item.Shape == inventory.ShapeAny && inventory.SecretName(e.Key.String()) {
				found = append(found, secretOf(e.Value, e.Value.Name(), owner(v))...)
				continue
			}
			found = append(found, secretsIn(*t.Item, e.Value, e.Value.Name(), ownerOr(v, user))...)
		}
	case inventory.ShapeObject:
		for _, f := range t.Fields {
			if inner, ok := v.Lookup(f.Name); ok {
				found = append(found, secretsIn(f.Type, inner, inner.Name(), ownerOr(v, user))...)
			}
		}
	case inventory.ShapeAny:
		return inAnything(v)
	}
	return found
}

var (
	whatever   = inventory.Type{Shape: inventory.ShapeAny}
	anyMapping = inventory.Type{Shape: inventory.ShapeMap, Item: &whatever}
	anyList    = inventory.Type{Shape: inventory.ShapeList, Item: &whatever}
)

func inAnything(v inventory.Value) []secret {
	switch v.Kind() {
	case inventory.Map:
		return secretsIn(anyMapping, v, v.Name(), "")
	case inventory.List:
		return secretsIn(anyList, v, v.Name(), "")
	}
	return nil
}

// secretOf is empty for what is not a text that can be read: a vault without a key, a reference.
func secretOf(v inventory.Value, name, user string) []secret {
	text, err := v.Text()
	if err != nil || v.Elsewhere() || strings.HasSuffix(name, ".s3_key") { // the name of an account
		return nil
	}
	return []secret{{name: name, user: user, text: text, pos: v.Pos, open: v.Open()}}
}

// owner is the user that an object speaks of.
func owner(v inventory.Value) string {
	for _, key := range []string{"name", "username", "user", "access_key", "s3_key"} {
		if u, ok := v.Lookup(key); ok && u.String() != "" {
			return u.String()
		}
	}
	return ""
}

func ownerOr(v inventory.Value, user string) string {
	if found := owner(v); found != "" {
		return found
	}
	return user
}

// userOf is the user of a password that is a parameter of its own: pg_admin_username of
// pg_admin_password.
func userOf(h *inventory.Host, name string) string {
	stem, ok := strings.CutSuffix(name, "_password")
	if !ok {
		return ""
	}
	v, ok := h.Lookup(stem + "_username")
	if !ok {
		return ""
	}
	return v.String()
}

// holdsSecrets reports whether there can be secrets in a parameter.
func holdsSecrets(p manual.Parameter) bool {
	return typeHolds(p.Type)
}

// typeHolds is true of what may be anything, too: there the names of keys tell.
func typeHolds(t inventory.Type) bool {
	if t.Shape == inventory.ShapeSecret || t.Shape == inventory.ShapeAny || t.Item != nil && typeHolds(*t.Item) {
		return true
	}
	for _, f := range t.Fields {
		if typeHolds(f.Type) {
			return true
		}
	}
	return false
}
