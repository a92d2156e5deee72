package node

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Whoever may begin waits as long as others come, and no longer.
func TestWishesAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l wishes
		began := time.Now()
		wish := func(name string) {
			l.add(diff.Change{Action: diff.Create, Resource: resource.Resource{
				ID: resource.ID{Kind: resource.KindPackage, Name: name}, Spec: resource.Package{},
			}})
		}
		wish("a")
		for _, name := range []string{"b", "c", "d"} {
			go func() {
				time.Sleep(time.Duration(name[0]-'a') * gathering / 2)
				wish(name)
			}()
		}
		l.gathered(t.Context())
		if took := time.Since(began); took != gathering*5/2 || len(l.all) != 4 {
			t.Errorf("%d wishes after %s, want 4 after %s", len(l.all), took, gathering*5/2)
		}
	})
}
