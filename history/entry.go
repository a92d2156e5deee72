package history

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pigsync/pigsync/policies"
)

// Kind says what a record tells.
type Kind string

// The kinds.
const (
	KindRun         Kind = "run"
	KindPlanned     Kind = "planned"
	KindIntent      Kind = "intent"
	KindResult      Kind = "result"
	KindConverged   Kind = "converged"
	KindHeld        Kind = "held"
	KindFailed      Kind = "failed"
	KindApproved    Kind = "approved"
	KindHold        Kind = "hold"
	KindReleased    Kind = "released"
	KindCalled      Kind = "called"
	KindAdopted     Kind = "adopted"
	KindQuarantined Kind = "quarantined"
	KindForgiven    Kind = "forgiven"
	KindCheckpoint  Kind = "checkpoint"
	KindDrifted     Kind = "drifted"
	KindRestarts    Kind = "restarts"
)

// Entry is what a record tells; its types are all in this package.
type Entry interface {
	// Kind is the kind of the record.
	Kind() Kind
	// bound is a copy whose texts are short and on one line.
	bound() Entry
}

// RunBegan tells that a revision is attempted from now on.
type RunBegan struct {
	Inventory string `json:"inventory"`
	Revision  string `json:"revision"`
	Author    string `json:"author,omitempty"`
	Subject   string `json:"subject,omitempty"`
}

// Intent is a step that is about to run.
type Intent struct {
	Revision string `json:"revision"`
	Plan     string `json:"plan"` // digest
	Step     Step   `json:"step"`
}

// Result is how a step ended.
type Result struct {
	Revision string        `json:"revision"`
	Plan     string        `json:"plan"` // digest
	Step     Step          `json:"step"`
	Err      string        `json:"err,omitempty"` // "" when it succeeded
	Took     time.Duration `json:"took_ns"`
	// World is what was seen of the owner's cluster when the step was judged; see policies.World.
	World string `json:"world,omitempty"`
}

// Converged tells that everything a revision asks for was seen to be true.
type Converged struct {
	Revision string `json:"revision"`
	Round    int    `json:"round"` // how many rounds that took; it is no news by itself
}

// Held tells that a run ended because what is left may not be done now.
type Held struct {
	Revision string `json:"revision"`
	Plan     string `json:"plan"` // digest
	Steps    int    `json:"steps"`
	Left     bool   `json:"left,omitempty"` // nothing but what somebody left behind who left the inventory
}

// Failed tells that a run ended without progress.
type Failed struct {
	Revision string `json:"revision"`
	Plan     string `json:"plan,omitempty"` // digest; "" when there was none
	Err      string `json:"err"`
}

// Approved is somebody's word that the held steps of a plan may run, each once.
type Approved struct {
	policies.Approval
	Decision string `json:"decision,omitempty"` // id, when it came through the inbox
}

// HoldOrdered is somebody's word to keep hands off an owner; a later one of the same owner counts
// instead of an earlier one.
type HoldOrdered struct {
	policies.HoldOrder
	Decision string `json:"decision,omitempty"`
}

// Released ends the hold whose owner is spelled the same.
type Released struct {
	Owner    string `json:"owner"`
	By       string `json:"by"`
	Decision string `json:"decision,omitempty"`
}

// Called tells that somebody asked something of the daemon that leaves no other record.
type Called struct {
	Call string `json:"call"` // "wake"
	By   string `json:"by"`
	From string `json:"from,omitempty"` // the address it came from
}

// Adopted tells of owners that are ours to change from now on: they were seen in sync, or somebody said so.
type Adopted struct {
	Owners   []string `json:"owners"`       // exact; somebody may accept a pattern
	By       string   `json:"by,omitempty"` // "" where they were seen in sync
	Decision string   `json:"decision,omitempty"`
}

