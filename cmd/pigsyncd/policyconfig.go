package main

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/policies/rules"
)

// policiesConfig is what may happen, when, and how much at once. It judges beside the defaults, and can
// only forbid more.
type policiesConfig struct {
	// Labels of clusters and nodes, by owner or pattern: "pgsql/pg-gold*": { tier: gold }.
	Labels  map[string]map[string]string `yaml:"labels"`
	Windows []windowConfig               `yaml:"windows"`
	Freezes []freezeConfig               `yaml:"freezes"`
	Budgets []budgetConfig               `yaml:"budgets"`
	Rules   []ruleConfig                 `yaml:"rules"`
	Blast   *blastConfig                 `yaml:"blast"`

	Calendars map[string][]string     `yaml:"calendars"` // days that windows may name as exceptions
	People    map[string]personConfig `yaml:"people"`    // whose word counts, by name
	Consent   []consentConfig         `yaml:"consent"`
	Lag       *lagConfig              `yaml:"lag"`
	Disk      *diskConfig             `yaml:"disk"`
	Backup    *backupConfig           `yaml:"backup"`
	Rings     []ringConfig            `yaml:"rings"`

	Prometheus *prometheusConfig `yaml:"prometheus"`
	Quarantine *quarantineConfig `yaml:"quarantine"`
	Adoption   []string          `yaml:"adoption"` // patterns of owners that are only reported until seen in sync
	Fights     *fightsConfig     `yaml:"fights"`
	Pigsty     string            `yaml:"pigsty"` // the newest release whose inventories are acted on
}

type windowConfig struct {
	Name    string         `yaml:"name"`
	Opens   string         `yaml:"opens"` // five fields of cron
	Lasts   time.Duration  `yaml:"lasts"`
	Zone    string         `yaml:"zone"`    // default UTC
	Hazards []string       `yaml:"hazards"` // default: every change
	Owners  []string       `yaml:"owners"`  // default: everybody
	Except  []string       `yaml:"except"`  // 2026-12-24, or 2026-12-24..2027-01-03, or the name of a calendar
	Deny    bool           `yaml:"deny"`
	Overrun bool           `yaml:"overrun"` // a step may begin that would not end in it
	Margin  *time.Duration `yaml:"margin"`  // what is taken for the length of a step of which nobody knows it
}

type freezeConfig struct {
	From    string   `yaml:"from"` // RFC 3339: 2026-12-20T00:00:00+01:00
	Until   string   `yaml:"until"`
	Reason  string   `yaml:"reason"`
	Hazards []string `yaml:"hazards"`
	Owners  []string `yaml:"owners"`
}

type budgetConfig struct {
	Name    string   `yaml:"name"`
	Per     string   `yaml:"per"`   // fleet, module, owner, host or label:NAME; default fleet
	Nodes   int      `yaml:"nodes"` // at a time
	Share   string   `yaml:"share"` // of all nodes: 10%
	Hazards []string `yaml:"hazards"`
	Owners  []string `yaml:"owners"`
}

type ruleConfig struct {
	Name    string `yaml:"name"`
	When    string `yaml:"when"`
	Message string `yaml:"message"`
	Verdict string `yaml:"verdict"` // hold or deny; default hold
	Zone    string `yaml:"zone"`
}

type blastConfig struct {
	Share string `yaml:"share"` // of all clusters and nodes: 25%
	Few   int    `yaml:"few"`   // so many may always go
	Touch string `yaml:"touch"` // of all clusters and nodes may be touched: 50%; default all

	Hazards []string `yaml:"hazards"` // what counts as touched; default every change
}

// complaint notes a problem at a path of the configuration.
type complaint func(path, format string, args ...any)

