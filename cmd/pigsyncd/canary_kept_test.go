package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/pigsync/pigsync/inventory"
)

const vaultPassword = "CANARY-password"

// lockVault does what ansible-vault encrypt_string does, with a salt of zeros.
func lockVault(t *testing.T, plain string) string {
	t.Helper()
	salt := make([]byte, 32)
	keys, err := pbkdf2.Key(sha256.New, vaultPassword, salt, 10_000, 80)
	if err != nil {
		t.Fatal(err)
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	sealed := append([]byte(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	block, _ := aes.NewCipher(keys[:32])
	cipher.NewCTR(block, keys[64:]).XORKeyStream(sealed, sealed)
	mac := hmac.New(sha256.New, keys[32:64])
	mac.Write(sealed)
	body := fmt.Sprintf("%x\n%x\n%x", salt, mac.Sum(nil), sealed)
	return "$ANSIBLE_VAULT;1.2;AES256;prod\n" + hex.EncodeToString([]byte(body))
}

// sopsSealer does what sops does, for one recipient and texts alone.
type sopsSealer struct {
	*testing.T
	key []byte
	mac []byte
}

func (s *sopsSealer) seal(place, plain string) string {
	block, err := aes.NewCipher(s.key)
	if err != nil {
		s.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, 32)
	if err != nil {
		s.Fatal(err)
	}
	nonce := sha256.Sum256([]byte(place))
	out := gcm.Seal(nil, nonce[:], []byte(plain), []byte(place))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("ENC[AES256_GCM,data:%s,iv:%s,tag:%s,type:str]", b64(out[:len(out)-16]), b64(nonce[:]), b64(out[len(out)-16:]))
}

// value seals a variable of a file of variables; each is part of the MAC.
func (s *sopsSealer) value(name, plain string) string {
	s.mac = append(s.mac, plain...)
	return fmt.Sprintf("%s: %s\n", name, s.seal(name+":", plain))
}

func (s *sopsSealer) metadata(to age.Recipient) string {
	const when = "2026-01-02T03:04:05Z"
	var enc bytes.Buffer
	a := armor.NewWriter(&enc)
	w, err := age.Encrypt(a, to)
	if err != nil {
		s.Fatal(err)
	}
	_, _ = w.Write(s.key)
	if w.Close() != nil || a.Close() != nil {
		s.Fatal("age does not close")
	}
	indented := strings.ReplaceAll(strings.TrimSpace(enc.String()), "\n", "\n        ")
	return fmt.Sprintf("sops:\n  age:\n    - enc: |\n        %s\n  lastmodified: '%s'\n  mac: %s\n", indented, when, s.seal(when, fmt.Sprintf("%X", sha512.Sum512(s.mac))))
}

// keeper writes where secrets are kept, and returns what stands in the inventory in their place.
type keeper func(name, secret string) string

// keepers are all ways to keep a secret; each is of one cage.
func (c cage) keepers(sealer *sopsSealer, sealed *strings.Builder) map[string]keeper {
	return map[string]keeper{
		"plain": func(_, secret string) string { return secret },
		"vault": func(name, secret string) string {
			if !strings.HasPrefix(name, "etcd_") && !strings.HasPrefix(name, "pg_") {
				return secret // each takes its time, on purpose
			}
			return fmt.Sprintf("!vault %q", lockVault(c.T, secret))
		},
		"sops": func(name, secret string) string {
			sealed.WriteString(sealer.value(name, secret))
			return "''" // that of group_vars wins
		},
		"env": func(name, _ string) string { return "env:CANARY_" + strings.ToUpper(name) },
		"file": func(name, secret string) string {
			c.write("kept/"+name, secret+"\n")
			return "file:" + name
		},
	}
}

// keep writes an inventory that says a secret in one way for every parameter that is one.
func (c cage) keep(how, reach string) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		c.Fatal(err)
	}
	c.write("age.key", identity.String()+"\n")
	c.write("vault.password", vaultPassword+"\n")
	sealer, sealed := &sopsSealer{T: c.T, key: make([]byte, 32)}, &strings.Builder{}
	say := c.keepers(sealer, sealed)[how]
	var vars strings.Builder
	for _, p := range inventory.Parameters() {
		if p.Secret() && !p.Legacy() {
			fmt.Fprintf(&vars, "    %s: %s\n", p.Name, say(p.Name, "CANARY-"+p.Name))
		}
	}
	if how == "sops" { // its own file wins over what stands in the inventory
		c.write("inv/group_vars/all.yml", sealed.String()+sealer.metadata(identity.Recipient()))
		vars.Reset()
	}
	c.write("inv/pigsty.yml", "all:\n  vars:\n    node_repo_modules: ''\n"+vars.String()+`  children:
    etcd:
      hosts: { 10.10.10.10: { etcd_seq: 1 } }
`+reach)
}

// withSecrets gives the configuration of a cage the keys, and what else is to stand in it.
func (c cage) withSecrets(more string) string {
	return c.write("secret.yml", more+c.helpers()+fmt.Sprintf(`
listen: %s
state: state
inventories:
  - name: local
    dir: inv
    approve: []
    secrets:
      vault: [ { id: prod, password_file: vault.password } ]
      age: [ age.key ]
      environment: [ %s ]
      files: [ kept ]
`, c.listen, strings.Join(canaryVariables(), ", ")))
}

func canaryVariables() (names []string) {
	for _, p := range inventory.Parameters() {
		if p.Secret() {
			names = append(names, "CANARY_"+strings.ToUpper(p.Name))
		}
	}
	return names
}

// However a secret is kept, no command shows it, and what is made of it is planned.
func TestNoSecretComesOutHoweverItIsKept(t *testing.T) {
	for _, how := range []string{"plain", "vault", "sops", "env", "file"} {
		t.Run(how, func(t *testing.T) {
			c, _ := newCage(t)
			c.write("kept/none", "CANARY")
			c.keep(how, c.reach)
			cfg := c.withSecrets("")
			keys := []string{"--vault-id", "prod@" + c.dir + "/vault.password", "--age-key", c.dir + "/age.key", "--allow-file", c.dir + "/kept"}
			for _, name := range canaryVariables() {
				keys = append(keys, "--allow-env", name)
			}
			for _, format := range []string{"text", "json", "sarif", "github"} {
				c.run("check", c.dir+"/inv", "-o", format)
				c.run(append([]string{"check", c.dir + "/inv", "-o", format}, keys...)...)
			}
			for _, args := range [][]string{
				{"plan", "-v"}, {"apply", "-v"}, {"history", "-n", "0"}, {"status"},
				{"explain", "file:/etc/etcd/etcd.conf@10.10.10.10"}, {"explain", "etcduser:root@etcd"},
			} {
				c.run(append(args, "--config", cfg)...)
				c.run(append(args, "--config", cfg, "-o", "json")...)
			}
			c.run("plan", "--config", cfg, "-o", "markdown")
			c.listed(how)
			if text := c.run("plan", "--config", cfg); strings.Contains(text, "INV0") || !strings.Contains(text, "etcd.pass") {
				t.Errorf("a secret is not there: %s", text)
			}
			c.kept()
		})
	}
}

// Nor does a wrong form of it.
func TestNoSecretOfAWrongFormComesOut(t *testing.T) {
	c, _ := newCage(t)
	c.keep("vault", c.reach)
	password := c.dir + "/vault.password"
	for _, p := range inventory.Parameters() {
		if !p.Secret() {
			continue
		}
		var vars strings.Builder
		for _, value := range []string{"[ CANARY-a ]", "{ CANARY-b: CANARY-c }", "!CANARY-d", "'{{ CANARY-e'", fmt.Sprintf("[ !vault %q ]", lockVault(t, "CANARY-f")), "'{{ [\"CANARY-g\"] }}'"} {
			vars.Reset()
			fmt.Fprintf(&vars, "all:\n  vars: { %s: %s }\n  children: { etcd: { hosts: { 10.10.10.10: { etcd_seq: 1 } } } }\n", p.Name, value)
			c.run("check", c.write("wrong.yml", vars.String()), "--vault-password-file", password)
		}
	}
	// Decrypted text in parameters of every kind, which is wrong for most of them.
	var vars strings.Builder
	locked := fmt.Sprintf("!vault %q", lockVault(t, "CANARY-everywhere"))
	for _, p := range inventory.Parameters() {
		fmt.Fprintf(&vars, "    %s: %s\n", p.Name, locked)
	}
	text := c.run("check", c.write("all.yml", "all:\n  vars:\n"+vars.String()+"  children: { etcd: { hosts: { 10.10.10.10: { etcd_seq: 1 } } } }\n"), "--vault-password-file", password)
	if !strings.Contains(text, "<secret>") {
		t.Errorf("nothing is wrong with it: %s", text)
	}
}

// Decrypted text may stand where no password belongs, and is not shown there either: not in what a module
// says of it, not in a plan, and not in what came of it.
func TestNoDecryptedTextComesOut(t *testing.T) {
	c, _ := newCage(t)
	locked := func(name string) string { return fmt.Sprintf("!vault %q", lockVault(t, "CANARY-"+name)) }
	c.write("vault.password", vaultPassword+"\n")
	c.write("age.key", "")
	c.write("inv/pigsty.yml", `all:
  vars:
    node_repo_modules: ''
    node_etc_hosts: [ `+fmt.Sprintf("!vault %q", lockVault(t, "10.10.10.99 CANARY-host"))+` ]
    node_aliases: { deploy: `+locked("alias")+` }
  children:
    etcd:
      hosts: { 10.10.10.10: { etcd_seq: 1 } }
    pg-test:
      vars:
        pg_cluster: pg-test
        pg_conf: `+locked("conf")+`
        pg_libs: `+locked("library")+`
        pg_databases: [ { name: app, owner: `+locked("owner")+`, extensions: [ { name: `+locked("extension")+` } ] } ]
        pg_users: [ { name: app, roles: [ `+locked("role")+` ] } ]
        pg_hba_rules: [ { user: `+locked("user")+`, db: `+locked("database")+`, addr: world, auth: pwd }, { rules: [ `+locked("rule")+` ] } ]
        pg_crontab: [ `+locked("job")+` ]
        pg_listen: `+locked("listen")+`
      hosts: { 10.10.10.12: { pg_seq: 1, pg_role: primary } }
`+c.reach)
	said := c.run("check", c.dir+"/inv", "--vault-password-file", c.dir+"/vault.password")
	if strings.Count(said, "<secret>") < 4 {
		t.Errorf("the modules say nothing of it: %s", said)
	}
	cfg := c.write("plain.yml", fmt.Sprintf(`
listen: %s
state: state
inventories:
  - { name: local, dir: inv, approve: [], secrets: { vault: [ { id: prod, password_file: vault.password } ] } }
`, c.listen))
	shown := ""
	for _, args := range [][]string{{"plan", "-v"}, {"apply", "-v"}, {"plan"}, {"history", "-n", "0"}, {"status"}} {
		shown += c.run(append(args, "--config", cfg)...)
		c.run(append(args, "--config", cfg, "-o", "json")...)
	}
	if !strings.Contains(shown, "<secret>") {
		t.Errorf("nothing of it is planned: %s", shown)
	}
	c.kept()
}

// listed looks at what the inventory command prints: what is written, so a plain secret only where it is masked, and
// never what was decrypted.
func (c cage) listed(how string) {
	c.Helper()
	dir := c.dir + "/inv"
	c.run("inventory", dir, "--list", "--mask")
	c.run("inventory", dir, "--host", "10.10.10.10", "--mask")
	if how == "sops" { // where nothing stands openly
		c.run("inventory", dir, "--list")
		c.run("inventory", dir, "--host", "10.10.10.10")
	}
	for _, name := range []string{"etcd_root_password", "pg_admin_password", "pg_exporter_url"} {
		for _, format := range []string{"text", "json"} {
			if text := c.run("inventory", dir, "--explain", name, "--host", "10.10.10.10", "-o", format); how != "sops" && !strings.Contains(text, "secret") {
				c.Errorf("%s is not explained: %s", name, text)
			}
		}
	}
}
