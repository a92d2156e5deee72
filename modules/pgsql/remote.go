package pgsql

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"

	"github.com/pigsync/pigsync/inventory"
)

// watched is what a host watches elsewhere.
type watched struct {
	Exporters map[int]*Exporter `var:"pg_exporters"`
	Instances map[int]Segment   `var:"pg_instances"`
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$`)

// checkRemotes judges PostgreSQL that is only watched.
func (f *fleet) checkRemotes() {
	for _, h := range f.Inventory.Hosts() {
		if _, ok := h.Lookup("pg_exporters"); !ok && !isWatched(h) {
			continue
		}
		var w watched
		b := inventory.Bind(h, &w)
		p := f.For("pgsql/remote")
		p.Bound(b.Problems)
		seen := map[string]int{}
		for _, port := range slices.Sorted(maps.Keys(w.Exporters)) {
			e := w.Exporters[port]
			if e == nil || e.Host == "" {
				continue
			}
			name := fmt.Sprintf("%s-%d", e.Cluster, e.Seq)
			switch before, twice := seen[name]; {
			case port < 1 || port > 65535:
				p.Errorf(e.Pos, CodeRemoteHost, "pg_exporters: want a port number (1..65535) for the local exporter, got %d", port)
			case twice:
				p.Errorf(e.Pos, CodeSamePeer, "pg_exporters: %s is watched on port %d already: want another pg_seq", name, before)
			case !isHost(e.Host):
				p.Errorf(e.Pos, CodeRemoteHost, "pg_exporters: pg_host: want an address or the name of a host")
			}
			seen[name] = port
		}
	}
}

func isHost(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || hostName.MatchString(s)
}
