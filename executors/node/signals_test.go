package node

import (
	"testing"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// Whoever stops a unit by hand is let finish: a look in the middle of it would start the unit again and cancel his job.
func TestUnitsOnTheWayAreLetArrive(t *testing.T) {
	for state, want := range map[string]bool{
		"active": false, "inactive": false, "failed": false, "activating": true, "deactivating": true, "reloading": true,
	} {
		u := &dbus.PropertiesUpdate{UnitName: "etcd.service", Changed: map[string]godbus.Variant{"ActiveState": godbus.MakeVariant(state)}}
		if got := onTheWay(u); got != want {
			t.Errorf("%s: %v", state, got)
		}
	}
	if onTheWay(&dbus.PropertiesUpdate{UnitName: "etcd.service"}) {
		t.Error("without a state it may be anything")
	}
}
