package node

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/pigsync/pigsync/resource"
)

// readAheadStamp remembers what is ours, and what the disks were read ahead by before.
type readAheadStamp struct {
	KB     int
	Before map[string]int
}

func (v *view) seeReadAhead() (resource.Spec, error) {
	var stamp readAheadStamp
	if err := v.stamp("readahead", "node", &stamp); err != nil || stamp.KB == 0 {
		return nil, err
	}
	disks, err := v.rotating()
	var less []string
	for disk, kb := range disks {
		if kb != stamp.KB {
			less = append(less, disk)
		}
	}
	slices.Sort(less)
	return resource.ReadAhead{KB: stamp.KB, Less: less}, err
}

// rotating are the disks that turn, and by how many KB they are read ahead.
func (v *view) rotating() (map[string]int, error) {
	s, info, err := v.stat("/sys/block")
	if err != nil || info == nil {
		return nil, err
	}
	dir, err := s.dir.OpenRoot(s.name)
	if err != nil {
		return nil, err
	}
	defer shut(dir)
	names, err := namesIn(dir)
	if err != nil {
		return nil, err
	}
	disks := map[string]int{}
	for _, name := range names {
		if isVirtual(name) {
			continue
		}
		turns, err := v.small("/sys/block/" + name + "/queue/rotational")
		if err != nil {
			return nil, err
		}
		kb, err := v.small("/sys/block/" + name + "/queue/read_ahead_kb")
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(string(turns)) == "1" {
			disks[name], _ = strconv.Atoi(strings.TrimSpace(string(kb))) // the kernel writes a number
		}
	}
	return disks, nil
}

// isVirtual tells of devices that say they turn, and have nothing that could.
func isVirtual(name string) bool {
	return slices.ContainsFunc([]string{"loop", "ram", "zram", "sr", "fd"}, func(p string) bool { return strings.HasPrefix(name, p) })
}

func (w *work) makeReadAhead(_ context.Context, want resource.ReadAhead, have resource.Spec) error {
	disks, err := w.rotating()
	if err != nil {
		return err
	}
	var stamp readAheadStamp
	if err := w.stamp("readahead", "node", &stamp); err != nil {
		return err
	}
	if stamp.Before == nil || have == nil {
		stamp.Before = map[string]int{}
	}
	for disk, kb := range disks {
		if _, known := stamp.Before[disk]; !known {
			stamp.Before[disk] = kb
		}
	}
	stamp.KB = want.KB
	if err := w.putStamp("readahead", "node", stamp); err != nil {
		return err
	}
	for disk, kb := range disks {
		if err := w.setReadAhead(disk, kb, want.KB); err != nil {
			return err
		}
	}
	return nil
}

// removeReadAhead gives the disks back what they had; one that has gone needs nothing.
func (w *work) removeReadAhead(context.Context) error {
	var stamp readAheadStamp
	if err := w.stamp("readahead", "node", &stamp); err != nil {
		return err
	}
	disks, err := w.rotating()
	if err != nil {
		return err
	}
	for disk, kb := range stamp.Before {
		if now, there := disks[disk]; there {
			if err := w.setReadAhead(disk, now, kb); err != nil {
				return err
			}
		}
	}
	return w.dropStamp("readahead", "node")
}

func (w *work) setReadAhead(disk string, now, kb int) error {
	if now == kb {
		return nil
	}
	s, err := w.at("/sys/block/" + disk + "/queue/read_ahead_kb")
	if err != nil {
		return err
	}
	f, err := s.dir.OpenFile(s.name, os.O_WRONLY|syscall.O_NOFOLLOW, 0)
	if err == nil {
		_, err = fmt.Fprintln(f, kb)
		if shut := f.Close(); err == nil {
			err = shut
		}
	}
	if err != nil {
		return fmt.Errorf("the kernel refuses to read %s ahead by %d KB: %w", disk, kb, plain(err))
	}
	return nil
}
