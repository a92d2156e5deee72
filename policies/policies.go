package policies

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Verdict orders from free to forbidden.
type Verdict uint8

// The verdicts.
const (
	Allow Verdict = iota
	Hold          // not now, or not without somebody's word
	Deny          // not at this commit
)

// String is the verdict in lower case.
func (v Verdict) String() string { return [...]string{"allow", "hold", "deny"}[min(v, Deny)] }

// MarshalText writes what String says.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Policy is a rule with a name.
type Policy struct {
	Name, Doc string
	Judge     func(*Case) []Objection
}

// Case is everything a judge may look at; nothing it may touch.
type Case struct {
	Now      time.Time
	Revision string // the commit the plan is for
	Plan     *diff.Plan
	Want     *resource.Set // all that the commit asks for
	Have     map[resource.ID]resource.State
	// Past tells what was done to a resource since a time, the oldest first. It may be nil.
	Past      func(id resource.ID, since time.Time) []Event
	Approvals []Approval
	Holds     []HoldOrder
	// Frozen names the owners with a problem at this commit: they are neither changed nor pruned.
	Frozen map[string]bool
	// Settled says that this commit has converged before, so that what differs now is drift.
	Settled bool
	// Returning says that the plan goes back to an earlier commit, which nobody has asked for in the repository.
	Returning bool
	// Memory is what is remembered of the past beside single resources.
	Memory Memory
	// Samples are measures that were asked for outside, by name.
	Samples map[string]Sample
	// Version is the version of Pigsty the inventory is written for, "" when it does not say.
	Version string

	shared *shared // what was worked out for one judgement
}

// Memory is what is remembered of owners and of the time. What nothing is remembered of is empty.
type Memory struct {
	Since   time.Time            // all that was done since then is remembered; zero: nobody can tell
	Latest  time.Time            // of the newest thing remembered
	Changed map[string]time.Time // when something was last changed of an owner
	Stopped map[string]time.Time // when something of an owner was last stopped for good, and nothing made since
	Adopted map[string]bool      // owners that were seen in sync, or accepted
}

// Sample is a measure at a time, or why there is none.
type Sample struct {
	Value float64
	When  time.Time
	Err   string
}

// shared is worked out once for all judges of one judgement, who may ask at the same time.
type shared struct {
	mu   sync.Mutex // guards what follows
	made map[any]func() any
}

// Once gives what was made of the case under a key, and makes it when nobody has asked before.
func (c *Case) Once(key any, work func() any) any {
	if c.shared == nil {
		c.shared = &shared{} // a judge was asked alone
	}
	return c.shared.get(key, work)()
}

func (s *shared) get(key any, work func() any) func() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil {
		s.made = map[any]func() any{}
	}
	if s.made[key] == nil {
		s.made[key] = sync.OnceValue(work)
	}
	return s.made[key]
}

// The keys of what is worked out here.
type (
	digestKey struct{}
	worldKey  struct{}
	agreedKey struct{}
)

// Digest is that of the plan.
func (c *Case) Digest() string {
	digest, _ := c.Once(digestKey{}, func() any { return c.Plan.Digest() }).(string)
	return digest
}

// Event is something that was done to a resource.
type Event struct {
	When   time.Time // when it ended
	Action diff.Action
	Err    string // "" when it succeeded
	// Step is Change.Digest of what failed, and Revision the commit it was tried for; "" when it succeeded.
	Step, Revision string
	Took           time.Duration // 0 when nobody knows
}

// HoldOrder keeps hands off an owner for a while.
type HoldOrder struct {
	Owner  string    `json:"owner"` // exact, or a pattern of package path: "etcd/*"
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// Objection is why a step may not run.
type Objection struct {
	Step    int       `json:"step"`
	Verdict Verdict   `json:"verdict"`
	Policy  string    `json:"policy"`
	Code    string    `json:"code"`
	Reason  string    `json:"reason"`
	Until   time.Time `json:"until,omitzero"` // when it may be otherwise; zero when nobody knows
}

// Until says until when, as it follows a reason; nothing when nobody knows.
func Until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", until " + t.Format("2006-01-02 15:04 MST")
}

// Judge gathers every objection, ordered by step, and one verdict a step. What needs a step that
// may not run may not run either. The judges look at the same time: none of them can change anything.
func Judge(c *Case, ps []*Policy) ([]Verdict, []Objection) {
	c.shared = &shared{}
	verdicts := make([]Verdict, len(c.Plan.Steps))
	found := make([][]Objection, len(ps))
	var wg sync.WaitGroup
	for i, p := range ps {
		wg.Go(func() { found[i] = ask(p, c) })
	}
	wg.Wait()
	for i, p := range ps {
		for k := range found[i] {
			o := &found[i][k]
			o.Policy = p.Name
			verdicts[o.Step] = max(verdicts[o.Step], o.Verdict)
		}
	}
	for i, s := range c.Plan.Steps {
		for _, n := range s.Needs {
			if verdicts[n] > Allow {
				verdicts[i] = max(verdicts[i], Hold)
			}
		}
	}
	return verdicts, inOrder(found, len(verdicts))
}

// inOrder puts what the judges said in the order of the steps, and of the judges.
func inOrder(found [][]Objection, steps int) []Objection {
	next := make([]int, steps+1) // where the next objection to a step goes
	for _, os := range found {
		for _, o := range os {
			next[o.Step+1]++
		}
	}
	for i := range steps {
		next[i+1] += next[i]
	}
	if next[steps] == 0 {
		return nil
	}
	all := make([]Objection, next[steps])
	for _, os := range found {
		for _, o := range os {
			all[next[o.Step]] = o
			next[o.Step]++
		}
	}
	return all
}

// ask turns a panic and an objection to a step that is not there into denials.
func ask(p *Policy, c *Case) (os []Objection) {
	defer func() {
		if r := recover(); r != nil {
			os = denyAll(c, fmt.Sprintf("the policy failed: %v", r))
		}
	}()
	os = p.Judge(c)
	for _, o := range os {
		if o.Step < 0 || o.Step >= len(c.Plan.Steps) {
			return denyAll(c, fmt.Sprintf("the policy spoke of step %d of %d", o.Step, len(c.Plan.Steps)))
		}
	}
	return os
}

func denyAll(c *Case, reason string) []Objection {
	var os []Objection
	for i := range c.Plan.Steps {
		os = append(os, Objection{Step: i, Verdict: Deny, Code: "PS199", Reason: reason})
	}
	return os
}

// acts tells whether a step would change something: a check and a wait do not.
func acts(s diff.Step) bool {
	return s.Action == diff.Create || s.Action == diff.Update || s.Action == diff.Delete
}

// eachStep objects to the acting steps that find names a reason against.
func eachStep(c *Case, v Verdict, code string, find func(diff.Step) string) (os []Objection) {
	for i := range c.Plan.Steps {
		s := &c.Plan.Steps[i]
		if !acts(*s) {
			continue
		}
		if reason := find(*s); reason != "" {
			os = append(os, Objection{Step: i, Verdict: v, Code: code, Reason: reason})
		}
	}
	return os
}

// sortedKeys are the keys of a mapping in their order, so that the same case is judged in the same words.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
