package inventory

import (
	"cmp"
	"fmt"
	"go/token"
	"slices"
)

// maxProblems is how many problems one call reports before it only counts.
const maxProblems = 1000

// Severity says whether a problem stops what it concerns.
type Severity uint8

// The severities.
const (
	Error   Severity = iota // what it concerns cannot be acted on
	Warning                 // probably not what was meant, but the meaning is clear
)

// String returns "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Problem is something wrong at a place. It is an error, and it compares with ==.
type Problem struct {
	Pos      token.Position
	Severity Severity
	Code     string // one of the Code constants
	Msg      string // names the parameter, host or group; never quotes a secret
	Group    string // the innermost group whose block holds the place: see Inventory.GroupAt
}

// Error returns "file:line:col: message", with "warning: " before the message of a warning.
func (p Problem) Error() string {
	if p.Severity == Warning {
		return p.Pos.String() + ": warning: " + p.Msg
	}
	return p.Pos.String() + ": " + p.Msg
}

// String is Error.
func (p Problem) String() string { return p.Error() }

// Sort returns the problems in the order of their places, without repetition. It is for callers
// that gather problems of several calls, such as the same cluster bound for each of its hosts.
// That a group is empty is said once: a module that cannot live with it says what it wants instead.
func Sort(problems []Problem) []Problem {
	sorted := slices.Clone(problems)
	slices.SortFunc(sorted, compareProblems)
	refused := map[token.Position]bool{}
	for _, p := range sorted {
		if p.Severity == Error {
			refused[p.Pos] = true
		}
	}
	sorted = slices.DeleteFunc(sorted, func(p Problem) bool { return p.Code == CodeEmpty && refused[p.Pos] })
	return slices.Compact(withoutEchoes(sorted))
}

// withoutEchoes leaves out the warning of Load that a value is closed, or that nothing is done with the
// inventory, where an error says the same.
func withoutEchoes(sorted []Problem) []Problem {
	type place struct {
		pos  token.Position
		code string
	}
	said := map[place]bool{}
	return slices.DeleteFunc(sorted, func(p Problem) bool {
		if p.Code != CodeVault && p.Code != CodeJinja && p.Code != CodeDormant {
			return false
		}
		at := place{p.Pos, p.Code}
		if p.Severity == Error {
			said[at] = true
		}
		return p.Severity == Warning && said[at]
	})
}

// HasErrors reports whether any of the problems is more than a warning.
func HasErrors(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Severity == Error })
}

func compareProblems(a, b Problem) int {
	return cmp.Or(
		cmp.Compare(a.Pos.Filename, b.Pos.Filename),
		cmp.Compare(a.Pos.Line, b.Pos.Line),
		cmp.Compare(a.Pos.Column, b.Pos.Column),
		cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Code, b.Code),
		cmp.Compare(a.Msg, b.Msg),
		cmp.Compare(a.Group, b.Group),
	)
}

// collector gathers the problems of one call, up to maxProblems.
type collector struct {
	src     *source
	list    []Problem
	skipped int
}

func (c *collector) errorf(at *node, code, format string, args ...any) {
	c.add(Problem{Pos: at.pos(), Code: code, Msg: fmt.Sprintf(format, args...)})
}

func (c *collector) warnf(at *node, code, format string, args ...any) {
	c.add(Problem{Pos: at.pos(), Severity: Warning, Code: code, Msg: fmt.Sprintf(format, args...)})
}

func (c *collector) add(p Problem) {
	if len(c.list) >= maxProblems {
		c.skipped++
		return
	}
	c.list = append(c.list, p)
}

// result returns what was gathered, and says how much was left out.
func (c *collector) result() []Problem {
	for i := range c.list {
		c.list[i].Group = c.src.groupAt(c.list[i].Pos)
	}
	sorted := Sort(c.list)
	if c.skipped == 0 {
		return sorted
	}
	last := sorted[len(sorted)-1]
	return append(sorted, Problem{
		Pos: last.Pos, Code: CodeMore, Msg: fmt.Sprintf("and %d more problems", c.skipped),
	})
}
