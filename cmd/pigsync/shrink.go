package main

import (
	"bufio"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// shrink gives back what only the start of this program needed: the helper shares its machine with a
// database. The pages of the program's own file that are needed again are read again. It is a
// courtesy: where it does not work, nothing is lost but memory.
func shrink() {
	debug.FreeOSMemory()
	self, err := os.Executable()
	if err != nil {
		return
	}
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if from, to, ok := readOnly(lines.Text(), self); ok {
			// Nothing is lost: these pages are as the file has them.
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
		}
	}
}

// readOnly reads a line of /proc/self/maps, and tells whether it is a part of the file that cannot be
// written to: "00400000-01f00000 r-xp 00000000 fe:00 1234   /usr/bin/pigsync".
func readOnly(line, file string) (from, to uintptr, ok bool) {
	fields := strings.Fields(line)
	if len(fields) != 6 || fields[5] != file || len(fields[1]) < 2 || fields[1][1] != '-' {
		return 0, 0, false
	}
	low, high, _ := strings.Cut(fields[0], "-")
	a, err := strconv.ParseUint(low, 16, 64)
	if err != nil {
		return 0, 0, false
	}
	b, err := strconv.ParseUint(high, 16, 64)
	return uintptr(a), uintptr(b), err == nil && b > a
}
