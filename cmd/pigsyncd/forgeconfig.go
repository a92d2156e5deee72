package main

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/pigsync/pigsync/sources"
	"github.com/pigsync/pigsync/sources/forge"
)

// forgeConfig is a repository on a forge, where people review what an inventory is to become.
type forgeConfig struct {
	Kind        string   `yaml:"kind"`       // gitea, forgejo, github or gitlab
	URL         string   `yaml:"url"`        // https://git.example.com
	Repository  string   `yaml:"repository"` // owner/name
	TokenFile   string   `yaml:"token_file"`
	CAFile      string   `yaml:"ca_file"`
	Inventories []string `yaml:"inventories"` // that come from it; default all
}

func (f forgeConfig) options() forge.Config {
	return forge.Config{Kind: f.Kind, URL: f.URL, Repository: f.Repository, TokenFile: f.TokenFile, CAFile: f.CAFile}
}

func (c *config) checkForges(d *decoder) {
	for i, f := range c.Forges {
		at := fmt.Sprintf("forges[%d]", i)
		c.checkNames(d, at+".inventories", f.Inventories)
		if part, err := f.options().Check(); err != nil {
			d.wrongAt(at+"."+part, "%v", err)
			continue
		}
		if u, err := url.Parse(f.URL); err == nil && f.TokenFile != "" && u.Scheme == "http" && !loopback(hostPort(u)) {
			d.wrongAt(at+".url", "the token would be sent in the clear: want https")
		}
	}
}

// forges are the clients of those that an inventory comes from.
func (c *config) forges(inv inventoryConfig) (clients []*forge.Client, err error) {
	for i, f := range c.Forges {
		if f.Inventories != nil && !slices.Contains(f.Inventories, inv.Name) {
			continue
		}
		client, err := forge.New(f.options())
		if err != nil {
			return nil, readable(fmt.Errorf("forges[%d]: %w", i, err))
		}
		clients = append(clients, client)
	}
	return clients, nil
}

// witnesses are those who know who agreed to a plan: the source, where its commits may say so, and forges, where
// people review.
func (c *config) witnesses(src *source, clients []*forge.Client) (all []sources.Witness) {
	if w, ok := src.Source.(sources.Witness); ok {
		all = append(all, w)
	}
	people := c.Policies.people()
	for _, f := range clients {
		all = append(all, sources.Reviewed(f, people.Knows))
	}
	return all
}
