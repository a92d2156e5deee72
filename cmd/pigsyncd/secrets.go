package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/inventory/sops/keyring"
)

// secretsConfig is what opens the secrets of an inventory. Nothing in a repository can change it.
type secretsConfig struct {
	Vault       []vaultConfig `yaml:"vault"`       // passwords of Ansible Vault
	Age         []string      `yaml:"age"`         // files of age identities, for SOPS
	PGP         []pgpConfig   `yaml:"pgp"`         // secret OpenPGP keys, for SOPS
	Environment []string      `yaml:"environment"` // variables that env:NAME and lookup('env') may read
	Files       []string      `yaml:"files"`       // files, directories or patterns that file:NAME and lookup('file') may read
}

type vaultConfig struct {
	ID           string `yaml:"id"` // default "default"
	PasswordFile string `yaml:"password_file"`
}

type pgpConfig struct {
	File           string `yaml:"file"`
	PassphraseFile string `yaml:"passphrase_file"`
}

func (s *secretsConfig) check(d *decoder, at string) {
	for i, v := range s.Vault {
		if v.PasswordFile == "" {
			d.wrongAt(fmt.Sprintf("%s.vault[%d].password_file", at, i), "is required")
		}
	}
	for i, p := range s.PGP {
		if p.File == "" {
			d.wrongAt(fmt.Sprintf("%s.pgp[%d].file", at, i), "is required")
		}
	}
	for i, pattern := range s.Files {
		if _, err := filepath.Match(pattern, ""); err != nil || pattern == "" {
			d.wrongAt(fmt.Sprintf("%s.files[%d]", at, i), "want a file, a directory or a pattern such as /etc/pigsync/secrets/*")
		}
	}
}

// paths are those of this machine.
func (s *secretsConfig) paths() (paths []*string) {
	for i := range s.Vault {
		paths = append(paths, &s.Vault[i].PasswordFile)
	}
	for i := range s.Age {
		paths = append(paths, &s.Age[i])
	}
	for i := range s.PGP {
		paths = append(paths, &s.PGP[i].File, &s.PGP[i].PassphraseFile)
	}
	for i := range s.Files {
		paths = append(paths, &s.Files[i])
	}
	return paths
}

// secretFlags are the same, for commands without a configuration.
type secretFlags struct {
	passwordFiles, vaultIDs, age, pgp, env, files []string
}

func (o *options) secretFlags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringArrayVar(&o.secrets.passwordFiles, "vault-password-file", nil, "a `file` with a password of Ansible Vault")
	f.StringArrayVar(&o.secrets.vaultIDs, "vault-id", nil, "the same for one vault id: `ID@FILE`")
	f.StringArrayVar(&o.secrets.age, "age-key", nil, "a `file` of age identities, for SOPS")
	f.StringArrayVar(&o.secrets.pgp, "pgp-key", nil, "a `file` of secret OpenPGP keys without passphrase, for SOPS")
	f.StringArrayVar(&o.secrets.env, "allow-env", nil, "a `variable` of the environment that env:NAME may read")
	f.StringArrayVar(&o.secrets.files, "allow-file", nil, "a file, directory or `pattern` that file:NAME may read")
}

// given is what the flags say, in the form of a configuration.
func (f secretFlags) given() (secretsConfig, error) {
	s := secretsConfig{Age: f.age, Environment: f.env, Files: f.files}
	for _, file := range f.passwordFiles {
		s.Vault = append(s.Vault, vaultConfig{PasswordFile: file})
	}
	for _, both := range f.vaultIDs {
		id, file, ok := strings.Cut(both, "@")
		if !ok || file == "" {
			return s, errors.New("--vault-id: want ID@FILE")
		}
		if file == "prompt" {
			return s, hinted{errors.New("--vault-id: nobody is asked for passwords here"), "put the password in a file that only you can read"}
		}
		s.Vault = append(s.Vault, vaultConfig{ID: id, PasswordFile: file})
	}
	for _, file := range f.pgp {
		s.PGP = append(s.PGP, pgpConfig{File: file})
	}
	for _, p := range s.paths() {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return s, fmt.Errorf("find %s: %w", *p, err)
		}
		*p = abs
	}
	return s, nil
}

// with adds what the flags say to what the configuration says.
func (s secretsConfig) with(f secretFlags) (secretsConfig, error) {
	more, err := f.given()
	return secretsConfig{
		Vault: append(s.Vault[:len(s.Vault):len(s.Vault)], more.Vault...),
		Age:   append(s.Age[:len(s.Age):len(s.Age)], more.Age...),
		PGP:   append(s.PGP[:len(s.PGP):len(s.PGP)], more.PGP...), Environment: append(s.Environment[:len(s.Environment):len(s.Environment)], more.Environment...),
		Files: append(s.Files[:len(s.Files):len(s.Files)], more.Files...),
	}, err
}

// empty reports whether nothing is given that could open anything.
func (s secretsConfig) empty() bool {
	return len(s.Vault)+len(s.Age)+len(s.PGP)+len(s.Environment)+len(s.Files) == 0
}