// Checkpoint is what the records before it amount to; every file begins with one.
type Checkpoint struct {
	Converged  string               `json:"converged,omitempty"` // revision, "" for none
	Attempted  []string             `json:"attempted,omitempty"` // since then, the oldest first
	Idle       string               `json:"idle,omitempty"`      // the newest of them, as long as it has done nothing
	Left       string               `json:"left,omitempty"`      // the newest of them, once only what was left behind was held
	Approvals  []policies.Approval  `json:"approvals,omitempty"` // without the steps that were done
	Holds      []policies.HoldOrder `json:"holds,omitempty"`
	Unfinished []Intent             `json:"unfinished,omitempty"`
	Changed    map[string]time.Time `json:"changed,omitempty"` // owner: when something of it was last changed
	Stopped    map[string]time.Time `json:"stopped,omitempty"` // owner: when something of it was stopped for good
	Adopted    []string             `json:"adopted,omitempty"`
	Good       []string             `json:"good,omitempty"`       // revisions that converged, the newest last
	Quarantine []Quarantined        `json:"quarantine,omitempty"` // revisions that are known to be bad, the newest last
	Since      time.Time            `json:"since,omitzero"`       // all that was changed since then is known
	Latest     time.Time            `json:"latest,omitzero"`      // the newest time that was written down
	Drifts     []Drift              `json:"drifts,omitempty"`
	Restarts   []PendingRestart     `json:"restarts,omitempty"` // what is waited for
}

// Unknown is a record of a kind that only a later version knows.
type Unknown struct {
	kind Kind
	Data json.RawMessage
}

// Kind is KindRun.
func (RunBegan) Kind() Kind { return KindRun }

// Kind is KindPlanned.
func (Planned) Kind() Kind { return KindPlanned }

// Kind is KindIntent.
func (Intent) Kind() Kind { return KindIntent }

// Kind is KindResult.
func (Result) Kind() Kind { return KindResult }

// Kind is KindConverged.
func (Converged) Kind() Kind { return KindConverged }

// Kind is KindHeld.
func (Held) Kind() Kind { return KindHeld }

// Kind is KindFailed.
func (Failed) Kind() Kind { return KindFailed }

// Kind is KindApproved.
func (Approved) Kind() Kind { return KindApproved }

// Kind is KindHold.
func (HoldOrdered) Kind() Kind { return KindHold }

// Kind is KindReleased.
func (Released) Kind() Kind { return KindReleased }

// Kind is KindCalled.
func (Called) Kind() Kind { return KindCalled }

// Kind is KindAdopted.
func (Adopted) Kind() Kind { return KindAdopted }

// Kind is KindCheckpoint.
func (Checkpoint) Kind() Kind { return KindCheckpoint }

// Kind is what the record says.
func (u Unknown) Kind() Kind { return u.kind }

// MarshalJSON writes the payload as it was read.
func (u Unknown) MarshalJSON() ([]byte, error) { return u.Data, nil }

// decode reads the payload of a record.
func decode(k Kind, data []byte) (Entry, error) {
	switch k {
	case KindRun:
		return as[RunBegan](k, data)
	case KindPlanned:
		return as[Planned](k, data)
	case KindIntent:
		return as[Intent](k, data)
	case KindResult:
		return as[Result](k, data)
	case KindConverged:
		return as[Converged](k, data)
	case KindHeld:
		return as[Held](k, data)
	case KindFailed:
		return as[Failed](k, data)
	case KindApproved:
		return as[Approved](k, data)
	case KindHold:
		return as[HoldOrdered](k, data)
	case KindReleased:
		return as[Released](k, data)
	case KindCalled:
		return as[Called](k, data)
	case KindAdopted:
		return as[Adopted](k, data)
	case KindQuarantined:
		return as[Quarantined](k, data)
	case KindForgiven:
		return as[Forgiven](k, data)
	case KindDrifted:
		return as[Drifted](k, data)
	case KindRestarts:
		return as[Restarts](k, data)
	case KindCheckpoint:
		return as[Checkpoint](k, data)
	}
	return Unknown{kind: k, Data: append(json.RawMessage(nil), data...)}, nil
}

func as[E Entry](k Kind, data []byte) (Entry, error) {
	var e E
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("read the %s: %w", k, err)
	}
	return e, nil
}
