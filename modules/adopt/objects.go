package adopt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/resource"
)

// object is an entry of a list of a cluster, and what is to be changed of it.
type object struct {
	entry inventory.Value
	edits []inventory.Edit
}

// objectOf finds the entry that names a resource in a list that is the cluster's own.
func objectOf(inv *inventory.Inventory, f Found, list string) (*object, error) {
	host, err := memberOf(inv, f.ID.At)
	if err != nil {
		return nil, err
	}
	nobody := fmt.Errorf("%w: %s of %s does not name it", errNoPlace, list, f.ID.At)
	v, there := host.Lookup(list)
	if !there || inv.GroupAt(v.Pos) != f.ID.At || v.Pos.Filename != inv.File() {
		return nil, nobody
	}
	entries, err := v.List()
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if name, is := e.Lookup("name"); is && name.String() == f.ID.Name {
			return &object{entry: e}, nil
		}
	}
	return nil, nobody
}

// set gives a key of the entry a value.
func (o *object) set(key string, value any) { o.put(o.entry, key, value) }

func (o *object) put(in inventory.Value, key string, value any) {
	if old, is := in.Lookup(key); is {
		o.edits = append(o.edits, inventory.Set(inventory.Spot{Pos: old.Pos}, value))
		return
	}
	o.edits = append(o.edits, inventory.Insert(inventory.Spot{Pos: in.Pos}, key, value, ""))
}

// drop takes a key out.
func (o *object) drop(in inventory.Value, key string) {
	if old, is := in.Lookup(key); is {
		o.edits = append(o.edits, inventory.Delete(inventory.Spot{Pos: old.KeyPos()}))
	}
}

// setting writes a setting of sessions as it is; one that is not there is not asked for any more.
func (o *object) setting(name string, live map[string]string) error {
	if slices.ContainsFunc(secretive, func(part string) bool { return strings.Contains(strings.ToLower(name), part) }) {
		return errSecret
	}
	value, set := live[strings.ToLower(name)]
	settings, there := o.entry.Lookup("parameters")
	switch {
	case !there && set:
		o.set("parameters", inventory.Pairs{{Key: name, Value: value}})
	case set:
		o.put(settings, name, value)
	case there:
		o.drop(settings, name)
	}
	return nil
}

// each writes the fields that differ, one after the other.
func (o *object) each(f Found, write func(field string) error) ([]inventory.Edit, error) {
	for _, field := range f.Fields {
		if err := write(field); err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
	}
	return o.edits, nil
}

// attributes are those of roles that an entry of pg_users has, by the fields that differ.
var attributes = []string{
	resource.PGLogin, resource.PGSuperuser, resource.PGCreateDB, resource.PGCreateRole, resource.PGInherit, resource.PGReplication, resource.PGBypassRLS,
}

func role(inv *inventory.Inventory, f Found, have resource.PGRole) ([]inventory.Edit, error) {
	o, err := objectOf(inv, f, "pg_users")
	if err != nil {
		return nil, err
	}
	return o.each(f, func(field string) error {
		in, isMember := strings.CutPrefix(field, "in ")
		switch {
		case slices.Contains(attributes, field):
			o.set(field, have.Is[field])
		case isMember:
			return o.membership(in, have.MemberOf)
		case field == "connection limit":
			o.set("connlimit", limit(have.Limit))
		case field == "comment":
			o.set("comment", have.Comment)
		case field == "expires":
			o.drop(o.entry, "expire_in")
			o.set("expire_at", resource.PGInstant(have.Until))
		case field == "password":
			return errSecret
		default:
			return o.setting(field, have.Settings)
		}
		return nil
	})
}

// limit is a number of connections; none is any.
func limit(n *int) int {
	if n == nil {
		return -1
	}
	return *n
}

// membership takes a role out of the entry's roles, or into it. Of one that has options only those are written.
func (o *object) membership(field string, live []resource.PGMembership) error {
	name, option, withOption := strings.Cut(field, " with ")
	i := slices.IndexFunc(live, func(m resource.PGMembership) bool { return m.Role == name })
	entry, there := o.memberEntry(name)
	switch {
	case !there:
		return errNoPlace
	case i < 0:
		o.edits = append(o.edits, inventory.Delete(inventory.Spot{Pos: entry.Pos}))
	case !withOption:
		o.put(entry, "state", "grant")
	default:
		o.put(entry, option, *map[string]*bool{"admin": live[i].Admin, "inherit": live[i].Inherit, "set": live[i].Set}[option])
	}
	return nil
}

func (o *object) memberEntry(name string) (entry inventory.Value, there bool) {
	roles, _ := o.entry.Lookup("roles")
	list, err := roles.List()
	if err != nil {
		return entry, false
	}
	i := slices.IndexFunc(list, func(e inventory.Value) bool {
		if n, is := e.Lookup("name"); is {
			e = n
		}
		return e.String() == name
	})
	if i < 0 {
		return entry, false
	}
	return list[i], true
}

func database(inv *inventory.Inventory, f Found, have resource.PGDatabase) ([]inventory.Edit, error) {
	o, err := objectOf(inv, f, "pg_databases")
	if err != nil {
		return nil, err
	}
	return o.each(f, func(field string) error {
		switch field {
		case "owner":
			o.set("owner", have.Owner)
		case "tablespace":
			o.set("tablespace", have.Tablespace)
		case "template":
			o.set("is_template", have.IsTemplate != nil && *have.IsTemplate)
		case "connections allowed":
			o.set("allowconn", have.Open())
		case "connection limit":
			o.set("connlimit", limit(have.Limit))
		case "comment":
			o.set("comment", have.Comment)
		case "made again":
			return fmt.Errorf("%w: state: recreate makes it again once; take that out", errNoPlace)
		default:
			if key, fixed := creation[field]; fixed {
				o.set(key(have))
				return nil
			}
			return o.setting(field, have.Settings)
		}
		return nil
	})
}

// creation are the keys of what a database has from its creation on.
var creation = map[string]func(resource.PGDatabase) (key string, value any){
	"encoding":          func(d resource.PGDatabase) (string, any) { return "encoding", d.Encoding },
	"collation":         func(d resource.PGDatabase) (string, any) { return "lc_collate", d.Collate },
	"character classes": func(d resource.PGDatabase) (string, any) { return "lc_ctype", d.CType },
	"locale provider":   func(d resource.PGDatabase) (string, any) { return "locale_provider", d.Provider },
}