// compile makes the judges. What is wrong is reported, and makes none.
func (p policiesConfig) compile(wrong complaint) []*policies.Policy {
	c := policyCompiler{p, wrong}
	windows := each(p.Windows, "policies.windows", c.window)
	ps := c.settings()
	if len(windows) > 0 {
		ps = append(ps, policies.Windows(windows))
	}
	if freezes := each(p.Freezes, "policies.freezes", c.freeze); len(freezes) > 0 {
		ps = append(ps, policies.Freezes(freezes))
	}
	if budgets := each(p.Budgets, "policies.budgets", c.budget); len(budgets) > 0 {
		ps = append(ps, policies.Budgets(budgets, p.Labels))
	}
	return append(ps, c.rules(&rules.World{Labels: p.Labels, Windows: windows})...)
}

// policyCompiler makes policies of their configuration.
type policyCompiler struct {
	policiesConfig
	wrong complaint
}

// each makes one of every entry of a list.
func each[C, T any](list []C, at string, one func(C, string) T) (out []T) {
	for i, entry := range list {
		out = append(out, one(entry, fmt.Sprintf("%s[%d]", at, i)))
	}
	return out
}

func (c policyCompiler) window(w windowConfig, at string) policies.Window {
	c.required(at+".name", w.Name)
	opens, err := policies.ParseSchedule(w.Opens)
	if err != nil {
		c.wrong(at+".opens", "want five fields of cron such as 0 2 * * 1-5, got %q: %v", w.Opens, err)
	}
	if w.Lasts <= 0 || w.Lasts > maxWindow {
		c.wrong(at+".lasts", "want how long it stays open, such as 3h, up to a week")
	}
	return policies.Window{
		Name: w.Name, Opens: opens, Lasts: w.Lasts, Zone: c.zone(at, w.Zone), Deny: w.Deny,
		Scope: c.scope(at, w.Hazards, w.Owners), Except: slices.Concat(each(w.Except, at+".except", c.exceptions)...),
		Overrun: w.Overrun, Margin: w.margin(),
	}
}

// margin is a minute, but at most a tenth of the window, unless it is given.
func (w windowConfig) margin() time.Duration {
	if w.Margin != nil {
		return *w.Margin
	}
	return min(time.Minute, w.Lasts/10)
}

// exceptions are days, or all days of a calendar, whose mistakes are told where it stands.
func (c policyCompiler) exceptions(text, at string) []policies.Days {
	if calendar, named := c.Calendars[text]; named {
		c.wrong = func(string, string, ...any) {}
		return each(calendar, "policies.calendars."+text, c.days)
	}
	return []policies.Days{c.days(text, at)}
}

// maxWindow bounds how long a window stays open.
const maxWindow = 7 * 24 * time.Hour

func (c policyCompiler) zone(at, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		c.wrong(at+".zone", "want a time zone such as Europe/Berlin, got %q", name)
		return time.UTC
	}
	return z
}

func (c policyCompiler) scope(at string, named, owners []string) policies.Scope {
	s := policies.Scope{Owners: owners}
	for i, name := range named {
		one, err := hazards([]string{name})
		if err != nil {
			c.wrong(fmt.Sprintf("%s.hazards[%d]", at, i), "%v", err)
		}
		s.Hazards |= one
	}
	for i, pattern := range owners {
		c.pattern(fmt.Sprintf("%s.owners[%d]", at, i), pattern)
	}
	return s
}

func (c policyCompiler) pattern(at, pattern string) {
	if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
		c.wrong(at, "want a pattern of owners such as etcd/*, got %q", pattern)
	}
}

func (c policyCompiler) required(at, text string) {
	if text == "" {
		c.wrong(at, "is required")
	}
}

func (c policyCompiler) days(text, at string) policies.Days {
	first, last, several := strings.Cut(text, "..")
	if !several {
		last = first
	}
	for _, d := range []string{first, last} {
		if _, err := time.Parse(time.DateOnly, d); err != nil || last < first {
			c.wrong(at, "want a day such as 2026-12-24, days such as 2026-12-24..2027-01-03, or the name of a calendar, got %q", text)
			break
		}
	}
	return policies.Days{First: first, Last: last}
}

