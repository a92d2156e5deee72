package adopt

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/resource"
)

// secretive are parts of names whose values may hold a password.
var secretive = []string{"password", "passwd", "secret", "conninfo", "token", "passphrase"}

// config writes a key of Patroni's configuration.
func config(inv *inventory.Inventory, f Found, have resource.PGConfig) ([]inventory.Edit, error) {
	if name := have.Parameter(); name != "" {
		return parameter(inv, f, name, have)
	}
	switch have.Path {
	case "maximum_lag_on_failover":
		n, err := plain(have.Value)
		if err != nil {
			return nil, err
		}
		return ofCluster(inv, f, "pg_rpo", n)
	case "pause":
		mode := "default"
		if have.Value == "true" {
			mode = "pause"
		}
		return ofCluster(inv, f, "patroni_mode", mode)
	}
	return nil, fmt.Errorf("%w: %s", errNoPlace, cmp.Or(stated[have.Path], "it is a part of the template that pg_conf names"))
}

// stated says what states a key of Patroni together with others.
var stated = map[string]string{
	"ttl": ofPlan, "loop_wait": ofPlan, "retry_timeout": ofPlan, "primary_start_timeout": ofPlan,
	"synchronous_mode": "pg_rpo: 0 makes replication synchronous, and anything else does not",
	"standby_cluster":  "pg_upstream of the first member says what a standby cluster follows",
}

const ofPlan = "pg_rto names one of the plans of pg_rto_plan, which has it with its other timings: choose another one, or write one"

func parameter(inv *inventory.Inventory, f Found, name string, have resource.PGConfig) ([]inventory.Edit, error) {
	if slices.ContainsFunc(secretive, func(part string) bool { return strings.Contains(name, part) }) {
		return nil, errSecret
	}
	value, err := plain(have.Value)
	if err != nil {
		return nil, err
	}
	host, err := memberOf(inv, f.ID.At)
	if err != nil {
		return nil, err
	}
	return entry(inv, host, place{name: "pg_parameters", group: f.ID.At, vars: varsOf(f.ID.At)}, name, value)
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

// memberOf is a host that has what its cluster says.
func memberOf(inv *inventory.Inventory, cluster string) (*inventory.Host, error) {
	for _, h := range inv.Hosts() {
		if h.In(cluster) {
			return h, nil
		}
	}
	return nil, fmt.Errorf("the inventory has no cluster %s", cluster)
}

// varsOf is where a cluster's own parameters stand.
func varsOf(cluster string) string { return "all.children." + cluster + ".vars" }

// ofCluster sets a parameter of a cluster that is one value.
func ofCluster(inv *inventory.Inventory, f Found, name string, value any) ([]inventory.Edit, error) {
	host, err := memberOf(inv, f.ID.At)
	if err != nil {
		return nil, err
	}
	if v, there := host.Lookup(name); there && v.Pos.Filename == inv.File() && inv.GroupAt(v.Pos) == f.ID.At {
		return []inventory.Edit{inventory.Set(inventory.Spot{Pos: v.Pos}, value)}, nil
	}
	return []inventory.Edit{inventory.Insert(inventory.At(varsOf(f.ID.At)), name, value, "")}, nil
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
