package main

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/pigsync/pigsync/policies"
)

// personConfig is somebody whose word counts.
type personConfig struct {
	Roles []string `yaml:"roles"`
	Also  []string `yaml:"also"` // other names: an address of mail, an account of a forge
}

// consentConfig is who must agree to what.
type consentConfig struct {
	Need    int           `yaml:"need"`    // different people; default 1, or one for each role
	Roles   []string      `yaml:"roles"`   // one of each
	Via     []string      `yaml:"via"`     // commit, review; default any way
	Within  time.Duration `yaml:"within"`  // how old a word may be; default as long as it says itself
	Hazards []string      `yaml:"hazards"` // default: every change
	Owners  []string      `yaml:"owners"`
}

type lagConfig struct {
	MB int `yaml:"mb"` // that a replica may be behind that is to take over
}

type diskConfig struct {
	MB    int    `yaml:"mb"`    // that must be free
	Share string `yaml:"share"` // of a file system
}

type backupConfig struct {
	Within   time.Duration `yaml:"within"`
	Verified time.Duration `yaml:"verified"`
	Owners   []string      `yaml:"owners"`
}

type ringConfig struct {
	Name   string        `yaml:"name"`
	Owners []string      `yaml:"owners"`
	Soak   time.Duration `yaml:"soak"`
	Gates  []gateConfig  `yaml:"gates"`
}

type gateConfig struct {
	Name  string `yaml:"name"`
	Query string `yaml:"query"` // in PromQL, of one number
	Min   string `yaml:"min"`
	Max   string `yaml:"max"`
}

// prometheusConfig is where measures are asked for.
type prometheusConfig struct {
	URL       string `yaml:"url"`
	TokenFile string `yaml:"token_file"` // of a bearer token
	CAFile    string `yaml:"ca_file"`
}

type quarantineConfig struct {
	Period time.Duration `yaml:"period"`
	Owners []string      `yaml:"owners"`
}

type fightsConfig struct {
	Times  int           `yaml:"times"`
	Within time.Duration `yaml:"within"`
}

// maxSoak is how long it is remembered when an owner was changed.
const maxSoak = 30 * 24 * time.Hour

// settings are the judges that have a default, and those that somebody asked for.
func (c policyCompiler) settings() []*policies.Policy {
	ps := []*policies.Policy{c.lag(), c.disk(), c.fights(), c.version(), c.blast()}
	for _, asked := range []*policies.Policy{c.consents(), c.backup(), c.rings(), c.quarantine(), c.adoption()} {
		if asked != nil {
			ps = append(ps, asked)
		}
	}
	return ps
}

func (c policyCompiler) lag() *policies.Policy {
	l := policies.DefaultLag()
	if c.Lag != nil {
		l.Bytes = int64(c.Lag.MB) << 20
	}
	return policies.Lags(l)
}

func (c policyCompiler) disk() *policies.Policy {
	d := policies.DefaultDisk()
	if c.Disk != nil {
		d = policies.Disk{MB: c.Disk.MB, Share: c.share("policies.disk.share", c.Disk.Share)}
	}
	return policies.DiskSpace(d)
}

func (c policyCompiler) fights() *policies.Policy {
	f := policies.DefaultFight()
	if c.Fights != nil {
		f = policies.Fight{Times: c.Fights.Times, Within: c.Fights.Within}
		if f.Times < 2 {
			c.wrong("policies.fights.times", "want how often at least, 2 or more")
		}
		if f.Within <= 0 {
			c.wrong("policies.fights.within", "want a time such as 1h")
		}
	}
	return policies.Fights(f)
}

func (c policyCompiler) version() *policies.Policy {
	newest := c.Pigsty
	if newest == "" {
		newest = policies.NewestPigsty
	}
	if !policies.IsRelease(newest) {
		c.wrong("policies.pigsty", "want a release such as %s, got %q", policies.NewestPigsty, newest)
	}
	return policies.Version(newest)
}

func (c policyCompiler) consents() *policies.Policy {
	c.sameNames()
	if len(c.Consent) == 0 {
		return nil
	}
	return policies.Consents(each(c.Consent, "policies.consent", c.consent), c.people())
}

// people are those whose word counts.
func (p policiesConfig) people() policies.People {
	people := policies.People{}
	for name, one := range p.People {
		people[name] = policies.Person{Roles: one.Roles, Names: one.Also}
	}
	return people
}

// sameNames refuses a name that two people have: nobody would know whose word it is.
func (c policyCompiler) sameNames() {
	taken := map[string]string{}
	for _, name := range sortedNames(c.People) {
		for _, spelled := range append([]string{name}, c.People[name].Also...) {
			if other, is := taken[spelled]; is && other != name {
				c.wrong("policies.people."+name, "%s is a name of %s, too", spelled, other)
			}
			taken[spelled] = name
		}
	}
}

