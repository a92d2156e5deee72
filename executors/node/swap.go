package node

import (
	"context"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

const (
	fstab = "/etc/fstab"
	// swapMark begins the lines of fstab that we have switched off.
	swapMark = "# pigsync swap: "
)

type noSwapStamp struct{ Ours bool }

func (v *view) seeNoSwap() (resource.Spec, error) {
	var stamp noSwapStamp
	if err := v.stamp("noswap", "node", &stamp); err != nil || !stamp.Ours {
		return nil, err
	}
	table, err := v.small(fstab)
	if err != nil {
		return nil, err
	}
	now, err := v.small("/proc/swaps")
	return resource.NoSwap{Active: swapsOf(string(now)), Kept: swapLines(string(table))}, err
}

// swapsOf reads /proc/swaps, whose first line is a heading.
func swapsOf(text string) (names []string) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 1 && f[0] != "Filename" {
			names = append(names, f[0])
		}
	}
	return names
}

func swapLines(table string) (found []string) {
	for line := range strings.Lines(table) {
		if isSwap(line) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func isSwap(line string) bool {
	f := strings.Fields(line)
	return len(f) > 2 && !strings.HasPrefix(f[0], "#") && f[2] == "swap"
}

func (w *work) makeNoSwap(ctx context.Context, _ resource.NoSwap, _ resource.Spec) error {
	if err := w.putStamp("noswap", "node", noSwapStamp{Ours: true}); err != nil {
		return err
	}
	if err := w.inFstab(func(line string) string {
		if isSwap(line) {
			return swapMark + line
		}
		return line
	}); err != nil {
		return err
	}
	now, err := w.small("/proc/swaps")
	if err != nil || len(swapsOf(string(now))) == 0 {
		return err
	}
	return w.command(ctx, "swapoff", "-a")
}

// removeNoSwap gives the node the swap back that fstab had.
func (w *work) removeNoSwap(ctx context.Context) error {
	back := false
	if err := w.inFstab(func(line string) string {
		line, ours := strings.CutPrefix(line, swapMark)
		back = back || ours
		return line
	}); err != nil {
		return err
	}
	if back {
		if err := w.command(ctx, "swapon", "-a"); err != nil {
			return err
		}
	}
	return w.dropStamp("noswap", "node")
}

func (w *work) inFstab(change func(line string) string) error {
	if there, err := w.anyOf(fstab); err != nil || !there {
		return err
	}
	return w.rewrite(fstab, func(text string) string {
		var b strings.Builder
		for line := range strings.Lines(text) {
			b.WriteString(change(line))
		}
		return b.String()
	})
}
