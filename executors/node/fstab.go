package node

import (
	"fmt"
	"slices"
	"strings"
)

// mounted fails where fstab has a disk of its own for a new directory, and it is not there: what came to lie
// on the disk below would vanish when the right one is back.
func (w *work) mounted(name string) error {
	table, err := w.small(fstab)
	if err != nil {
		return err
	}
	point := mountPointOf(string(table), name)
	if point == "" {
		return nil
	}
	now, err := w.small("/proc/self/mounts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(now)) {
		if f := strings.Fields(line); len(f) > 1 && f[1] == point {
			return nil
		}
	}
	return fmt.Errorf("%s has a disk of its own in %s, which is not mounted: nothing is made on the one below", point, fstab)
}

// mountPointOf is the nearest place above name, or name itself, at which fstab mounts something by
// itself; "" for none but the root.
func mountPointOf(table, name string) (nearest string) {
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 4 || strings.HasPrefix(f[0], "#") || slices.Contains(strings.Split(f[3], ","), "noauto") {
			continue
		}
		point := f[1]
		above := point != "/" && (name == point || strings.HasPrefix(name, point+"/"))
		if above && len(point) > len(nearest) {
			nearest = point
		}
	}
	return nearest
}