func (c policyCompiler) consent(n consentConfig, at string) policies.Consent {
	for i, role := range n.Roles {
		if !c.somebodyIs(role) {
			c.wrong(fmt.Sprintf("%s.roles[%d]", at, i), "nobody of policies.people has the role %q", role)
		}
	}
	for i, via := range n.Via {
		if via != policies.ViaCommit && via != policies.ViaReview {
			c.wrong(fmt.Sprintf("%s.via[%d]", at, i), "want commit or review, got %q", via)
		}
	}
	return policies.Consent{
		Scope: c.scope(at, n.Hazards, n.Owners), Need: max(n.Need, 1), Roles: n.Roles, Via: n.Via, Within: n.Within,
	}
}

func (c policyCompiler) somebodyIs(role string) bool {
	for _, p := range c.People {
		if slices.Contains(p.Roles, role) {
			return true
		}
	}
	return false
}

func (c policyCompiler) backup() *policies.Policy {
	if c.Backup == nil {
		return nil
	}
	if c.Backup.Within <= 0 {
		c.wrong("policies.backup.within", "want how old the last backup may be, such as 26h")
	}
	return policies.Backups(policies.Backup{
		Scope: c.scope("policies.backup", nil, c.Backup.Owners), Within: c.Backup.Within, Verified: c.Backup.Verified,
	})
}

func (c policyCompiler) rings() *policies.Policy {
	if len(c.Rings) == 0 {
		return nil
	}
	return policies.Rings(each(c.Rings, "policies.rings", c.ring))
}

func (c policyCompiler) ring(r ringConfig, at string) policies.Ring {
	c.required(at+".name", r.Name)
	if len(r.Owners) == 0 {
		c.wrong(at+".owners", "want whom the ring has: patterns such as pgsql/dev-*, or */* for the rest")
	}
	if r.Soak > maxSoak {
		c.wrong(at+".soak", "want up to 720h: longer ago is not remembered")
	}
	return policies.Ring{
		Name: r.Name, Owners: c.scope(at, nil, r.Owners).Owners, Soak: r.Soak, Gates: each(r.Gates, at+".gates", c.gate),
	}
}

func (c policyCompiler) gate(g gateConfig, at string) policies.Gate {
	c.required(at+".name", g.Name)
	c.required(at+".query", g.Query)
	if c.Prometheus == nil {
		c.wrong(at+".query", "nobody to ask: set policies.prometheus")
	}
	out := policies.Gate{Name: g.Name, Min: c.bound(at+".min", g.Min), Max: c.bound(at+".max", g.Max)}
	if g.Min == "" && g.Max == "" {
		c.wrong(at, "want min or max")
	}
	return out
}

func (c policyCompiler) bound(at, text string) *float64 {
	if text == "" {
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		c.wrong(at, "want a number, got %q", text)
	}
	return &f
}

// queries are what is asked of Prometheus, by the name of the gate.
func (c policyCompiler) queries() map[string]string {
	queries := map[string]string{}
	for i, r := range c.Rings {
		for k, g := range r.Gates {
			if other, taken := queries[g.Name]; taken && other != g.Query {
				c.wrong(fmt.Sprintf("policies.rings[%d].gates[%d].name", i, k), "%s is the name of another query", g.Name)
			}
			queries[g.Name] = g.Query
		}
	}
	if c.Prometheus != nil {
		if u, err := url.Parse(c.Prometheus.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			c.wrong("policies.prometheus.url", "want an address such as http://127.0.0.1:9090")
		}
	}
	return queries
}

func (c policyCompiler) quarantine() *policies.Policy {
	if c.Quarantine == nil {
		return nil
	}
	if c.Quarantine.Period <= 0 {
		c.wrong("policies.quarantine.period", "want how long it stays, such as 168h")
	}
	return policies.Quarantines(policies.Quarantine{
		Owners: c.scope("policies.quarantine", nil, c.Quarantine.Owners).Owners, Period: c.Quarantine.Period,
	})
}

func (c policyCompiler) adoption() *policies.Policy {
	if len(c.Adoption) == 0 {
		return nil
	}
	for i, pattern := range c.Adoption {
		c.pattern(fmt.Sprintf("policies.adoption[%d]", i), pattern)
	}
	return policies.Adoption(c.Adoption)
}

// approvalLasts is how long a word counts unless it says so itself: also over a quarantine.
func (p policiesConfig) approvalLasts() time.Duration {
	if p.Quarantine == nil {
		return approvalLife
	}
	return approvalLife + p.Quarantine.Period
}
