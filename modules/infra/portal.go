package infra

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/notation"
)

// check reports what is wrong with one host, whatever the others are.
func (m *member) check() {
	m.list("repo_packages", m.vars.Repo.Packages)
	m.list("repo_extra_packages", m.vars.Extra)
	m.checkRecords()
	m.checkPortal()
	if m.vars.ScrapeTimeout > m.vars.ScrapeInterval {
		m.Errorf(m.pos(m.written("vmetrics_scrape_timeout", "vmetrics_scrape_interval")), CodeTimeout,
			"vmetrics_scrape_timeout: want at most vmetrics_scrape_interval (%s), got %s", m.vars.ScrapeInterval, m.vars.ScrapeTimeout)
	}
	if m.vars.Sign && m.vars.Email == "your@email.com" {
		m.Warnf(m.pos(m.written("certbot_email", "certbot_sign")), CodeCertbot, "certbot_email: is the one of the sample: want an address where somebody reads of certificates that end")
	}
}

// written is the first of the names that the inventory gives.
func (m *member) written(names ...string) string {
	i := slices.IndexFunc(names, m.bound.Has)
	return names[max(i, 0)]
}

func (m *member) checkRecords() {
	if !m.bound.Has("dns_records") {
		return
	}
	for i, line := range m.vars.Records {
		line = inventory.Expand(line, map[string]string{"admin_ip": "0.0.0.0"})
		if len(notation.Placeholders(line)) > 0 {
			continue
		}
		host, err := notation.ParseHost(line)
		for _, name := range host.Names {
			if bad := notation.HostName(name); err == nil && bad != nil {
				err = fmt.Errorf("the name %q %w", name, bad)
			}
		}
		if err != nil {
			item := fmt.Sprintf("dns_records[%d]", i)
			m.Errorf(m.pos(item), CodeRecord, "%s: %v", item, err)
		}
	}
}

func (m *member) checkPortal() {
	if !m.bound.Has("infra_portal") {
		return
	}
	owners := map[string]string{} // entry by domain
	for _, name := range slices.Sorted(maps.Keys(m.vars.Entries)) {
		e := m.vars.Entries[name]
		m.checkEntry(name, e)
		if e.Domain != "" {
			m.checkDomain(owners, name, "domain", e.Domain)
		}
		for i, domain := range e.Domains {
			m.checkDomain(owners, name, fmt.Sprintf("domains[%d]", i), domain)
		}
	}
}

// checkEntry judges one web site. One without a domain is not served, and so is not judged; home
// is made of everything that the module itself offers.
func (m *member) checkEntry(name string, e Entry) {
	at := m.entry(name)
	if e.Endpoint != "" {
		if host, _, err := notation.Endpoint(e.Endpoint); err != nil {
			m.Errorf(m.pos(at+".endpoint"), CodeEndpoint, "%s.endpoint: %v", at, err)
		} else if len(notation.Placeholders(host)) == 0 && !notation.IsHost(host) {
			m.Errorf(m.pos(at+".endpoint"), CodeEndpoint, "%s.endpoint: %q is neither an address nor a name", at, host)
		}
	}
	if name != "home" && e.Domain != "" && e.Endpoint == "" && e.Path == "" && e.Conf == "" {
		m.Errorf(m.pos(at), CodeNothing, "%s: has a domain and nothing to show: want an endpoint, a path or a conf", at)
	}
	if e.Auth && len(m.vars.Users) == 0 {
		m.Warnf(m.pos(at+".auth"), CodeAuth, "%s.auth: asks for one of nginx_users, and there is none: nobody gets in", at)
	}
}

func (m *member) checkDomain(owners map[string]string, entry, key, domain string) {
	at := m.entry(entry) + "." + key
	if err := notation.HostName(strings.TrimPrefix(domain, "*.")); err != nil {
		m.Errorf(m.pos(at), CodeDomain, "%s: %q %v", at, domain, err)
	}
	domain = strings.ToLower(domain)
	if other, taken := owners[domain]; taken && other != entry {
		m.Errorf(m.pos(at), CodeSameDomain, "%s: %s is already the name of %s", at, domain, m.entry(other))
		return
	}
	owners[domain] = entry
}

// entry is how problems call an entry of the portal.
func (m *member) entry(name string) string {
	portal, _ := m.host.Lookup("infra_portal")
	v, _ := portal.Lookup(name)
	return v.Name()
}
