package policies

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Approval lets the held steps of one plan through, each once, for the commit it was shown for.
type Approval struct {
	Revision string    `json:"revision"`
	Digest   string    `json:"digest"` // of the plan that was approved
	Steps    []string  `json:"steps"`  // Change.Digest of every step of it
	By       string    `json:"by"`
	When     time.Time `json:"when"`
	Until    time.Time `json:"until"` // it counts until then
	// Via is how the word was given: "" by who may write the daemon's inbox, or what was checked.
	Via string `json:"via,omitempty"`
	// World is what was seen of the clusters when the plan was shown, by owner. A cluster that has become
	// another one since is not what was approved.
	World map[string]string `json:"world,omitempty"`
}

// The ways in which a word is given that is checked: a signed commit, and a review on a forge.
const (
	ViaCommit = "commit"
	ViaReview = "review"
)

// World names in a few digits what is seen of a plan's clusters: who is a member, who leads, who is well. An
// owner of which there is no picture has none.
func World(p *diff.Plan, have map[resource.ID]resource.State) map[string]string {
	world := map[string]string{}
	for i := range p.Steps {
		owner := p.Steps[i].Owner
		if _, named := world[owner]; named {
			continue
		}
		if picture := pictureOf(owner, have); picture != "" {
			sum := sha256.Sum256([]byte(picture))
			world[owner] = hex.EncodeToString(sum[:6])
		}
	}
	return world
}

// pictureOf spells what of a cluster no approval outlives. Positions and lag move all the time.
func pictureOf(owner string, have map[resource.ID]resource.State) string {
	module, name, _ := strings.Cut(owner, "/")
	switch module {
	case "etcd":
		return etcdPicture(have[resource.EtcdClusterOf(name)])
	case "pgsql":
		return pgPicture(have[resource.PGClusterOf(name)])
	}
	return ""
}

func etcdPicture(s resource.State) string {
	c, seen := s.Spec.(resource.EtcdCluster)
	if s.Err != nil {
		return "unknown"
	}
	if !seen {
		return ""
	}
	text := fmt.Sprintf("%s %v\n", c.ID, c.Quorum)
	for _, m := range c.Members {
		text += fmt.Sprintf("%s %s %v %v\n", m.ID, m.PeerURL, m.Learner, m.Healthy)
	}
	return text
}

func pgPicture(s resource.State) string {
	c, seen := s.Spec.(resource.PGCluster)
	if s.Err != nil {
		return "unknown"
	}
	if !seen {
		return ""
	}
	text := fmt.Sprintf("%s %v\n", c.Leader, slices.Sorted(maps.Keys(c.Silent)))
	for _, m := range c.Members {
		text += fmt.Sprintf("%s %s %s %v %s %v\n", m.Instance, m.Node, m.Role, m.Up, m.System, m.Paused)
	}
	return text
}

// approved tells whether somebody agreed to exactly this step of this commit, and it was not done since.
func approved(c *Case, s diff.Step) bool { return len(approvalsOf(c, s)) > 0 }

// approvalsOf are those that count for a step: for this commit and this world, not yet over, given before now,
// and not used up.
func approvalsOf(c *Case, s diff.Step) (as []*Approval) {
	if len(c.Approvals) == 0 {
		return nil // without working out what the step would have to be called
	}
	for _, i := range c.approving()[s.Digest()] {
		a := &c.Approvals[i]
		if c.inForce(a) && c.sameWorld(a, s.Owner) && !doneSince(c, s, *a) {
			as = append(as, a)
		}
	}
	return as
}

// inForce tells whether an approval is for this commit, and for now. One of the future was given by a clock
// that went wrong.
func (c *Case) inForce(a *Approval) bool {
	return a.Revision == c.Revision && c.Now.Before(a.Until) && !c.Now.Before(a.When)
}

