package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// basePackages are on every bare node besides what is essential in Debian.
func basePackages() []string {
	return []string{"systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "ca-certificates", "iproute2", "procps"}
}

// baseHooks turn what mmdebstrap installed into a node that waits to be told what it is. The
// root is $1.
func baseHooks() []string {
	return []string{
		fmt.Sprintf(`chroot "$1" groupadd --gid %[1]d %[2]s && chroot "$1" useradd --uid %[1]d --gid %[1]d --create-home --shell /bin/bash %[2]s`, userID, User),
		fmt.Sprintf(`echo '%s ALL=(ALL) NOPASSWD: ALL' >"$1/etc/sudoers.d/90-admin" && chmod 440 "$1/etc/sudoers.d/90-admin"`, User),
		`rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/resolv.conf" "$1/etc/hostname"`,
		`echo LANG=C.UTF-8 >"$1/etc/default/locale"`,
		`systemctl --root="$1" enable systemd-networkd ssh`,
		// There is no uplink to wait for and no archive to refresh from.
		`systemctl --root="$1" mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer`,
		// Under control groups of version 1 a user's manager does not stop, and logins stall
		// behind it. A session over ssh does not need one.
		`systemctl --root="$1" mask user@.service`,
		// All nodes have the host's clock, which is not theirs to set.
		`mkdir "$1/etc/systemd/system/chrony.service.d" && printf '[Unit]\nConditionCapability=\n[Service]\nExecStart=\n` +
			`ExecStart=!/usr/sbin/chronyd -x $DAEMON_OPTS\n' >"$1/etc/systemd/system/chrony.service.d/10-host-clock.conf"`,
		`sed -i /pam_systemd.so/d "$1"/etc/pam.d/common-session*`,
	}
}

// neutral is what a node has instead of the sources and options it was built with.
func neutral(root string) error {
	if err := os.WriteFile(filepath.Join(root, "etc/apt/sources.list"), nil, 0o644); err != nil {
		return err
	}
	if err := remove(filepath.Join(root, "etc/apt/apt.conf.d/99mmdebstrap")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "etc/machine-id"), []byte("uninitialized\n"), 0o644)
}

// digest is a short name for what something is made from.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:6])
}

// base returns the directory of a suite's bare root file system, and builds it if need be.
func (l *Lab) base(ctx context.Context, s Suite) (string, error) {
	recipe := append(basePackages(), baseHooks()...)
	dir := filepath.Join(l.cfg.Cache, fmt.Sprintf("base-%s-%s", s, digest(recipe...)))
	return dir, l.cached(ctx, dir, "base system", func(tmp string) error { return debootstrap(ctx, s, tmp) })
}

// cached builds dir unless it is there, alone on this machine, and lets it appear only when
// it is whole.
func (l *Lab) cached(ctx context.Context, dir, what string, build func(tmp string) error) error {
	release, err := lock(ctx, dir+".lock", false)
	if err != nil {
		return err
	}
	defer release()
	if exists(dir) {
		return nil
	}
	start := time.Now()
	l.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "building", slog.String("what", what), slog.String("dir", dir))
	tmp, err := freshDir(dir)
	if err != nil {
		return err
	}
	if err := build(tmp); err != nil {
		return fmt.Errorf("build %s: %w", what, errors.Join(err, removeTree(tmp)))
	}
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	l.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "built", slog.String("what", what), slog.String("dir", dir), slog.Duration("took", time.Since(start)))
	return nil
}

// freshDir is a directory that does not exist, beside dir. A builder that was killed may have
// left a child that still writes to its own; what can be removed of such is.
func freshDir(dir string) (string, error) {
	stale, err := filepath.Glob(dir + ".tmp-*")
	if err != nil {
		return "", err
	}
	for _, path := range stale {
		_ = removeTree(path) // the next build tries again
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".tmp-*")
	if err != nil {
		return "", err
	}
	return tmp, os.Chmod(tmp, 0o755)
}

// debootstrap installs a suite into root.
func debootstrap(ctx context.Context, s Suite, root string) error {
	m, err := findMirrors(ctx)
	if err != nil {
		return err
	}
	options, err := aptOptions(ctx)
	if err != nil {
		return err
	}
	args := []string{"--quiet", "--mode=root", "--format=directory", "--variant=apt", "--include=" + strings.Join(basePackages(), ",")}
	for _, o := range options {
		args = append(args, "--aptopt="+o)
	}
	for _, h := range baseHooks() {
		args = append(args, "--customize-hook="+h)
	}
	args = append(args, string(s), root)
	if _, err := run(ctx, "mmdebstrap", append(args, m.sources(s)...)...); err != nil {
		return err
	}
	return neutral(root)
}
