package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pigsync/pigsync/server"
)

// apiConfig says who may ask the daemon what, and how.
type apiConfig struct {
	TLS tlsConfig `yaml:"tls"`
	// Anonymous are the roles of whoever does not say who he is; default view and sync on a loopback
	// address, and none elsewhere.
	Anonymous *[]string      `yaml:"anonymous"`
	Callers   []callerConfig `yaml:"callers"`
}

type tlsConfig struct {
	Cert    string `yaml:"cert"`    // file of the certificate and its chain, PEM
	Key     string `yaml:"key"`     // file of its key
	Clients string `yaml:"clients"` // file of the authorities of callers' certificates; none are asked for without it
}

type callerConfig struct {
	Name        string   `yaml:"name"`
	Roles       []string `yaml:"roles"`
	Inventories []string `yaml:"inventories"` // default all
	Until       string   `yaml:"until"`       // "2027-01-31" or with a time; default never
	TokenSHA256 string   `yaml:"token_sha256"`
	Certificate string   `yaml:"certificate"` // common name of his certificate
}

// hookConfig is an address that a forge calls: POST /hooks/<name>.
type hookConfig struct {
	Name        string   `yaml:"name"`
	Provider    string   `yaml:"provider"`
	SecretFile  string   `yaml:"secret_file"`
	Inventories []string `yaml:"inventories"` // whose repositories are looked at; default all
}

func (c *config) checkAPI(d *decoder) {
	c.API.TLS.check(d)
	if c.API.Anonymous != nil {
		checkRoles(d, "api.anonymous", *c.API.Anonymous)
	}
	if len(c.API.Callers) > 0 && c.API.TLS.Cert == "" && !loopback(c.Listen) {
		d.wrongAt("api.tls", "tokens would be sent in the clear: want cert and key, or listen on a loopback address")
	}
	seen := map[string]bool{}
	for i, caller := range c.API.Callers {
		at := fmt.Sprintf("api.callers[%d]", i)
		c.checkName(d, at, caller.Name, seen)
		c.checkNames(d, at+".inventories", caller.Inventories)
		caller.check(d, at, c.API.TLS.Clients != "")
	}
	seen = map[string]bool{}
	for i, h := range c.Webhooks {
		at := fmt.Sprintf("webhooks[%d]", i)
		c.checkName(d, at, h.Name, seen)
		c.checkNames(d, at+".inventories", h.Inventories)
		h.check(d, at)
	}
}

