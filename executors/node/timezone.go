package node

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

const zoneinfo = "/usr/share/zoneinfo/"

var zoneName = regexp.MustCompile(`^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$`)

// seeTimezone reads the name from the link that every program follows; no link is UTC, as localtime(5)
// has it.
func (v *view) seeTimezone() (resource.Spec, error) {
	link, err := v.seeLink("/etc/localtime")
	if err != nil {
		return nil, err
	}
	l, ok := link.(resource.Link)
	if !ok {
		return resource.Timezone{Name: "UTC"}, nil
	}
	target := l.Target
	if !path.IsAbs(target) {
		target = path.Join("/etc", target)
	}
	name, ok := strings.CutPrefix(target, zoneinfo)
	if !ok {
		return nil, fmt.Errorf("/etc/localtime leads to %s, which is no time zone", l.Target)
	}
	return resource.Timezone{Name: name}, nil
}

// makeTimezone links the zone, and names it in Debian's own file where there is one.
func (w *work) makeTimezone(ctx context.Context, want resource.Timezone, _ resource.Spec) error {
	if !zoneName.MatchString(want.Name) {
		return fmt.Errorf("%q is no name of a time zone", want.Name)
	}
	_, info, err := w.stat(zoneinfo + want.Name)
	switch {
	case err != nil:
		return err
	case info == nil || info.IsDir():
		return fmt.Errorf("this node knows no time zone %q: see timedatectl list-timezones", want.Name)
	}
	if err := w.nameZone(want.Name); err != nil {
		return err
	}
	zone := *w
	zone.id.Name = "/etc/localtime"
	return zone.makeLink(ctx, resource.Link{Target: ".." + zoneinfo + want.Name}, nil)
}

func (w *work) nameZone(name string) error {
	s, info, err := w.stat("/etc/timezone")
	if err != nil || info == nil {
		return err
	}
	if err := mustBe(info, 0, "a file"); err != nil {
		return errors.Join(errors.New("/etc/timezone"), err)
	}
	d, err := w.draft(s, []byte(name+"\n"), 0o644, "", "")
	if err != nil {
		return err
	}
	d.forget = true // one line that says what the link says
	return w.write(s, d)
}