func (c policyCompiler) freeze(f freezeConfig, at string) policies.Freeze {
	c.required(at+".reason", f.Reason)
	out := policies.Freeze{
		From: c.moment(at+".from", f.From), Until: c.moment(at+".until", f.Until), Reason: f.Reason,
		Scope: c.scope(at, f.Hazards, f.Owners),
	}
	if !out.From.IsZero() && !out.Until.IsZero() && !out.From.Before(out.Until) {
		c.wrong(at+".until", "it ends before it begins")
	}
	return out
}

func (c policyCompiler) moment(at, text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		c.wrong(at, "want a time with its zone such as 2026-12-20T00:00:00+01:00, got %q", text)
	}
	return t
}

func (c policyCompiler) budget(b budgetConfig, at string) policies.Budget {
	c.required(at+".name", b.Name)
	out := policies.Budget{
		Name: b.Name, Max: b.Nodes, Share: c.share(at+".share", b.Share), Per: policies.PerFleet,
		Scope: c.scope(at, b.Hazards, b.Owners),
	}
	if b.Nodes == 0 && b.Share == "" {
		c.wrong(at, "want nodes or share: how many at a time")
	}
	label, labelled := strings.CutPrefix(b.Per, "label:")
	known := []policies.Per{policies.PerFleet, policies.PerModule, policies.PerOwner, policies.PerHost}
	switch per := policies.Per(b.Per); {
	case labelled && label != "":
		out.Per, out.Label = policies.PerLabel, label
	case slices.Contains(known, per):
		out.Per = per
	case b.Per != "":
		c.wrong(at+".per", "want fleet, module, owner, host or label:NAME, got %q", b.Per)
	}
	return out
}

func (c policyCompiler) share(at, text string) float64 {
	if text == "" {
		return 0
	}
	percent, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || !strings.HasSuffix(text, "%") || percent <= 0 || percent > 100 {
		c.wrong(at, "want a share such as 10%%, got %q", text)
	}
	return percent / 100
}

func (c policyCompiler) blast() *policies.Policy {
	b := policies.DefaultBlast()
	if c.Blast != nil {
		b = policies.Blast{
			Share: c.share("policies.blast.share", c.Blast.Share), Few: c.Blast.Few,
			Touch: c.share("policies.blast.touch", c.Blast.Touch), Scope: c.scope("policies.blast", c.Blast.Hazards, nil),
		}
		if c.Blast.Share == "" {
			b.Share = policies.DefaultBlast().Share
		}
	}
	return policies.BlastRadius(b)
}

func (c policyCompiler) rules(w *rules.World) (ps []*policies.Policy) {
	for i, r := range c.Rules {
		at := fmt.Sprintf("policies.rules[%d]", i)
		c.required(at+".name", r.Name)
		c.required(at+".message", r.Message)
		if !slices.Contains([]string{"", "hold", "deny"}, r.Verdict) {
			c.wrong(at+".verdict", "want hold or deny, got %q", r.Verdict)
		}
		p, err := rules.Compile(rules.Rule{Name: r.Name, When: r.When, Message: r.Message, Deny: r.Verdict == "deny", Zone: c.zone(at, r.Zone)}, w)
		if err != nil {
			c.wrong(at+".when", "%v", err)
			continue
		}
		ps = append(ps, p)
	}
	return ps
}

// judgement is what the policies of a configuration are compiled to, once.
type judgement struct {
	judges  []*policies.Policy
	queries map[string]string
}

func (p policiesConfig) judgement(wrong complaint) *judgement {
	c := policyCompiler{p, wrong}
	return &judgement{judges: p.compile(wrong), queries: c.queries()}
}

func (c *config) checkPolicies(d *decoder) {
	compiler := policyCompiler{c.Policies, d.wrongAt}
	for pattern := range c.Policies.Labels {
		compiler.pattern("policies.labels", pattern)
	}
	for _, name := range sortedNames(c.Policies.Calendars) {
		each(c.Policies.Calendars[name], "policies.calendars."+name, compiler.days)
	}
	c.judged = c.Policies.judgement(d.wrongAt)
}

// judgement compiles the policies, unless that was done when the file was read.
func (c *config) judgement() *judgement {
	if c.judged == nil {
		c.judged = c.Policies.judgement(func(string, string, ...any) {})
	}
	return c.judged
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