func (t tlsConfig) check(d *decoder) {
	switch {
	case (t.Cert == "") != (t.Key == ""):
		d.wrongAt("api.tls", "want cert and key, got one of them")
	case t.Clients != "" && t.Cert == "":
		d.wrongAt("api.tls", "clients wants cert and key")
	}
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$`)

func (c *config) checkName(d *decoder, at, name string, seen map[string]bool) {
	switch {
	case !plainName.MatchString(name) || name == "anonymous":
		d.wrongAt(at+".name", "want letters, digits and ._@-, and not anonymous, got %q", name)
	case seen[name]:
		d.wrongAt(at+".name", "%s is there already", name)
	}
	seen[name] = true
}

func (c *config) checkNames(d *decoder, at string, names []string) {
	for i, name := range names {
		if !slices.ContainsFunc(c.Inventories, func(inv inventoryConfig) bool { return inv.Name == name }) {
			d.wrongAt(fmt.Sprintf("%s[%d]", at, i), "no inventory is called %q", name)
		}
	}
}

func (c callerConfig) check(d *decoder, at string, certificates bool) {
	if len(c.Roles) == 0 {
		d.wrongAt(at+".roles", "want at least one of %s", roleNames())
	}
	checkRoles(d, at+".roles", c.Roles)
	if _, err := moment(c.Until); err != nil {
		d.wrongAt(at+".until", "%v", err)
	}
	switch digest, err := hex.DecodeString(c.TokenSHA256); {
	case c.TokenSHA256 == "" && c.Certificate == "":
		d.wrongAt(at, "want token_sha256 (pigsync token makes one) or certificate")
	case c.TokenSHA256 != "" && (err != nil || len(digest) != sha256.Size):
		d.wrongAt(at+".token_sha256", "want the SHA-256 of a token, 64 hexadecimal digits")
	case c.Certificate != "" && !certificates:
		d.wrongAt(at+".certificate", "no certificates are asked for: api.tls.clients names whose are trusted")
	}
}

func checkRoles(d *decoder, at string, roles []string) {
	for i, r := range roles {
		if !slices.Contains(server.Roles, server.Role(r)) {
			d.wrongAt(fmt.Sprintf("%s[%d]", at, i), "want one of %s, got %q", roleNames(), r)
		}
	}
}

func roleNames() string {
	var names []string
	for _, r := range server.Roles {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

func (h hookConfig) check(d *decoder, at string) {
	if !slices.Contains(server.Providers(), h.Provider) {
		d.wrongAt(at+".provider", "want one of %s, got %q", strings.Join(server.Providers(), ", "), h.Provider)
	}
	if h.SecretFile == "" {
		d.wrongAt(at+".secret_file", "is required: whoever knows the address could call it")
	}
}

// moment reads a day or a time; "" is no time.
func moment(text string) (t time.Time, err error) {
	if text == "" {
		return t, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err = time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return t, fmt.Errorf("want a day such as 2027-01-31 or a time such as 2027-01-31T18:00:00Z, got %q", text)
}

func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// access is who may ask the daemon what.
func (c *config) access() server.Access {
	a := server.Access{Anonymous: c.anonymous()}
	for _, one := range c.API.Callers {
		caller := server.Caller{Name: one.Name, Roles: rolesOf(one.Roles), Inventories: one.Inventories, Certificate: one.Certificate}
		caller.Until, _ = moment(one.Until) // checked when it was read
		_, _ = hex.Decode(caller.Token[:], []byte(one.TokenSHA256))
		a.Callers = append(a.Callers, caller)
	}
	return a
}

func (c *config) anonymous() []server.Role {
	switch {
	case c.API.Anonymous != nil:
		return rolesOf(*c.API.Anonymous)
	case loopback(c.Listen):
		return []server.Role{server.View, server.Sync}
	}
	return nil
}

func rolesOf(names []string) (roles []server.Role) {
	for _, n := range names {
		roles = append(roles, server.Role(n))
	}
	return roles
}

// hooks reads the secrets of the webhooks.
func (c *config) hooks() (out []server.Hook, err error) {
	for _, h := range c.Webhooks {
		secret, bad := os.ReadFile(h.SecretFile)
		secret = bytes.TrimSpace(secret)
		if bad == nil && len(secret) == 0 {
			bad = fmt.Errorf("%s is empty", h.SecretFile)
		}
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("webhook %s: %w", h.Name, bad))
		}
		out = append(out, server.Hook{Name: h.Name, Provider: h.Provider, Secret: string(secret), Inventories: h.Inventories})
	}
	return out, readable(err)
}

// secured is how the daemon speaks TLS, nil when it does not. The files are read at every connection, so
// that a certificate that was renewed counts at once.
func (t tlsConfig) secured() (*tls.Config, error) {
	if t.Cert == "" {
		return nil, nil
	}
	if _, err := tls.LoadX509KeyPair(t.Cert, t.Key); err != nil {
		return nil, fmt.Errorf("api.tls: %w", err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		return &pair, err
	}}
	if t.Clients == "" {
		return c, nil
	}
	pem, err := os.ReadFile(t.Clients)
	if err != nil {
		return nil, fmt.Errorf("api.tls.clients: %w", err)
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("api.tls.clients: no certificate in %s", t.Clients)
	}
	return c, nil
}
