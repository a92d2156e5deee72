package adopt

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/resource"
)

// Found is a resource that is not as the inventory asks.
type Found struct {
	ID     resource.ID
	Have   resource.Spec // nil: it is not there
	Fields []string      // that differ
}

var (
	errAbsent  = errors.New("it is not there: who does not want it takes its line out of the inventory")
	errSecret  = errors.New("it may be a secret, which is never written down in the clear")
	errNoPlace = errors.New("no parameter states it")
)

// Edits are what has to be written so that the inventory asks for what was found. An error says why that cannot be
// written.
func Edits(inv *inventory.Inventory, f Found) ([]inventory.Edit, error) {
	if f.Have == nil {
		return nil, errAbsent
	}
	switch have := f.Have.(type) {
	case resource.PGConfig:
		return parameter(inv, f, have)
	case resource.PGRole:
		return role(inv, f, have)
	case resource.Sysctl:
		return sysctl(inv, f, have)
	}
	return nil, fmt.Errorf("%w: a %s is made of several", errNoPlace, f.ID.Kind)
}

// secretive are parts of names whose values may hold a password.
var secretive = []string{"password", "passwd", "secret", "conninfo", "token", "passphrase"}

func parameter(inv *inventory.Inventory, f Found, have resource.PGConfig) ([]inventory.Edit, error) {
	name := have.Parameter()
	if name == "" {
		return nil, fmt.Errorf("%w: pg_parameters has those of the server alone", errNoPlace)
	}
	if slices.ContainsFunc(secretive, func(part string) bool { return strings.Contains(name, part) }) {
		return nil, errSecret
	}
	value, err := plain(have.Value)
	if err != nil {
		return nil, err
	}
	group := inv.Group(f.ID.At)
	if group == nil {
		return nil, fmt.Errorf("the inventory has no cluster %s", f.ID.At)
	}
	host := memberOf(inv, f.ID.At)
	if host == nil {
		return nil, fmt.Errorf("the cluster %s has no members", f.ID.At)
	}
	return entry(inv, host, place{name: "pg_parameters", group: f.ID.At, vars: "all.children." + f.ID.At + ".vars"}, name, value)
}

// plain is a value as an inventory writes it.
func plain(text string) (any, error) {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, fmt.Errorf("what was found is no value: %w", err)
	}
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), nil
		}
		return v, nil
	case string, bool:
		return v, nil
	}
	return nil, fmt.Errorf("%w: it is a %T", errNoPlace, v)
}

func memberOf(inv *inventory.Inventory, group string) *inventory.Host {
	for _, h := range inv.Hosts() {
		if h.In(group) {
			return h
		}
	}
	return nil
}

// place is where a parameter that is a mapping may be written for some and nobody else.
type place struct {
	name  string // of the parameter
	group string // to whose block it must belong
	vars  string // where it goes when it is not there yet
}

// entry sets a key of a mapping.
func entry(inv *inventory.Inventory, h *inventory.Host, p place, key string, value any) ([]inventory.Edit, error) {
	v, there := h.Lookup(p.name)
	if !there || v.IsNull() {
		return []inventory.Edit{inventory.Insert(inventory.At(p.vars), p.name, inventory.Pairs{{Key: key, Value: value}}, "")}, nil
	}
	if v.Pos.Filename != inv.File() {
		return nil, fmt.Errorf("%s stands at %s, in a file beside the inventory", p.name, v.Pos)
	}
	if got := inv.GroupAt(v.Pos); got != p.group {
		return nil, fmt.Errorf("%s stands at %s, where others have it from, too: one for %s alone would take the rest of it from him",
			p.name, v.Pos, p.group)
	}
	if old, is := v.Lookup(key); is {
		return []inventory.Edit{inventory.Set(inventory.Spot{Pos: old.Pos}, value)}, nil
	}
	return []inventory.Edit{inventory.Insert(inventory.Spot{Pos: v.Pos}, key, value, "")}, nil
}

// attributes are those of roles that an entry of pg_users has, by the fields that differ.
var attributes = []string{
	resource.PGLogin, resource.PGSuperuser, resource.PGCreateDB, resource.PGCreateRole, resource.PGInherit, resource.PGReplication, resource.PGBypassRLS,
}

func role(inv *inventory.Inventory, f Found, have resource.PGRole) (edits []inventory.Edit, err error) {
	host := memberOf(inv, f.ID.At)
	if host == nil {
		return nil, fmt.Errorf("the inventory has no cluster %s", f.ID.At)
	}
	user, err := userOf(inv, host, f)
	if err != nil {
		return nil, err
	}
	for _, field := range f.Fields {
		key, value, err := attribute(field, have)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
		if old, is := user.Lookup(key); is {
			edits = append(edits, inventory.Set(inventory.Spot{Pos: old.Pos}, value))
		} else {
			edits = append(edits, inventory.Insert(inventory.Spot{Pos: user.Pos}, key, value, ""))
		}
	}
	return edits, nil
}

func userOf(inv *inventory.Inventory, host *inventory.Host, f Found) (user inventory.Value, err error) {
	users, there := host.Lookup("pg_users")
	if !there || inv.GroupAt(users.Pos) != f.ID.At || users.Pos.Filename != inv.File() {
		return user, fmt.Errorf("%w: pg_users of %s does not name it", errNoPlace, f.ID.At)
	}
	list, err := users.List()
	if err != nil {
		return user, err
	}
	for _, u := range list {
		if name, is := u.Lookup("name"); is && name.String() == f.ID.Name {
			return u, nil
		}
	}
	return user, fmt.Errorf("%w: pg_users of %s does not name it", errNoPlace, f.ID.At)
}

func attribute(field string, have resource.PGRole) (key string, value any, err error) {
	switch {
	case slices.Contains(attributes, field):
		return field, have.Is[field], nil
	case field == "connection limit" && have.Limit != nil:
		return "connlimit", *have.Limit, nil
	case field == "comment":
		return "comment", have.Comment, nil
	case field == "password":
		return "", nil, errSecret
	}
	return "", nil, errNoPlace
}

// sysctl writes a kernel setting where one node has it, and nobody else.
func sysctl(inv *inventory.Inventory, f Found, have resource.Sysctl) ([]inventory.Edit, error) {
	host := inv.Host(f.ID.At)
	if host == nil {
		return nil, fmt.Errorf("the inventory has no node %s", f.ID.At)
	}
	v, there := host.Lookup("node_sysctl_params")
	if !there {
		return nil, fmt.Errorf("%w for %s alone: write node_sysctl_params with what its group has", errNoPlace, f.ID.At)
	}
	if v.Pos.Filename != inv.File() || v.Pos.Line < host.Pos.Line || shared(inv, host, v) {
		return nil, fmt.Errorf("node_sysctl_params stands at %s, where others have it from, too", v.Pos)
	}
	value := any(have.Value)
	if n, err := strconv.ParseInt(have.Value, 10, 64); err == nil {
		value = n
	}
	if old, is := v.Lookup(f.ID.Name); is {
		return []inventory.Edit{inventory.Set(inventory.Spot{Pos: old.Pos}, value)}, nil
	}
	return []inventory.Edit{inventory.Insert(inventory.Spot{Pos: v.Pos}, f.ID.Name, value, "")}, nil
}

// shared tells whether another host has a value from the same place.
func shared(inv *inventory.Inventory, host *inventory.Host, v inventory.Value) bool {
	return slices.ContainsFunc(inv.Hosts(), func(h *inventory.Host) bool {
		if h == host {
			return false
		}
		other, there := h.Lookup(v.Name())
		return there && other.Pos == v.Pos
	})
}
