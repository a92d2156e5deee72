package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	// installTimeout bounds an installation, downloads included; dpkg is never cut before.
	installTimeout = 15 * time.Minute
	// fetchTimeout bounds the fetching of an index, the wait for its lock included.
	fetchTimeout = 5 * time.Minute
	// lockRetry is how often a lock is tried again; apt has no option to wait for that of its lists.
	lockRetry = 2 * time.Second
)

// aptInstall installs for good. Services stay quiet until their unit is asked for.
func (w *work) aptInstall(ctx context.Context, items []string) error {
	release, err := w.alone(ctx)
	if err != nil {
		return err
	}
	defer release()
	quiet, err := w.quietServices()
	if err != nil {
		return err
	}
	_, err = w.apt(ctx, true, append([]string{"--no-install-recommends", "install", "--"}, items...)...)
	return errors.Join(err, quiet())
}

func (w *work) aptRemove(ctx context.Context, name string) error {
	_, err := w.apt(ctx, true, "remove", "--", name)
	return err
}

func (w *work) aptSimulate(ctx context.Context, verb string, items []string) (simulation, error) {
	out, err := w.apt(ctx, false, append([]string{"--simulate", "--no-install-recommends", verb, "--"}, items...)...)
	return parseSimulation(string(out)), err
}

// repair finishes an installation that was cut short. What dpkg cannot configure is unpacked again.
func (w *work) repair(ctx context.Context, name string) error {
	release, err := w.alone(ctx)
	if err != nil {
		return err
	}
	defer release()
	quiet, err := w.quietServices()
	if err != nil {
		return err
	}
	w.log.InfoContext(ctx, "repairing", slog.Any("id", w.id), slog.String("package", name))
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), installTimeout)
	defer cancel()
	configure := Command{Argv: []string{"dpkg", "--force-confold", "--configure", "--pending"}, Whole: true, Env: []string{"DEBIAN_FRONTEND=noninteractive"}}
	out, cause := w.l.run(whole, configure)
	if cause = said("dpkg", out, cause); cause != nil {
		w.log.WarnContext(ctx, "not all could be configured", slog.Any("err", cause))
	}
	_, err = w.apt(ctx, true, "--reinstall", "--no-remove", "--no-install-recommends", "install", "--", name)
	if err != nil {
		err = errors.Join(cause, err) // apt of Debian 12 does not say what is wrong with the package
	}
	return errors.Join(err, quiet())
}

// alone waits until no other helper of this node installs: the one of a controller that was killed
// finishes what it began, and would lift our policy with its own.
func (w *work) alone(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	dir, err := w.state("locks")
	if err != nil {
		return nil, err
	}
	f, err := dir.OpenFile("install", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of installations: %w", err)
	}
	for syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		select {
		case <-ctx.Done():
			shut(f)
			return nil, fmt.Errorf("wait for another installation: %w", ctx.Err())
		case <-time.After(lockRetry):
		}
	}
	return func() { shut(f) }, nil
}

// apt runs apt-get. A real run is never cut: a package half configured is worse than waiting.
func (w *work) apt(ctx context.Context, real bool, args ...string) ([]byte, error) {
	argv := append([]string{
		"apt-get", "--yes", "--quiet=2",
		"-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=120",
	}, args...)
	if real {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	out, err := w.l.run(ctx, Command{
		Argv: argv, Whole: real,
		Env: []string{"DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1", "APT_LISTCHANGES_FRONTEND=none"},
	})
	return out, said("apt-get", out, err)
}

// aptOffers tells which of the names have a candidate.
func (w *work) aptOffers(ctx context.Context, names []string) (map[string]bool, error) {
	out, err := w.policy(ctx, names)
	if err != nil {
		out, err = w.policyAnew(ctx, names)
	}
	return parsePolicy(string(out)), err
}

func (w *work) policy(ctx context.Context, names []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	out, err := w.l.run(ctx, Command{Argv: append([]string{"apt-cache", "policy", "--"}, names...)})
	return out, said("apt-cache", out, err)
}

// policyAnew asks once more after all was fetched anew, unless somebody has done so since: apt cannot
// read what a power cut has torn while somebody else fetched it.
func (w *work) policyAnew(ctx context.Context, names []string) ([]byte, error) {
	release, err := w.alone(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if out, err := w.policy(ctx, names); err == nil {
		return out, nil
	}
	w.log.WarnContext(ctx, "apt cannot read its lists: they are fetched anew", slog.Any("id", w.id))
	fetch := w.refetch(ctx)
	out, err := w.policy(ctx, names)
	if err != nil {
		err = errors.Join(err, fetch)
	}
	return out, err
}

// parsePolicy reads which packages have a candidate.
func parsePolicy(out string) map[string]bool {
	offered := map[string]bool{}
	for name := range parseCandidates(out) {
		offered[name] = true
	}
	return offered
}

// parseSimulation reads lines as "Inst etcd [3.4] (3.5 Debian:13 [amd64])" and "Remv etcd [3.4]".
func parseSimulation(out string) simulation {
	var s simulation
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		switch {
		case len(f) < 2:
		case f[0] == "Remv", f[0] == "Purg":
			s.removed = append(s.removed, f[1])
		case f[0] == "Inst" && len(f) > 2 && strings.HasPrefix(f[2], "["):
			s.upgraded = append(s.upgraded, f[1])
		case f[0] == "Inst":
			s.installed = append(s.installed, f[1])
		}
	}
	return s
}

const (
	policyPath = "/usr/sbin/policy-rc.d"
	policyMark = "# written by pigsync"
	// policyText refuses every start until a time: should we die, it is soon as if it were not there. The
	// message bus must learn of the services that packages bring, or they will not start later.
	policyText = "#!/bin/sh\n" + policyMark + ": no service starts by itself while packages are installed\n" +
		"[ \"$1\" = dbus ] && exit 0\n[ \"$(date +%%s)\" -lt %d ] && exit 101\nexit 0\n"
)

// quietServices keeps packages from starting services, unless somebody else's policy is there; undo
// lifts that again. What a killed predecessor left is replaced.
func (w *work) quietServices() (undo func() error, err error) {
	s, err := w.place(policyPath)
	if err != nil {
		return nil, err
	}
	text, err := textAt(s)
	if err != nil {
		return nil, err
	}
	if text != "" && !strings.Contains(text, policyMark) {
		return func() error { return nil }, nil
	}
	until := w.l.now().Add(installTimeout).Unix()
	err = w.write(s, draft{content: fmt.Appendf(nil, policyText, until), mode: 0o755, uid: -1, gid: -1, forget: true})
	return func() error { return s.dir.Remove(s.name) }, err
}
