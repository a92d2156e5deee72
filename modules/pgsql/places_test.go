package pgsql_test

import (
	"testing"
	"testing/fstest"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/pgsql"
)

// Which release a cluster is of may be decided by what the package sources offer: how its Patroni is reached must
// not depend on it.
func TestPatroniIsReachedWhateverReleaseItIsOf(t *testing.T) {
	text := `all: { children: { pg-a: { hosts: { 10.0.0.1: { pg_seq: 1, pg_role: primary } }, vars: { pg_cluster: pg-a, patroni_ssl_enabled: true } } } }`
	inv, _, err := inventory.Load(fstest.MapFS{"pigsty.yml": {Data: []byte(text)}}, "pigsty.yml")
	if err != nil {
		t.Fatal(err)
	}
	seat := pgsql.Module.Places(inv).PG[0].Seats[0]
	if seat.REST != "https://10.0.0.1:8008" || seat.CAFile != "/etc/pki/ca.crt" {
		t.Errorf("at %s, believed by %s: want the authority where NODE leaves it", seat.REST, seat.CAFile)
	}
}
