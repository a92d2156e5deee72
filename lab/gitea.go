package lab

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// giteaVersion of Gitea, a forge, is built from its Go module: Debian has no package.
const giteaVersion = "v1.26.0"

const giteaModule = "code.gitea.io/gitea"

// Gitea is the path of a Gitea server and of the directory that its STATIC_ROOT_PATH names. Both are made
// when they are wanted for the first time, in some minutes, and kept beside the base systems.
func (l *Lab) Gitea(ctx context.Context) (exe, static string, err error) {
	dir := filepath.Join(l.cfg.Cache, "gitea-"+digest(giteaVersion))
	err = l.cached(ctx, dir, "Gitea", func(tmp string) error { return buildGitea(ctx, tmp) })
	return filepath.Join(dir, "gitea"), filepath.Join(dir, "static"), err
}

// buildGitea builds it as the main module of its own would: with what that replaces.
func buildGitea(ctx context.Context, dir string) error {
	golang := func(env []string, args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, cmp.Or(os.Getenv("GO"), "go"), args...)
		cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "GOFLAGS=", "GOWORK=off"), env...)
		return output(cmd)
	}
	found, err := golang(nil, "mod", "download", "-json", giteaModule+"@"+giteaVersion)
	if err != nil {
		return err
	}
	var module struct{ Dir, GoMod string }
	if err := json.Unmarshal([]byte(found), &module); err != nil {
		return err
	}
	said, err := golang(nil, "mod", "edit", "-json", module.GoMod)
	if err != nil {
		return err
	}
	mod, err := wrapping(giteaModule, giteaVersion, []byte(said))
	if err != nil {
		return err
	}
	sums, err := os.ReadFile(filepath.Join(module.Dir, "go.sum"))
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"go.mod": mod, "go.sum": sums} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	if _, err := golang(nil, "build", "-mod=mod", "-p", "2", "-trimpath", "-tags", "sqlite,sqlite_unlock_notify",
		"-ldflags", "-X main.Version="+giteaVersion[1:], "-o", "gitea", giteaModule); err != nil {
		return err
	}
	for _, part := range []string{"templates", "options", "public"} {
		if err := os.CopyFS(filepath.Join(dir, "static", part), os.DirFS(filepath.Join(module.Dir, part))); err != nil {
			return err
		}
	}
	return nil
}

// wrapping is a go.mod that requires a module and repeats what it replaces, other than by its own folders.
func wrapping(path, version string, edited []byte) ([]byte, error) {
	type module struct{ Path, Version string }
	var said struct {
		Go      string
		Replace []struct{ Old, New module }
	}
	if err := json.Unmarshal(edited, &said); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "module wrapped\ngo %s\nrequire %s %s\n", said.Go, path, version)
	for _, r := range said.Replace {
		if r.New.Version != "" {
			fmt.Fprintf(&b, "replace %s %s => %s %s\n", r.Old.Path, r.Old.Version, r.New.Path, r.New.Version)
		}
	}
	return b.Bytes(), nil
}
