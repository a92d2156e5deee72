package node

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

const (
	activeProfile = "/etc/tuned/active_profile"
	// hugePages is the one setting of a profile that is no sysctl; the value in force is in brackets.
	hugePages     = "transparent_hugepages"
	hugePagesPath = "/sys/kernel/mm/transparent_hugepage/enabled"
)

// tunedStamp remembers the profile that we applied, what it left the kernel with, and what was active
// before it was ours.
type tunedStamp struct {
	Profile, Sum string
	Before       string
	Wanted, Left map[string]string // by parameter: what the profile says, and what it was before and after
}

func (v *view) seeTuned() (resource.Spec, error) {
	var stamp tunedStamp
	if err := v.stamp("tuned", "node", &stamp); err != nil || stamp.Profile == "" {
		return nil, err
	}
	active, err := v.small(activeProfile)
	if err != nil {
		return nil, err
	}
	t := resource.Tuned{Profile: strings.TrimSpace(string(active))}
	if t.Profile != stamp.Profile {
		return t, nil
	}
	t.Sum = stamp.Sum
	for _, name := range slices.Sorted(maps.Keys(stamp.Wanted)) {
		// What the kernel has refused is as it was left, and trying again would change nothing.
		left, refused := stamp.Left[name]
		if now := v.setting(name); now != stamp.Wanted[name] && (!refused || now != left) {
			t.Drifted = append(t.Drifted, name)
		}
	}
	return t, nil
}

// setting is the value in force; "" is none, for the kernel has no such parameter now.
func (v *view) setting(name string) string {
	if name != hugePages {
		now, _ := v.sysctl(name) // see above
		return now
	}
	b, _ := v.small(hugePagesPath) // see above
	_, now, _ := strings.Cut(string(b), "[")
	now, _, _ = strings.Cut(now, "]")
	return now
}

func (w *work) makeTuned(ctx context.Context, want resource.Tuned, have resource.Spec) error {
	var stamp tunedStamp
	if err := w.stamp("tuned", "node", &stamp); err != nil {
		return err
	}
	if have == nil {
		active, err := w.small(activeProfile)
		if err != nil {
			return err
		}
		stamp.Before = strings.TrimSpace(string(active))
	}
	before := map[string]string{}
	for name := range want.Settings {
		before[name] = w.setting(name)
	}
	if err := w.command(ctx, "tuned-adm", "profile", want.Profile); err != nil {
		return err
	}
	stamp.Profile, stamp.Sum, stamp.Wanted, stamp.Left = want.Profile, want.Sum, want.Settings, map[string]string{}
	for name := range want.Settings {
		if now := w.setting(name); now == before[name] { // what is something else now, somebody else has changed
			stamp.Left[name] = now
		}
	}
	return w.putStamp("tuned", "node", stamp)
}

// removeTuned goes back to the profile from before, or to the one that tuned itself thinks best when that
// was one of the same name.
func (w *work) removeTuned(ctx context.Context) error {
	var stamp tunedStamp
	if err := w.stamp("tuned", "node", &stamp); err != nil {
		return err
	}
	argv := []string{"tuned-adm", "profile", stamp.Before}
	if stamp.Before == "" || stamp.Before == stamp.Profile {
		argv = []string{"tuned-adm", "auto_profile"}
	}
	if err := w.command(ctx, argv...); err != nil {
		return err
	}
	return w.dropStamp("tuned", "node")
}
