package resource

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// fields gathers differences; its methods add one when the two sides differ.
type fields []Field

func (d *fields) text(path, have, want string, h Hazard) {
	if have != want {
		*d = append(*d, Field{Path: path, Have: have, Want: want, Hazard: h})
	}
}

func (d *fields) flag(path string, have, want bool, h Hazard) {
	d.text(path, strconv.FormatBool(have), strconv.FormatBool(want), h)
}

// mode compares permission bits; a wanted 0 is any.
func (d *fields) mode(path string, have, want uint32) {
	if want != 0 {
		d.text(path, octal(have), octal(want), 0)
	}
}

// list compares as sets: the order of groups or names means nothing.
func (d *fields) list(path string, have, want []string, h Hazard) {
	d.text(path, sorted(have), sorted(want), h)
}

// owner compares owner and group; a wanted "" is anybody.
func (d *fields) owner(haveUser, wantUser, haveGroup, wantGroup string) {
	if wantUser != "" {
		d.text("owner", haveUser, wantUser, 0)
	}
	if wantGroup != "" {
		d.text("group", haveGroup, wantGroup, 0)
	}
}

func octal(m uint32) string {
	if m == 0 {
		return ""
	}
	return fmt.Sprintf("%04o", m)
}

func sorted(list []string) string {
	return strings.Join(slices.Sorted(slices.Values(list)), " ")
}
