package policies

import (
	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Fixed denies what cannot be changed in what is there, approved or not, and says what can be done instead.
func Fixed() *Policy {
	return &Policy{
		Name: "fixed",
		Doc:  "denies changing what stays as it was made, and says what can be done instead",
		Judge: func(c *Case) []Objection {
			return eachStep(c, Deny, "PS118", func(s diff.Step) string {
				f, ok := s.Spec.(resource.Fixed)
				if !ok || s.Have == nil || s.Action != diff.Update {
					return ""
				}
				return f.Fixed(s.Have)
			})
		},
	}
}
