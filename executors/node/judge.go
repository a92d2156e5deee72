package node

import (
	"fmt"
	"reflect"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// judge decides whether a change may be made on what is there now. done says that it holds already.
func judge(c diff.Change, now resource.Spec) (done bool, err error) {
	switch {
	case c.Action != diff.Create && c.Action != diff.Update && c.Action != diff.Delete:
		return false, fmt.Errorf("action %q cannot be applied", c.Action)
	case c.Spec == nil && c.Action != diff.Delete:
		return false, diff.ErrNotKnown
	case c.Spec != nil && c.Spec.Kind() != c.ID.Kind:
		return false, fmt.Errorf("the spec is one of a %s", c.Spec.Kind())
	case isPG(c.ID.Kind):
		return judgePG(c, now)
	case moved(c, now):
		return false, executors.ErrMoved
	case c.Action == diff.Delete:
		return now == nil, nil
	}
	return now != nil && shared(c.ID.Kind) && len(c.Spec.Compare(now)) == 0, nil
}

// shared kinds come about by themselves when a neighbour is made: a package brings others, its users, groups
// and directories, and an account its home.
func shared(k resource.Kind) bool {
	return k == resource.KindPackage || k == resource.KindUser || k == resource.KindGroup || k == resource.KindDir
}

func moved(c diff.Change, now resource.Spec) bool {
	switch have := c.Have.(type) {
	case resource.Unit:
		return unitMoved(c, have, now)
	case nil:
		if c.ID.Kind == resource.KindUnit {
			return unitMoved(c, resource.Unit{}, now)
		}
		if p, half := now.(resource.Package); half && p.Trouble != "" && c.Action == diff.Create {
			return false // an attempt of ours failed: what was to be made is to be mended
		}
		held := now != nil && shared(c.ID.Kind) && c.Action != diff.Delete
		return now != nil && (!held || len(c.Spec.Compare(now)) > 0)
	case resource.Dir:
		return dirMoved(c, have, now)
	}
	return !reflect.DeepEqual(c.Have, now)
}

// dirMoved leaves the contents out where they do not matter: they change all the time.
func dirMoved(c diff.Change, have resource.Dir, now resource.Spec) bool {
	n, ok := now.(resource.Dir)
	if want, _ := c.Spec.(resource.Dir); !want.Vacant {
		have.Vacant, n.Vacant = false, false
	}
	return !ok || n != have
}

// unitMoved looks at what runs only: whether systemd knows the unit, whether it is enabled and
// whether its file is newer than its picture are changed by the steps before this one. A restart or
// a reload that was not planned is a move.
func unitMoved(c diff.Change, have resource.Unit, now resource.Spec) bool {
	n, _ := now.(resource.Unit)
	if c.Action == diff.Delete {
		return n.Active && !have.Active // one that ended by itself is on its way out already
	}
	if n.Active != have.Active {
		return true
	}
	want, _ := c.Spec.(resource.Unit)
	restart, reload := have.Inputs != want.Inputs, have.Conf != want.Conf
	return n.Active && want.Active && !restart && (n.Inputs != want.Inputs || !reload && n.Conf != want.Conf)
}