func (c *Case) sameWorld(a *Approval, owner string) bool {
	was, bound := a.World[owner]
	if !bound {
		return true
	}
	is, _ := c.Once(worldKey{}, func() any { return World(c.Plan, c.Have) }).(map[string]string)
	return was == is[owner]
}

// approving finds the approvals of a step by its digest.
func (c *Case) approving() map[string][]int {
	by, _ := c.Once(agreedKey{}, func() any {
		by := map[string][]int{}
		for i, a := range c.Approvals {
			for _, digest := range a.Steps {
				by[digest] = append(by[digest], i)
			}
		}
		return by
	}).(map[string][]int)
	return by
}

func doneSince(c *Case, s diff.Step, a Approval) bool {
	if c.Past == nil {
		return false
	}
	return slices.ContainsFunc(c.Past(s.ID, a.When), func(e Event) bool {
		return e.Err == "" && e.Action == s.Action
	})
}

// Consent is how many people must agree to what costs something, and who.
type Consent struct {
	Scope  Scope
	Need   int           // different people; one at least
	Roles  []string      // of each of them one
	Via    []string      // only words given in these ways count; none is any way
	Within time.Duration // a word older than that counts no more; 0: until it ends by itself
}

// Person is somebody whose word counts, under every name under which it comes in.
type Person struct {
	Roles []string
	Names []string // beside the own: addresses of mail, accounts of a forge
}

// People are those who are known, by name.
type People map[string]Person

// Of is who is behind a name; somebody unknown is a person without a role.
func (p People) Of(name string) (who string, roles []string) {
	if known, ok := p[name]; ok {
		return name, known.Roles
	}
	found := ""
	for who, known := range p {
		if slices.Contains(known.Names, name) && (found == "" || who < found) {
			found = who
		}
	}
	if found == "" {
		return name, nil
	}
	return found, p[found].Roles
}

// Knows tells whether somebody is behind a name.
func (p People) Knows(name string) bool {
	who, _ := p.Of(name)
	_, known := p[who]
	return known
}

// Consents holds what several people must agree to until they have.
func Consents(consents []Consent, people People) *Policy {
	return &Policy{
		Name: "consent",
		Doc:  "holds what several people must agree to until they have",
		Judge: func(c *Case) []Objection {
			return eachStep(c, Hold, "PS115", func(s diff.Step) string {
				for _, consent := range consents {
					if !consent.Scope.Covers(s) {
						continue
					}
					if lacks := consent.lacks(c, s, people); lacks != "" {
						return lacks + ": approve plan " + c.Digest()
					}
				}
				return ""
			})
		},
	}
}

// lacks says who has yet to agree, "" when nobody has.
func (n Consent) lacks(c *Case, s diff.Step, people People) string {
	agreed, roles := n.heard(c, s, people)
	var missing []string
	for _, role := range n.Roles {
		if !roles[role] {
			missing = append(missing, role)
		}
	}
	if len(agreed) >= n.Need && missing == nil {
		return ""
	}
	text := fmt.Sprintf("wants the word of %s", peopleText(n.Need))
	if missing != nil {
		text += ", still of " + strings.Join(missing, " and ")
	}
	if len(agreed) > 0 {
		text += "; has that of " + strings.Join(agreed, ", ")
	}
	return text
}

// heard are those who agreed, and the roles they have.
func (n Consent) heard(c *Case, s diff.Step, people People) (agreed []string, roles map[string]bool) {
	roles = map[string]bool{}
	for _, a := range approvalsOf(c, s) {
		if n.Within > 0 && c.Now.Sub(a.When) >= n.Within || n.Via != nil && !slices.Contains(n.Via, a.Via) {
			continue
		}
		who, has := people.Of(a.By)
		if !slices.Contains(agreed, who) {
			agreed = append(agreed, who)
		}
		for _, role := range has {
			roles[role] = true
		}
	}
	slices.Sort(agreed)
	return agreed, roles
}

func peopleText(n int) string {
	if n == 1 {
		return "one person"
	}
	return fmt.Sprintf("%d people", n)
}