// open reads the keys. They are read once: a process that is to use others is started again.
func (s secretsConfig) open(getenv func(string) string) (inventory.Options, error) {
	keys := &inventory.Keys{}
	var wrong []error
	for _, v := range s.Vault {
		password, err := readVaultPassword(v.PasswordFile)
		wrong = append(wrong, err)
		keys.AddVault(v.ID, password)
	}
	for _, file := range s.Age {
		wrong = append(wrong, addAge(keys, file))
	}
	for _, p := range s.PGP {
		wrong = append(wrong, addPGP(keys, p))
	}
	o := inventory.Options{Keys: keys}
	if len(s.Environment) > 0 {
		o.Env = s.env(getenv)
	}
	if len(s.Files) > 0 {
		o.File = s.file
	}
	return o, errors.Join(wrong...)
}

func addAge(keys *inventory.Keys, file string) error {
	text, err := readKey(file)
	if err != nil {
		return err
	}
	ring, err := keyring.Age([]byte(text.Reveal()))
	if err == nil {
		keys.AddAge(ring)
	}
	return at(file, err)
}

func addPGP(keys *inventory.Keys, p pgpConfig) error {
	text, err := readKey(p.File)
	if err != nil {
		return err
	}
	var passphrase inventory.Secret
	if p.PassphraseFile != "" {
		if passphrase, err = readKey(p.PassphraseFile); err != nil {
			return err
		}
		passphrase = inventory.NewSecret(strings.TrimRight(passphrase.Reveal(), "\r\n"))
	}
	ring, err := keyring.PGP([]byte(text.Reveal()), passphrase.Reveal())
	if err == nil {
		keys.AddPGP(ring)
	}
	return at(p.File, err)
}

func at(file string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", file, err)
}

// maxKey bounds a file of keys, in bytes.
const maxKey = 1 << 20

// readKey reads a file that only its owner, and at most its group, may read.
func readKey(file string) (inventory.Secret, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return inventory.Secret{}, fmt.Errorf("read a key: %w", err)
	case !info.Mode().IsRegular():
		return inventory.Secret{}, fmt.Errorf("read a key: %s is no file", file)
	case info.Mode().Perm()&0o007 != 0:
		return inventory.Secret{}, hinted{fmt.Errorf("read a key: everybody on this machine may open %s", file), "chmod 600 " + file}
	}
	text, err := os.ReadFile(file)
	switch {
	case err != nil:
		return inventory.Secret{}, fmt.Errorf("read a key: %w", err)
	case len(text) > maxKey:
		return inventory.Secret{}, fmt.Errorf("read a key: %s is larger than %d MiB", file, maxKey>>20)
	case len(bytes.TrimSpace(text)) == 0:
		return inventory.Secret{}, fmt.Errorf("read a key: %s is empty", file)
	}
	return inventory.NewSecret(string(text)), nil
}

// readVaultPassword reads a password as Ansible does: without the spaces around it. A program in its
// place is not run.
func readVaultPassword(file string) (inventory.Secret, error) {
	password, err := readKey(file)
	if err != nil {
		return password, err
	}
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o111 != 0 {
		return inventory.Secret{}, hinted{fmt.Errorf("read a key: %s is a program, which Ansible would run", file), "write what it prints to a file that only you can read, and name that"}
	}
	return inventory.NewSecret(strings.TrimSpace(password.Reveal())), nil
}

// env answers for the variables that are allowed. An empty one is not set.
func (s secretsConfig) env(getenv func(string) string) func(string) (string, bool) {
	allowed := map[string]bool{}
	for _, name := range s.Environment {
		allowed[name] = true
	}
	return func(name string) (string, bool) {
		if !allowed[name] {
			return "", false
		}
		text := getenv(name)
		return text, text != ""
	}
}

// maxSecretFile is a little more than what a secret in a file may have.
const maxSecretFile = 64<<10 + 1

// file reads a file that is allowed: one that is named, that matches a pattern, or that lies in a
// directory; a relative name is one in such a directory. No link leads out of a directory.
func (s secretsConfig) file(name string) ([]byte, error) {
	missing := fs.ErrPermission
	for _, allowed := range s.Files {
		content, err := readAllowed(allowed, filepath.Clean(name))
		if err == nil {
			return content, nil
		}
		if errors.Is(err, fs.ErrNotExist) {
			missing = fs.ErrNotExist
		}
	}
	return nil, missing
}

func readAllowed(allowed, name string) ([]byte, error) {
	info, err := os.Stat(allowed)
	if err == nil && info.IsDir() {
		return readBelow(allowed, name)
	}
	if match, err := filepath.Match(allowed, name); name != allowed && (err != nil || !match) {
		return nil, fs.ErrPermission
	}
	return readBelow(filepath.Dir(name), filepath.Base(name))
}

func readBelow(dir, name string) ([]byte, error) {
	if filepath.IsAbs(name) {
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return nil, fs.ErrPermission
		}
		name = rel
	}
	if !filepath.IsLocal(name) {
		return nil, fs.ErrPermission
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrPermission
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSecretFile))
}
