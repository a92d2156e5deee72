package node

import (
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/resource"
)

// Vars are the parameters of NODE (and of CA and REPO) that this module reads; the meaning, levels
// and defaults are those of Pigsty v4.5.
type Vars struct {
	AdminIP       string `var:"admin_ip" default:"10.10.10.10"`
	Nodename      string `var:"nodename" pattern:"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"`
	NameOverwrite bool   `var:"nodename_overwrite" default:"true"`
	NameFromPG    bool   `var:"node_id_from_pg" default:"true"`
	PGCluster     string `var:"pg_cluster"`
	PGSeq         string `var:"pg_seq"`

	WriteHosts   bool     `var:"node_write_etc_hosts" default:"true"`
	DefaultHosts []string `var:"node_default_etc_hosts" default:"[\"${admin_ip} i.pigsty\"]"`
	Hosts        []string `var:"node_etc_hosts"`

	Data string `var:"node_data" default:"/data" kind:"path"`

	RepoModules  string   `var:"node_repo_modules" default:"local"`
	RepoEndpoint string   `var:"repo_endpoint" default:"http://${admin_ip}:80"`
	RepoName     string   `var:"repo_name" default:"pigsty"`
	Upstream     []Source `var:"repo_upstream"`
	Region       string   `var:"region" default:"default"`

	DefaultPackages []string `var:"node_default_packages"`
	Packages        []string `var:"node_packages"`

	CACreate bool   `var:"ca_create" default:"true"`
	CAName   string `var:"ca_cn" default:"pigsty-ca"`
}

// Source is an entry of repo_upstream.
type Source struct {
	Name        string                     `var:"name" required:"true"`
	Description string                     `var:"description"`
	Module      string                     `var:"module" required:"true" pattern:"[a-z0-9_-]+"`
	Releases    []string                   `var:"releases"`
	Arch        []string                   `var:"arch"`
	BaseURL     map[string]string          `var:"baseurl" required:"true"`
	Rest        map[string]inventory.Value `var:"*"`
}

// expand replaces the placeholders a line of this host may hold.
func (v *Vars) expand(s string, f resource.Facts) string {
	return inventory.Expand(s, map[string]string{
		"admin_ip":        v.AdminIP,
		"distro_codename": f.Codename,
		"distro_name":     f.Distro,
	})
}

// name is the node's name: borrowed from PostgreSQL's identity, else explicit, else "" for the one
// it has.
func (v *Vars) name() string {
	if v.NameFromPG && v.PGCluster != "" && v.PGSeq != "" {
		return v.PGCluster + "-" + v.PGSeq
	}
	return v.Nodename
}

// words splits a list whose items may themselves hold several names.
func words(lists ...[]string) []string {
	var out []string
	seen := map[string]bool{}
	for _, list := range lists {
		for _, item := range list {
			for _, w := range strings.FieldsFunc(item, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }) {
				if !seen[w] {
					seen[w] = true
					out = append(out, w)
				}
			}
		}
	}
	return out
}
