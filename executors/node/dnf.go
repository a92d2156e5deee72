package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// dnf runs dnf. It waits for other runs of dnf by itself, and we for those of rpm. A real run is never
// cut: half a transaction is worse than waiting.
func (w *work) dnf(ctx context.Context, real bool, args ...string) ([]byte, error) {
	if real {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	for {
		out, err := w.l.run(ctx, Command{Argv: append([]string{"dnf"}, args...), Whole: real})
		if err == nil || !rpmBusy(out) {
			return out, err
		}
		select {
		case <-ctx.Done():
			return out, ctx.Err()
		case <-time.After(lockRetry):
		}
	}
}

// rpmBusy tells whether somebody else holds the database.
func rpmBusy(out []byte) bool {
	return bytes.Contains(out, []byte("can't create transaction lock on")) || bytes.Contains(out, []byte("Failed to obtain the transaction lock"))
}

// Sources of others that cannot be reached are nobody's obstacle.
const withoutDead = "--setopt=*.skip_if_unavailable=True"

func (w *work) dnfOffers(ctx context.Context, names []string) (map[string]bool, error) {
	out, err := w.dnf(ctx, false, append([]string{"--quiet", "--assumeyes", withoutDead, "repoquery", "--available", "--queryformat", `%{name}\n`}, names...)...)
	if err != nil {
		return nil, said("dnf repoquery", out, err)
	}
	return parseNames(string(out)), nil
}

// parseNames reads a name a line; dnf 4 ends lines by itself, dnf 5 does not. What is no name is a
// remark of dnf.
func parseNames(out string) map[string]bool {
	names := map[string]bool{}
	for line := range strings.Lines(out) {
		if name := strings.TrimSpace(line); name != "" && !strings.ContainsAny(name, " :") {
			names[name] = true
		}
	}
	return names
}

// dnfSimulate lets dnf resolve and answers no. It then ends as if it had failed, as it does when it
// could not resolve; what it shows tells one from the other.
func (w *work) dnfSimulate(ctx context.Context, verb string, items []string) (simulation, error) {
	args := []string{"--assumeno", withoutDead, "--setopt=install_weak_deps=False", "--setopt=clean_requirements_on_remove=False", verb}
	out, err := w.dnf(ctx, false, append(args, items...)...)
	s, resolved := parseTransaction(string(out))
	if err != nil && !resolved {
		return s, said("dnf", out, err)
	}
	return s, nil
}

// parseTransaction reads the table that dnf shows before it asks. resolved tells whether there was one.
func parseTransaction(out string) (s simulation, resolved bool) {
	var list *[]string
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, " \r\n")
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || strings.HasPrefix(line, "==="):
		case line == "Transaction Summary" || line == "Transaction Summary:":
			return s, true
		case line[0] != ' ':
			list = s.section(line)
		case f[0] == "replacing" && len(f) > 1:
			s.removed = append(s.removed, bare(f[1]))
		case list != nil && isEntry(line):
			*list = append(*list, f[0])
		}
	}
	return s, false
}

// section is the list that a heading begins, nil for one of no interest.
func (s *simulation) section(heading string) *[]string {
	switch word, _, _ := strings.Cut(strings.TrimSuffix(heading, ":"), " "); word {
	case "Installing", "Reinstalling":
		return &s.installed
	case "Upgrading":
		return &s.upgraded
	case "Downgrading":
		return &s.downgraded
	case "Removing":
		return &s.removed
	}
	return nil
}

// isEntry tells whether a line begins a package: one space before it. What follows a name that is too
// long for its column is further in.
func isEntry(line string) bool { return len(line) > 1 && line[0] == ' ' && line[1] != ' ' }

// bare is a package without its architecture.
func bare(name string) string {
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		return name[:i]
	}
	return name
}

func (w *work) dnfInstall(ctx context.Context, items []string) error {
	release, err := w.alone(ctx)
	if err != nil {
		return err
	}
	defer release()
	out, err := w.dnf(ctx, true, append([]string{"--assumeyes", withoutDead, "--setopt=install_weak_deps=False", "install"}, items...)...)
	return said("dnf", out, err)
}

func (w *work) dnfRemove(ctx context.Context, name string) error {
	out, err := w.dnf(ctx, true, "--assumeyes", "--setopt=clean_requirements_on_remove=False", "remove", name)
	return said("dnf", out, err)
}

var errNoRepair = errors.New("rpm knows no package that is half installed")

func (w *work) dnfRepair(context.Context, string) error { return errNoRepair }

// dnfFetch gets the index of the sources of one file, which must be had: what dnf leaves out quietly has
// not been fetched.
func (w *work) dnfFetch(ctx context.Context, _ string, stamp repoStamp) error {
	if err := w.dropStamp("repo", stamp.Path); err != nil {
		return fmt.Errorf("forget what was fetched: %w", err)
	}
	text, err := w.small(stamp.Path)
	if err != nil {
		return err
	}
	if ids := repoIDs(string(text)); len(ids) > 0 {
		args := []string{"--quiet", "--assumeyes", "--refresh", "--setopt=*.skip_if_unavailable=False"}
		for _, id := range ids {
			args = append(args, "--repo="+id)
		}
		if out, err := w.dnf(ctx, false, append(args, "makecache")...); err != nil {
			return said("dnf makecache", out, err)
		}
	}
	return w.putStamp("repo", stamp.Path, stamp)
}

// repoIDs are the sections of a .repo file.
func repoIDs(text string) (ids []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if id, ok := strings.CutPrefix(line, "["); ok && strings.HasSuffix(id, "]") && id != "main]" {
			ids = append(ids, strings.TrimSuffix(id, "]"))
		}
	}
	return ids
}
