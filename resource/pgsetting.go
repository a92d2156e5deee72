package resource

import (
	"maps"
	"slices"
	"strings"
)

// PGSetting is a parameter of a server, with what the server knows of it.
type PGSetting struct {
	Value string
	PGType
}

// PGStandbyNeeds are the parameters of which a standby must not have less than its leader.
var PGStandbyNeeds = []string{
	"max_connections", "max_locks_per_transaction", "max_prepared_transactions", "max_wal_senders", "max_worker_processes",
}

// Number is the value in the parameter's own unit; ok is false for what is none.
func (s PGSetting) Number() (n float64, ok bool) { return s.number(s.Value) }

// PGAltered is what ALTER SYSTEM has put into an instance's postgresql.auto.conf, which is stronger than
// every other file. The id is "pgaltered:<instance>@<node>". Wanted are the names that the inventory says
// itself: they must not be there. What else is there is not ours.
type PGAltered struct {
	Free []string          // only wanted
	Set  map[string]string // only observed; a value that may hold a secret is left out
}

// Kind is KindPGAltered.
func (PGAltered) Kind() Kind { return KindPGAltered }

// Empty is true: where no server is, nothing is altered.
func (PGAltered) Empty() bool { return true }

// Compare names the layer in which the value is.
func (a PGAltered) Compare(have Spec) []Field {
	h, _ := have.(PGAltered)
	var d fields
	for _, name := range slices.Sorted(maps.Keys(h.Set)) {
		if slices.Contains(a.Free, strings.ToLower(name)) {
			d = append(d, Field{Path: "postgresql.auto.conf: " + name, Have: h.Set[name], Want: "", Hazard: Reload})
		}
	}
	return d
}

// PGLeading is who leads a cluster, where somebody should, or should not: to restart without a leader that is away
// for that time, another one leads first. The id is "pgleading:<cluster>@<cluster>".
type PGLeading struct {
	Instance string // only observed
	Not      string // only wanted: anybody else
	To       string `json:",omitempty"` // only wanted: nobody else
}

// Kind is KindPGLeading.
func (PGLeading) Kind() Kind { return KindPGLeading }

// Compare sees a leader that moves.
func (l PGLeading) Compare(have Spec) []Field {
	h, _ := have.(PGLeading)
	switch {
	case l.To != "" && h.Instance != l.To:
		return []Field{{Path: "leader", Have: h.Instance, Want: l.To, Hazard: Failover}}
	case l.Not != "" && h.Instance == l.Not:
		return []Field{{Path: "leader", Have: h.Instance, Want: "the most advanced of the others", Hazard: Failover}}
	}
	return nil
}

// PGDrained are the instances of which a load balancer thinks otherwise because of us, for the time of a
// restart. The id is "pgdrained:<cluster>@<node>"; wanted, it is the zero value.
type PGDrained struct {
	Out   []string // nobody new is sent there
	Still []string // the same health is believed of it as before: who waits at its pooler stays connected
}

// Kind is KindPGDrained.
func (PGDrained) Kind() Kind { return KindPGDrained }

// Compare compares who is out.
func (p PGDrained) Compare(have Spec) []Field {
	h, _ := have.(PGDrained)
	var d fields
	d.list("out of the services", h.Out, p.Out, 0)
	d.list("not looked at by the balancer", h.Still, p.Still, 0)
	return d
}
