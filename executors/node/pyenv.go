package node

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// seePyEnv reads what is installed in an environment from the names of directories: Python keeps one a
// package. One without Python is none.
func (v *view) seePyEnv(name string) (resource.Spec, error) {
	for _, part := range []string{"/pyvenv.cfg", "/bin/python"} {
		if _, info, err := v.stat(name + part); err != nil || info == nil {
			return nil, err
		}
	}
	var env resource.PyEnv
	libs, err := v.listed(name + "/lib")
	for _, lib := range libs {
		if err != nil || !strings.HasPrefix(lib, "python3") {
			continue
		}
		var there []string
		there, err = v.listed(path.Join(name, "lib", lib, "site-packages"))
		env.Packages = append(env.Packages, distributions(there)...)
	}
	return env, err
}

// listed are the names in a directory; none where there is no such directory.
func (v *view) listed(name string) ([]string, error) {
	dir, err := v.open(name)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return namesIn(dir)
}

var distribution = regexp.MustCompile(`^(.+)-([^-]+)\.dist-info$`)

// distributions reads names as "psycopg_binary-3.2.1.dist-info".
func distributions(names []string) (out []string) {
	for _, name := range names {
		if m := distribution.FindStringSubmatch(name); m != nil {
			out = append(out, m[1]+"=="+m[2])
		}
	}
	slices.Sort(out)
	return out
}

// makePyEnv installs what is missing, with uv where the node has it, and with Python's own tools elsewhere.
func (w *work) makePyEnv(ctx context.Context, want resource.PyEnv, have resource.Spec) error {
	was, _ := have.(resource.PyEnv)
	uv, err := w.has("/usr/bin/uv", "/usr/local/bin/uv")
	if err != nil {
		return err
	}
	env := w.id.Name
	if uv {
		return w.fill(ctx, have == nil, []string{"uv", "venv", "--quiet", env},
			append([]string{"uv", "pip", "install", "--quiet", "--python", env + "/bin/python", "--"}, want.Missing(was)...))
	}
	pip, err := w.has(env + "/bin/pip")
	if err != nil {
		return err
	}
	return w.fill(ctx, !pip, []string{"python3", "-m", "venv", env},
		append([]string{env + "/bin/python", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--"}, want.Missing(was)...))
}

// has tells whether one of the files is there.
func (w *work) has(paths ...string) (bool, error) {
	for _, p := range paths {
		if _, info, err := w.stat(p); err != nil || info != nil {
			return info != nil, err
		}
	}
	return false, nil
}

// fill makes an environment where there is none, and installs into it.
func (w *work) fill(ctx context.Context, bare bool, create, install []string) error {
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	if bare {
		if out, err := w.l.run(ctx, Command{Argv: create}); err != nil {
			return said(strings.Join(create[:2], " "), out, err)
		}
	}
	if install[len(install)-1] == "--" {
		return nil
	}
	out, err := w.l.run(ctx, Command{Argv: install})
	return said("the installation of packages", out, err)
}
