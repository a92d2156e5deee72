package sops

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// metadata is what SOPS keeps under the key sops.
type metadata struct {
	Groups    []group `yaml:"key_groups"`
	group     `yaml:",inline"`
	Threshold int    `yaml:"shamir_threshold"`
	Modified  string `yaml:"lastmodified"`
	MAC       string `yaml:"mac"`

	UnencryptedSuffix  *string `yaml:"unencrypted_suffix"`
	EncryptedSuffix    string  `yaml:"encrypted_suffix"`
	UnencryptedRegex   string  `yaml:"unencrypted_regex"`
	EncryptedRegex     string  `yaml:"encrypted_regex"`
	UnencryptedComment string  `yaml:"unencrypted_comment_regex"`
	EncryptedComment   string  `yaml:"encrypted_comment_regex"`
	MACOnlyEncrypted   bool    `yaml:"mac_only_encrypted"`

	unencrypted, encrypted *regexp.Regexp
}

// group is one set of keys, any of which opens the group's part of the data key.
type group struct {
	Age []struct {
		Recipient string `yaml:"recipient"`
		Enc       string `yaml:"enc"`
	} `yaml:"age"`
	PGP []struct {
		Fingerprint string `yaml:"fp"`
		Enc         string `yaml:"enc"`
	} `yaml:"pgp"`
	KMS   []any `yaml:"kms"`
	GCP   []any `yaml:"gcp_kms"`
	HC    []any `yaml:"hc_vault"`
	Azure []any `yaml:"azure_kv"`
}

func (g group) empty() bool { return len(g.Age)+len(g.PGP)+g.clouds() == 0 }

func (g group) clouds() int { return len(g.KMS) + len(g.GCP) + len(g.HC) + len(g.Azure) }

func readMetadata(at *yaml.Node) (*metadata, error) {
	m := &metadata{}
	if err := at.Decode(m); err != nil {
		return nil, wrong(at, ErrFormat, "the metadata under sops is not as SOPS writes it")
	}
	if m.MAC == "" || m.Modified == "" {
		return nil, wrong(at, ErrFormat, "mac or lastmodified is missing under sops")
	}
	modified, err := time.Parse(time.RFC3339, m.Modified)
	if err != nil {
		return nil, wrong(at, ErrFormat, "lastmodified under sops is no time")
	}
	m.Modified = modified.Format(time.RFC3339) // as it is authenticated
	if len(m.Groups) == 0 && !m.empty() {
		m.Groups = []group{m.group}
	}
	return m, m.rules(at)
}

// rules reads which values are sealed.
func (m *metadata) rules(at *yaml.Node) (err error) {
	if m.EncryptedComment != "" || m.UnencryptedComment != "" {
		return wrong(at, ErrUnsupported, "rules that depend on comments (encrypted_comment_regex, unencrypted_comment_regex) are not supported")
	}
	if m.encrypted, err = regexp.Compile(m.EncryptedRegex); err == nil {
		m.unencrypted, err = regexp.Compile(m.UnencryptedRegex)
	}
	if err != nil {
		return wrong(at, ErrFormat, "encrypted_regex or unencrypted_regex under sops is no regular expression")
	}
	return nil
}

// sealed reports whether the value at a path is sealed. Each rule that is there overrules those
// before it.
func (m *metadata) sealed(path []string) bool {
	sealed := true
	if s := m.UnencryptedSuffix; s != nil && *s != "" && slices.ContainsFunc(path, func(key string) bool { return strings.HasSuffix(key, *s) }) {
		sealed = false
	}
	if s := m.EncryptedSuffix; s != "" {
		sealed = slices.ContainsFunc(path, func(key string) bool { return strings.HasSuffix(key, s) })
	}
	if m.UnencryptedRegex != "" && slices.ContainsFunc(path, m.unencrypted.MatchString) {
		sealed = false
	}
	if m.EncryptedRegex != "" {
		sealed = slices.ContainsFunc(path, m.encrypted.MatchString)
	}
	return sealed
}

// dataKey opens the data key.
func (m *metadata) dataKey(at *yaml.Node, keys *Keys) ([]byte, error) {
	var parts [][]byte
	for _, g := range m.Groups {
		if part := g.open(keys); part != nil {
			parts = append(parts, part)
		}
	}
	need := max(m.Threshold, 1)
	if len(m.Groups) > 1 && m.Threshold == 0 {
		need = len(m.Groups)
	}
	if len(parts) < need {
		return nil, &Error{Line: at.Line, Column: at.Column, Kind: ErrKey, Msg: m.wanted(need)}
	}
	key := parts[0]
	if len(m.Groups) > 1 {
		key = combine(parts)
	}
	if len(key) != keySize {
		return nil, wrong(at, ErrFormat, "the data key has not the length it should")
	}
	return key, nil
}

func (g group) open(keys *Keys) []byte {
	for _, a := range g.Age {
		if part := openWith(keys.age, a.Enc); part != nil {
			return part
		}
	}
	for _, p := range g.PGP {
		if part := openWith(keys.pgp, p.Enc); part != nil {
			return part
		}
	}
	return nil
}

// maxWanted is how many keys a message names.
const maxWanted = 6

// wanted names the keys that would open the file: they are public.
func (m *metadata) wanted(need int) string {
	var names []string
	clouds := 0
	for _, g := range m.Groups {
		for _, a := range g.Age {
			names = append(names, "the age identity of "+public(a.Recipient))
		}
		for _, p := range g.PGP {
			names = append(names, "the OpenPGP key "+public(p.Fingerprint))
		}
		clouds += g.clouds()
	}
	if len(names) > maxWanted {
		names = append(names[:maxWanted], fmt.Sprintf("one of %d more", len(names)-maxWanted))
	}
	text := "no key at hand opens it: want " + strings.Join(names, " or ")
	switch {
	case len(names) == 0 && clouds > 0:
		return "it is encrypted to keys of clouds only, which are not supported: add an age recipient"
	case len(names) == 0:
		return "it is encrypted to nobody"
	case need > 1:
		text += fmt.Sprintf(", of %d key groups", need)
	}
	return text
}

// public prints a recipient or fingerprint, whatever the file has in its place.
func public(s string) string {
	const most = 72
	clean := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7F {
			return r
		}
		return '?'
	}, s[:min(len(s), most)])
	if len(s) > most {
		clean += "…"
	}
	return clean
}
