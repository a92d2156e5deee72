package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"
)

// beginning is what a first configuration is made of.
type beginning struct {
	name, url, dir, ref, user, key, deployKey, gitKnownHosts string
}

func newInit(o *options) *cobra.Command {
	var b beginning
	cmd := &cobra.Command{
		Use:   "init",
		Short: "write a first configuration, and try every connection",
		Long: "Init writes the daemon's configuration for one inventory, of a repository (--git) or a directory (--dir), and\n" +
			"then does what pigsync doctor does. It never writes over a file. It begins with heal: false: commits are\n" +
			"applied, what drifts is only reported, until you change that line.",
		Example: "  pigsync init --git ssh://git@git.example.com/ops/pigsty.git --deploy-key /etc/pigsync/deploy_key --user dba",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := b.write(o)
			if err != nil {
				return err
			}
			fmt.Fprintf(o.stdout, "wrote %s\n", path)
			c, err := readConfig(path)
			if err != nil {
				return err
			}
			return o.examine(cmd.Context(), c)
		},
	}
	f := cmd.Flags()
	f.StringVar(&b.name, "as", "prod", "`name` of the inventory")
	f.StringVar(&b.url, "git", "", "`url` of its repository")
	f.StringVar(&b.ref, "ref", "", "branch, tag or commit (default the remote's HEAD)")
	f.StringVar(&b.dir, "dir", "", "a `directory` instead of a repository")
	f.StringVar(&b.user, "user", "dba", "who has sudo on the nodes")
	f.StringVar(&b.key, "ssh-key", "/run/credentials/pigsync.service/ssh-key", "`file` of the key to the nodes")
	f.StringVar(&b.deployKey, "deploy-key", "", "`file` of the key to the repository")
	f.StringVar(&b.gitKnownHosts, "git-known-hosts", "", "`file` of the keys of the git server")
	return cmd
}

// write makes the file, which must not be there.
func (b beginning) write(o *options) (string, error) {
	path := o.config
	if path == "" {
		path = defaultConfig
	}
	if (b.url == "") == (b.dir == "") {
		return "", errors.New("want --git or --dir, one of them")
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // it holds no secret, and the daemon's user reads it
	if errors.Is(err, fs.ErrExist) {
		return "", hinted{fmt.Errorf("%s is there already", path), "pigsync doctor tries what it says"}
	}
	if err != nil {
		return "", readable(err)
	}
	_, err = f.WriteString(b.text(o.state))
	return path, errors.Join(err, f.Close())
}

// text is the configuration.
func (b beginning) text(state string) string {
	var t strings.Builder
	t.WriteString("# The daemon's configuration: see the manual, operations.md. pigsync doctor tries what it says.\n")
	if state != "" {
		fmt.Fprintf(&t, "state: %s\n", quoted(state))
	}
	fmt.Fprintf(&t, "ssh:\n  user: %s\n  keys: [%s]\n  known_hosts: [known_hosts]\ninventories:\n  - name: %s\n", quoted(b.user), quoted(b.key), quoted(b.name))
	if b.dir != "" {
		if path, err := filepath.Abs(b.dir); err == nil {
			b.dir = path
		}
		fmt.Fprintf(&t, "    dir: %s\n", quoted(b.dir))
	} else {
		fmt.Fprintf(&t, "    git:\n      url: %s\n", quoted(b.url))
		for _, more := range [][2]string{{"ref", b.ref}, {"key_file", b.deployKey}, {"known_hosts", b.gitKnownHosts}} {
			if more[1] != "" {
				fmt.Fprintf(&t, "      %s: %s\n", more[0], quoted(more[1]))
			}
		}
	}
	t.WriteString("    heal: false # commits are applied, what drifts is only reported\n")
	return t.String()
}

// quoted is a text as YAML has it.
func quoted(text string) string {
	out, err := yaml.Marshal(text)
	if err != nil {
		return "''"
	}
	return strings.TrimSpace(string(out))
}
