package resource_test

import (
	"testing"
	"time"

	"github.com/pigsync/pigsync/resource"
)

func TestOtherPeoplesBackupsAreNotOurs(t *testing.T) {
	t.Parallel()
	want := resource.PGStanza{System: "1"}
	if d := want.Compare(nil); len(d) != 1 || d[0].Hazard != 0 {
		t.Errorf("to make a place is %v", d)
	}
	if d := want.Compare(resource.PGStanza{System: "1", PGKept: resource.PGKept{Backups: 3, Busy: true}}); d != nil {
		t.Errorf("what is kept makes a difference: %v", d)
	}
	if d := want.Compare(resource.PGStanza{System: "2"}); len(d) != 1 || d[0].Hazard != resource.DataLoss {
		t.Errorf("another cluster's place is %v", d)
	}
	if want.Loss() != resource.DataLoss || (resource.PGBackup{}).Loss() != resource.DataLoss {
		t.Error("backups can go without a word")
	}
}

func TestABackupIsAskedForOnce(t *testing.T) {
	t.Parallel()
	want := resource.PGBackup{Taken: true}
	for have, differs := range map[resource.PGBackup]bool{{}: true, {Taken: true}: false} {
		if d := want.Compare(have); (len(d) > 0) != differs {
			t.Errorf("of %+v it says %v", have, d)
		}
	}
	if none := (resource.PGBackup{}); !none.Empty() || none.Compare(nil) != nil {
		t.Error("no backup is asked for, and something differs")
	}
}

func TestLastBackup(t *testing.T) {
	t.Parallel()
	early, late := time.Unix(100, 0), time.Unix(200, 0)
	full, torn := resource.PGSaved{Label: "F", Ended: early, Sound: true}, resource.PGSaved{Label: "I", Ended: late}
	for _, c := range []struct {
		kept            resource.PGKept
		ended, verified time.Time
	}{
		{resource.PGKept{}, time.Time{}, time.Time{}},
		{resource.PGKept{Full: full, Last: full}, early, early},
		{resource.PGKept{Full: full, Last: torn}, late, early},
		{resource.PGKept{Full: torn, Last: torn}, late, time.Time{}},
	} {
		if ended, verified := c.kept.LastBackup(); !ended.Equal(c.ended) || !verified.Equal(c.verified) {
			t.Errorf("%+v: %v, %v", c.kept, ended, verified)
		}
	}
}
