package resource

import (
	"fmt"
	"strings"
)

// Hazard is a bit set of what a change may cost.
type Hazard uint8

// The hazards, from mild to grave.
const (
	Reload   Hazard = 1 << iota // a service reads its files again
	Restart                     // a service stops for a moment, or for good
	Failover                    // a leader moves
	Topology                    // a member is lost to its cluster
	DataLoss                    // bytes or secrets are gone
	Lockout                     // we may lose the way in
)

var hazardNames = [...]string{"reload", "restart", "failover", "topology", "data-loss", "lockout"}

// String lists the hazards by name, mildest first: "restart,topology"; "none" when there are none.
func (h Hazard) String() string {
	var names []string
	for i, n := range hazardNames {
		if h&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ",")
}

// Each yields the hazards of h one by one.
func (h Hazard) Each(yield func(Hazard) bool) {
	for i := range hazardNames {
		if one := Hazard(1) << i; h&one != 0 && !yield(one) {
			return
		}
	}
}

// MarshalText writes what String says.
func (h Hazard) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what String wrote.
func (h *Hazard) UnmarshalText(b []byte) error {
	*h = 0
	if string(b) == "none" || len(b) == 0 {
		return nil
	}
	for name := range strings.SplitSeq(string(b), ",") {
		one, err := hazardNamed(name)
		if err != nil {
			return err
		}
		*h |= one
	}
	return nil
}

func hazardNamed(name string) (Hazard, error) {
	for i, n := range hazardNames {
		if n == name {
			return 1 << i, nil
		}
	}
	return 0, fmt.Errorf("unknown hazard %q: want one of %s", name, strings.Join(hazardNames[:], ", "))
}
