package node

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

func signalled(state string) *dbus.PropertiesUpdate {
	u := &dbus.PropertiesUpdate{UnitName: "etcd.service"}
	if state != "" {
		u.Changed = map[string]godbus.Variant{"ActiveState": godbus.MakeVariant(state)}
	}
	return u
}

// A unit that is being stopped or started is told of at the end of that, or once it takes long.
func TestUnitsOnTheWayAreLetArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := journeys{under: map[string]*time.Timer{}, late: make(chan string, 10)}
		for state, want := range map[string]bool{
			"active": false, "inactive": false, "failed": false, "": false, "activating": true, "deactivating": true, "reloading": true,
		} {
			if got := j.keeps(signalled(state)); got != want {
				t.Errorf("%s: %v", state, got)
			}
		}
		j.keeps(signalled("inactive"))
		time.Sleep(time.Minute)
		if len(j.late) != 0 || len(j.under) != 0 {
			t.Errorf("%d are told of after they have arrived", len(j.late))
		}
		j.keeps(signalled("deactivating"))
		j.keeps(signalled("")) // its job, say
		time.Sleep(tooLong / 2)
		j.keeps(signalled("deactivating"))
		if len(j.late) != 0 {
			t.Error("told of too soon")
		}
		time.Sleep(tooLong)
		if len(j.late) != 1 || <-j.late != "etcd.service" {
			t.Error("what takes long is not told of, or twice")
		}
	})
}
