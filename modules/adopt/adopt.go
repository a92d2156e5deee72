package adopt

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

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
		return config(inv, f, have)
	case resource.PGRole:
		return role(inv, f, have)
	case resource.PGDatabase:
		return database(inv, f, have)
	case resource.Sysctl:
		return sysctl(inv, f, have)
	case resource.Hostname:
		return ofNode(inv, f, "nodename", have.Name)
	case resource.Timezone:
		return ofNode(inv, f, "node_timezone", have.Name)
	}
	if why, known := madeOf[f.ID.Kind]; known {
		return nil, fmt.Errorf("%w: %s", errNoPlace, why)
	}
	return nil, fmt.Errorf("%w: a %s is made of several", errNoPlace, f.ID.Kind)
}

// madeOf says of what is made of many parameters where somebody may look.
var madeOf = map[resource.Kind]string{
	resource.KindFile:    "a file is made of many: the origin that pigsync plan names is one of them",
	resource.KindUnit:    "a unit runs because something is asked for that needs it: take that out, or hold it with pigsync hold",
	resource.KindPackage: "packages come with what needs them; those that are wanted besides are in node_packages",
	resource.KindPGRules: "the rules are made of pg_hba_rules, pg_default_hba_rules and the members: write the rule there",
}

// ofNode sets a parameter of one node that is one value. Where others have it from the same place, the node gets one of
// its own.
func ofNode(inv *inventory.Inventory, f Found, name, value string) ([]inventory.Edit, error) {
	host := inv.Host(f.ID.At)
	if host == nil {
		return nil, fmt.Errorf("the inventory has no node %s", f.ID.At)
	}
	if v, there := host.Lookup(name); there && v.Pos.Filename == inv.File() && v.Pos.Line >= host.Pos.Line && !shared(inv, host, v) {
		return []inventory.Edit{inventory.Set(inventory.Spot{Pos: v.Pos}, value)}, nil
	}
	return []inventory.Edit{inventory.Insert(inventory.Spot{Pos: host.Pos}, name, value, "")}, nil
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
