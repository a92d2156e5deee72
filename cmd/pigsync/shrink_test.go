package main

import "testing"

func TestReadOnly(t *testing.T) {
	for line, want := range map[string][2]uintptr{
		"00400000-01f00000 r-xp 00000000 fe:00 1234                   /p":     {0x400000, 0x1f00000},
		"01f00000-02a00000 r--p 01b00000 fe:00 1234                   /p":     {0x1f00000, 0x2a00000},
		"02a00000-02b00000 rw-p 02600000 fe:00 1234                   /p":     {},
		"00400000-01f00000 r-xp 00000000 fe:00 1234                   /q":     {},
		"7ffd1000-7ffd3000 r-xp 00000000 00:00 0                      [vdso]": {},
		"c000000000-c000400000 rw-p 00000000 00:00 0":                         {},
		"x-y r-xp 0 fe:00 1 /p": {},
		"":                      {},
	} {
		from, to, ok := readOnly(line, "/p")
		if from != want[0] || to != want[1] || ok != (want[1] != 0) {
			t.Errorf("%q: %x-%x %v", line, from, to, ok)
		}
	}
	shrink() // and this program goes on
}
