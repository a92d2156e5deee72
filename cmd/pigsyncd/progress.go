package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

// progress shows work under way: a plain line for each step that ended and, on a terminal, below
// them a line for each node or cluster that something is being done to.
type progress struct {
	out   io.Writer
	live  bool
	width int // of the terminal, in letters

	mu      sync.Mutex // guards what follows
	running map[resource.ID]time.Time
	drawn   int // lines below
	rounds  int
}

func newProgress(o *options) *progress {
	p := &progress{out: o.stderr, running: map[resource.ID]time.Time{}}
	if f, ok := o.stderr.(*os.File); ok {
		width, _, err := term.GetSize(int(f.Fd()))
		p.live, p.width = err == nil && width > minWidth, width
	}
	return p
}

const (
	minWidth  = 20 // of a terminal that shows anything of use
	minMargin = 3  // for what is drawn around a line
)

func (p *progress) event(e reconcile.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	if e.Ended {
		delete(p.running, e.Step.ID)
		fmt.Fprintln(p.out, ended(e))
	} else {
		p.running[e.Step.ID] = e.When
	}
	p.draw()
}

func ended(e reconcile.Event) string {
	took := e.Took.Round(10 * time.Millisecond)
	if e.Err != nil {
		return fmt.Sprintf("%s %s: failed after %s: %v", e.Step.Action, e.Step.ID, took, e.Err)
	}
	return fmt.Sprintf("%s %s (%s)", e.Step.Action, e.Step.ID, took)
}

func (p *progress) round(r *reconcile.Round) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.rounds++
	fmt.Fprintf(p.out, "round %d: %s: %s\n", p.rounds, r.Plan.Summary(), r.Outcome())
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// erase takes the live lines away.
func (p *progress) erase() {
	if p.drawn > 0 {
		fmt.Fprintf(p.out, "\x1b[%dA\x1b[J", p.drawn)
		p.drawn = 0
	}
}

func (p *progress) draw() {
	if !p.live {
		return
	}
	byPlace := map[string][]string{}
	for id := range p.running {
		byPlace[id.At] = append(byPlace[id.At], string(id.Kind)+":"+id.Name)
	}
	places := make([]string, 0, len(byPlace))
	for at := range byPlace {
		places = append(places, at)
	}
	slices.SortFunc(places, cmp.Compare[string])
	for _, at := range places {
		slices.Sort(byPlace[at])
		line := at + "  " + strings.Join(byPlace[at], ", ")
		fmt.Fprintf(p.out, "\x1b[2m… %.*s\x1b[0m\n", p.width-minMargin, line) // a line that wraps could not be erased
		p.drawn++
	}
}
