package lab

import (
	"compress/gzip"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// packageRule is Debian policy's rule for package names.
var packageRule = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)

// repository returns the directory of a suite's offline repository, a flat one, and builds it
// if need be: the packages and all they need beyond the base system.
func (l *Lab) repository(ctx context.Context, s Suite, base string) (string, error) {
	names, err := expand(append([]string{"@node", "@etcd"}, l.cfg.Packages...))
	if err != nil {
		return "", err
	}
	const layout = "3" // of the directory; another number builds it anew
	dir := filepath.Join(l.cfg.Cache, fmt.Sprintf("repo-%s-%s", s, digest(append(names, base, layout)...)))
	return dir, l.cached(ctx, dir, "repository", func(tmp string) error { return l.fetch(ctx, s, base, tmp, names) })
}

// fetch fills dir with the packages and indexes it.
func (l *Lab) fetch(ctx context.Context, s Suite, base, dir string, names []string) error {
	pool := filepath.Join(l.cfg.Cache, "pool-"+string(s))
	release, err := lock(ctx, pool+".lock", false)
	if err != nil {
		return err
	}
	defer release()
	apt, err := newTargetApt(ctx, s, base, filepath.Join(l.cfg.Cache, "apt-"+string(s)))
	if err != nil {
		return err
	}
	files, absent, err := apt.closure(ctx, names)
	if err != nil {
		return err
	}
	absent = slices.DeleteFunc(absent, func(name string) bool { return lent(name, s) })
	if len(absent) > 0 {
		l.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "packages the suite does not have",
			slog.String("suite", string(s)), slog.String("packages", strings.Join(absent, " ")))
	}
	if err := apt.download(ctx, pool, files); err != nil {
		return err
	}
	borrowed, err := l.borrow(ctx, s, base, pool, names)
	if err != nil {
		return err
	}
	return publish(ctx, pool, dir, append(files, borrowed...))
}

// debFile is one package file of the archive.
type debFile struct {
	name   string // as apt stores it, with escapes
	public string // as the archive has it: apt would escape the escapes when it asks for the file
	spec   string // NAME:ARCH=VERSION
}

// targetApt runs the host's apt with a node's root as its own.
type targetApt struct{ options []string }

// newTargetApt keeps lists in state and brings them up to date.
func newTargetApt(ctx context.Context, s Suite, base, state string) (*targetApt, error) {
	m, err := findMirrors(ctx)
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"lists/partial", "cache/archives/partial", "etc/preferences.d"} {
		if err := os.MkdirAll(filepath.Join(state, sub), 0o755); err != nil {
			return nil, err
		}
	}
	list := filepath.Join(state, "etc/sources.list")
	if err := os.WriteFile(list, []byte(strings.Join(m.sources(s), "\n")+"\n"), 0o644); err != nil {
		return nil, err
	}
	a := &targetApt{options: []string{
		"-qq", "-o", "Dir::Etc=" + filepath.Join(state, "etc"), "-o", "Dir::Etc::sourcelist=" + list, "-o", "Dir::Etc::sourceparts=-",
		"-o", "Dir::State::lists=" + filepath.Join(state, "lists"), "-o", "Dir::State::status=" + filepath.Join(base, "var/lib/dpkg/status"),
		"-o", "Dir::State::extended_states=" + filepath.Join(state, "extended_states"), "-o", "Dir::Cache=" + filepath.Join(state, "cache"),
		"-o", "Dir::Cache::pkgcache=pkgcache.bin", "-o", "Dir::Cache::srcpkgcache=srcpkgcache.bin", // images often turn them off
		"-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false", "-o", "APT::Install-Recommends=false", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none", "-o", "Debug::NoLocking=true",
		"-o", "Acquire::Check-Valid-Until=false", // a suite that is not released may be past its date
	}}
	_, err = run(ctx, "apt-get", append(slices.Clone(a.options), "update")...)
	return a, err
}

// closure asks for each package on its own what installing it on a bare node would fetch, so
// that packages which exclude each other can both be offered.
func (a *targetApt) closure(ctx context.Context, names []string) (files []debFile, absent []string, err error) {
	known, err := run(ctx, "apt-cache", append(slices.Clone(a.options), "pkgnames")...)
	if err != nil {
		return nil, nil, err
	}
	there := map[string]bool{}
	for name := range strings.FieldsSeq(known) {
		there[name] = true
	}
	seen := map[string]bool{}
	for _, name := range names {
		if !there[name] {
			absent = append(absent, name)
			continue
		}
		uris, err := run(ctx, "apt-get", append(slices.Clone(a.options), "install", "--reinstall", "--yes", "--print-uris", name)...)
		if err != nil {
			return nil, nil, fmt.Errorf("resolve package %s: %w", name, err)
		}
		for _, f := range parseURIs(uris) {
			if !seen[f.name] {
				seen[f.name] = true
				files = append(files, f)
			}
		}
	}
	return files, absent, nil
}

// parseURIs reads lines as apt-get prints them: 'ADDRESS' NAME_VERSION_ARCH.deb SIZE DIGEST.
func parseURIs(out string) []debFile {
	var files []debFile
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.HasPrefix(fields[0], "'") {
			continue
		}
		public, err := url.PathUnescape(path.Base(strings.Trim(fields[0], "'")))
		if err != nil || strings.Contains(public, "/") {
			continue
		}
		plain, err := url.PathUnescape(fields[1])
		parts := strings.Split(strings.TrimSuffix(plain, ".deb"), "_")
		if err != nil || len(parts) != 3 {
			continue
		}
		files = append(files, debFile{name: fields[1], public: public, spec: parts[0] + ":" + parts[2] + "=" + parts[1]})
	}
	return files
}

// download brings the files that are not in the pool yet; apt checks their digests.
func (a *targetApt) download(ctx context.Context, pool string, files []debFile) error {
	if err := os.MkdirAll(pool, 0o755); err != nil {
		return err
	}
	args := append(slices.Clone(a.options), "download")
	wanted := len(args)
	for _, f := range files {
		if !exists(filepath.Join(pool, f.name)) {
			args = append(args, strings.Replace(f.spec, ":all=", "=", 1))
		}
	}
	if len(args) == wanted {
		return nil
	}
	cmd := commandIn(ctx, pool, "apt-get", args...)
	_, err := output(cmd)
	return err
}

// publish links the files into dir and writes the indexes of a flat repository.
func publish(ctx context.Context, pool, dir string, files []debFile) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		if err := os.Link(filepath.Join(pool, f.name), filepath.Join(dir, f.public)); err != nil {
			return err
		}
	}
	index, err := output(commandIn(ctx, dir, "apt-ftparchive", "packages", "."))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "Packages"), []byte(index), 0o644); err != nil {
		return err
	}
	if err := writeGzip(filepath.Join(dir, "Packages.gz"), index); err != nil {
		return err
	}
	release, err := output(commandIn(ctx, dir, "apt-ftparchive", "release", "."))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "Release"), []byte(release), 0o644)
}

func writeGzip(path, text string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	if _, err := z.Write([]byte(text)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return f.Close()
}
