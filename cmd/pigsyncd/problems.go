package main

import (
	"fmt"
	"io"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/reconcile"
)

// problemLine is a problem for people: the place where editors look for it, what is wrong, and at the
// end the code to look up with pigsync explain.
func problemLine(p inventory.Problem) string { return p.Error() + " [" + p.Code + "]" }

func writeProblems(w io.Writer, ps []inventory.Problem) {
	for _, p := range ps {
		fmt.Fprintln(w, problemLine(p))
	}
}

// problemsJSON is never nil: programs read a list.
func problemsJSON(ps []inventory.Problem) []reconcile.Problem {
	return append([]reconcile.Problem{}, reconcile.Problems(ps)...)
}
