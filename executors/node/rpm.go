package node

import (
	"context"
	"path"
	"strings"
)

// versionLocks is where the plugin versionlock of dnf keeps what it is told.
const versionLocks = "/etc/dnf/plugins/versionlock.list"

// readRPM asks rpm for all it knows: its database has one form on EL 8 and another on EL 9 and 10.
func (v *view) readRPM(ctx context.Context, names map[string]bool) (map[string]packageState, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	out, err := v.l.run(ctx, Command{Argv: []string{"rpm", "-qa", "--qf", `%{NAME} %{ARCH} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\n`}})
	if err != nil {
		return nil, said("rpm", out, err)
	}
	locks, err := v.small(versionLocks)
	if err != nil {
		return nil, err
	}
	return parseRPM(string(out), parseLocks(string(locks)), names), nil
}

// parseRPM reads lines as "haproxy x86_64 0:2.4.22-3.el9_3". Of a package installed for several
// architectures, the first one counts that is not of the 32-bit kind.
func parseRPM(out string, locks []string, names map[string]bool) map[string]packageState {
	found := map[string]packageState{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) != 3 || !names[f[0]] {
			continue
		}
		if _, again := found[f[0]]; again && f[1] == "i686" {
			continue
		}
		found[f[0]] = packageState{
			status: "installed", version: strings.TrimPrefix(f[2], "0:"), held: isLocked(locks, f[0], f[2], f[1]),
		}
	}
	return found
}

// parseLocks reads what versionlock keeps: a pattern a line, those that begin with ! keep versions away.
func parseLocks(text string) (locks []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' && line[0] != '!' {
			locks = append(locks, line)
		}
	}
	return locks
}

// isLocked tells whether a pattern is about what is installed. Patterns are as dnf takes them: a name,
// then perhaps epoch, version, release and architecture.
func isLocked(locks []string, name, version, arch string) bool {
	epoch, rest, _ := strings.Cut(version, ":")
	short, _, _ := strings.Cut(rest, "-")
	forms := []string{
		name, name + "." + arch, name + "-" + short, name + "-" + rest, name + "-" + rest + "." + arch,
		name + "-" + epoch + ":" + short, name + "-" + epoch + ":" + rest, name + "-" + epoch + ":" + rest + "." + arch,
	}
	for _, lock := range locks {
		for _, form := range forms {
			if ok, err := path.Match(lock, form); ok && err == nil {
				return true
			}
		}
	}
	return false
}
