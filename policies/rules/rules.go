package rules

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/types"

	"github.com/pigsync/pigsync/policies"
)

// Rule objects to the steps for which When is true.
type Rule struct {
	Name    string
	When    string         // in CEL, of type bool
	Message string         // what people are told
	Deny    bool           // and nobody can agree to it; otherwise the step is held
	Zone    *time.Location // of clock.hour, clock.weekday and clock.date; nil is UTC
}

// maxCost bounds the work of an expression on one step, in CEL's units: about one a comparison.
const maxCost = 20_000

// Compile makes a policy of a rule. Rules of the same world share what they find out. The error tells the line and column within the expression.
func Compile(r Rule, w *World) (*policies.Policy, error) {
	condition, err := compile(r.When)
	if err != nil {
		return nil, err
	}
	zone := r.Zone
	if zone == nil {
		zone = time.UTC
	}
	return &policies.Policy{Name: r.Name, Doc: r.Message, Judge: func(c *policies.Case) []policies.Objection {
		return judge(r, condition, newMoment(c, w, zone))
	}}, nil
}

func judge(r Rule, e *expression, m *moment) (os []policies.Objection) {
	said := opinions{}
	for i := range m.c.Plan.Steps {
		m.at, m.step = i, &m.c.Plan.Steps[i]
		if actions[m.step.Action] == "" {
			continue
		}
		if o := said.of(r, e, m); o.objects {
			o.Step = i
			os = append(os, o.Objection)
		}
	}
	return os
}

// ask denies what the expression cannot tell.
func ask(r Rule, program cel.Program, m *moment) opinion {
	result, _, err := program.Eval(m)
	o := policies.Objection{Verdict: policies.Hold, Code: "PS120", Reason: r.Message}
	switch {
	case err != nil:
		o = policies.Objection{Verdict: policies.Deny, Code: "PS121", Reason: fmt.Sprintf("rule %s cannot tell: %v", r.Name, err)}
	case result != types.True:
		return opinion{}
	case r.Deny:
		o.Verdict = policies.Deny
	}
	return opinion{o, true}
}

func compile(text string) (*expression, error) {
	env, err := environment()
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, cmp.Or(unknownName(text), plain(issues))
	}
	if ast.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("want a condition that is true or false, got %s", ast.OutputType())
	}
	cost, err := env.EstimateCost(ast, sizes{})
	if err != nil {
		return nil, err
	}
	if cost.Max > maxCost {
		return nil, errors.New("it may take too much work: compare with fixed texts, and loop over one list at most")
	}
	program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
	return &expression{program, looksAt(ast)}, err
}

func environment() (*cel.Env, error) {
	options := []cel.EnvOption{cel.OptionalTypes(), cel.DefaultUTCTimeZone(true)}
	for _, v := range Variables {
		options = append(options, cel.VariableWithDoc(v.Name, v.typ, v.Doc))
	}
	return cel.NewEnv(options...)
}

// dotted are names as they are written in an expression.
var dotted = regexp.MustCompile(`\b(change|cluster|plan|clock|window)\.[a-z_]+`)

// unknownName is about a name that is nearly one of ours: CEL would only complain of what stands before its dot.
func unknownName(text string) error {
	for _, name := range dotted.FindAllString(text, -1) {
		if variables[name] != nil {
			continue
		}
		prefix, _, _ := strings.Cut(name, ".")
		var known []string
		for _, v := range Variables {
			if strings.HasPrefix(v.Name, prefix+".") {
				known = append(known, v.Name)
			}
		}
		return fmt.Errorf("there is no %s: want one of %s", name, strings.Join(known, ", "))
	}
	return nil
}

// plain says each issue on a line of its own, with its place in the expression.
func plain(issues *cel.Issues) error {
	var all []string
	for _, e := range issues.Errors() {
		all = append(all, fmt.Sprintf("%d:%d: %s", e.Location.Line(), e.Location.Column()+1, strings.SplitN(e.Message, "\n", 2)[0]))
	}
	return errors.New(strings.Join(all, "; "))
}

// sizes tells how large what an expression looks at can become.
type sizes struct{}

// EstimateSize bounds lists, mappings and texts.
func (sizes) EstimateSize(element checker.AstNode) *checker.SizeEstimate {
	switch element.Type().Kind() {
	case types.ListKind, types.MapKind:
		return &checker.SizeEstimate{Max: 64}
	case types.StringKind:
		return &checker.SizeEstimate{Max: 512}
	default:
		return nil
	}
}

// EstimateCallCost leaves what a function costs to CEL.
func (sizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}
