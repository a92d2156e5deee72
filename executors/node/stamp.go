package node

import (
	"encoding/json"
	"fmt"

	"github.com/pigsync/pigsync/resource"
)

// stampName is the file that remembers something of a resource of a kind.
func stampName(kind, name string) string {
	return kind + "-" + digestOf([]byte(name))[:32] + ".json"
}

// stamp reads a stamp. One that is not there or is no JSON reads as empty: losing it costs little.
func (v *view) stamp(kind, name string, into any) error {
	b, err := v.small(stateDir + "/stamps/" + stampName(kind, name))
	if err != nil {
		return fmt.Errorf("read the stamp: %w", plain(err))
	}
	_ = json.Unmarshal(b, into) // see above
	return nil
}

func (w *work) putStamp(kind, name string, from any) error {
	dir, err := w.state("stamps")
	if err != nil {
		return err
	}
	b, err := json.Marshal(from)
	if err != nil {
		return err
	}
	file := stampName(kind, name)
	s := spot{dir: dir, name: file, path: stateDir + "/stamps/" + file}
	return w.write(s, draft{content: b, mode: 0o600, uid: -1, gid: -1, forget: true})
}

// dropStamp is over when nothing can bring the stamp back.
func (w *work) dropStamp(kind, name string) error {
	dir, err := w.state("stamps")
	if err != nil {
		return err
	}
	if err := dir.Remove(stampName(kind, name)); err != nil {
		if absent(err) {
			return nil
		}
		return err
	}
	return syncDir(dir)
}

func unitNames(ids []resource.ID) []string {
	var names []string
	for _, id := range ids {
		if id.Kind == resource.KindUnit {
			names = append(names, id.Name)
		}
	}
	return names
}
