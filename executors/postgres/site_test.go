package postgres_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/pigsync/pigsync/executors/postgres"
	"github.com/pigsync/pigsync/resource"
)

// control is a control file with a system identifier.
func control(system uint64) []byte { return binary.NativeEndian.AppendUint64(nil, system) }

// What lies where an instance is to stand is told by its files, and of an empty place also who has its ports.
func TestSite(t *testing.T) {
	const data = "/pg/data"
	closed := func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return "http://" + l.Addr().String()
	}
	serves := func(body string) func(*testing.T) string {
		return func(t *testing.T) string {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
			t.Cleanup(s.Close)
			return s.URL
		}
	}
	for name, c := range map[string]struct {
		rest  func(*testing.T) string
		names []string
		files map[string][]byte
		ports string
		want  resource.PGSite
	}{
		"nothing": {closed, nil, nil, "", resource.PGSite{Locales: []string{"C", "en_US.utf8"}}},
		"a data directory": {closed, []string{"PG_VERSION", "global"}, map[string][]byte{"PG_VERSION": []byte("17\n"), "global/pg_control": control(7)}, "",
			resource.PGSite{Data: resource.PGWhole}},
		"initdb was torn": {closed, []string{"base", "PG_VERSION"}, map[string][]byte{"PG_VERSION": []byte("17\n")}, "",
			resource.PGSite{Data: resource.PGTorn, Files: []string{"PG_VERSION", "base"}}},
		"nothing was written yet": {closed, []string{"PG_VERSION", "global"}, map[string][]byte{"PG_VERSION": {}, "global/pg_control": control(0)}, "",
			resource.PGSite{Data: resource.PGTorn, Files: []string{"PG_VERSION", "global"}}},
		"no server has started upon a copy": {closed, []string{"backup_label", "global"}, map[string][]byte{"PG_VERSION": []byte("17\n"), "global/pg_control": control(7)}, "",
			resource.PGSite{Data: resource.PGTorn, Files: []string{"backup_label", "global"}}},
		"somebody's notes": {closed, []string{"c", "e", "b", "a", "d"}, nil, "", resource.PGSite{Data: resource.PGTorn, Files: []string{"a", "b", "c", "d"}}},
		"a port is taken": {closed, nil, nil, "LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=1,fd=3))\nLISTEN 0 128 [::]:5432 [::]:* users:((\"postgres\",pid=2,fd=6))\n",
			resource.PGSite{Taken: []string{"5432 (postgres)"}, Locales: []string{"C", "en_US.utf8"}}},
		"Patroni is there":       {serves(`{"state": "running", "patroni": {"scope": "pg-test"}}`), []string{"base"}, nil, "", resource.PGSite{}},
		"something else answers": {serves("hello"), []string{"base"}, nil, "", resource.PGSite{Data: resource.PGTorn, Files: []string{"base"}}},
	} {
		t.Run(name, func(t *testing.T) {
			node := postgres.Node{
				Read:  func(path string) ([]byte, error) { return c.files[path[len(data)+1:]], nil },
				Names: func(string) ([]string, error) { return c.names, nil },
				Ask: func(argv ...string) (string, error) {
					return map[string]string{"ss": c.ports, "locale": "C\nen_US.utf8\n"}[argv[0]], nil
				},
			}
			id := resource.PGSiteOf("pg-test-1", "n")
			seat := postgres.Seat{PGSeat: resource.PGSeat{Instance: "pg-test-1", Node: "n", Port: 5432, Data: data, REST: c.rest(t)}, Cluster: "pg-test"}
			got, err := new(postgres.Hand).Look(context.Background(), seat, node, []resource.ID{id}).See(id)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

// A place that cannot be read is not empty.
func TestSiteUnknown(t *testing.T) {
	node := postgres.Node{
		Read:  func(string) ([]byte, error) { return nil, nil },
		Names: func(string) ([]string, error) { return nil, errors.New("input/output error") },
	}
	id := resource.PGSiteOf("pg-test-1", "n")
	seat := postgres.Seat{PGSeat: resource.PGSeat{Data: "/pg/data", REST: "http://127.0.0.1:1"}}
	if got, err := new(postgres.Hand).Look(context.Background(), seat, node, nil).See(id); err == nil {
		t.Errorf("got %+v, want an error", got)
	}
}
