package review

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/sources"
)

// board is a forge in memory: it keeps what was said, and may be down.
type board struct {
	down     atomic.Bool
	pulls    []sources.Pull
	comments map[int64]string
	marks    map[string]sources.Mark // "commit name"
	asked    atomic.Int64
	opened   []string
}

var errDown = errors.New("the forge is down")

func (b *board) Name() string { return "board" }

func (b *board) Open(context.Context) ([]sources.Pull, error) {
	b.asked.Add(1)
	if b.down.Load() {
		return nil, errDown
	}
	return b.pulls, nil
}

func (b *board) Say(_ context.Context, pull int64, mark, text string, fresh bool) error {
	if _, there := b.comments[pull]; there || fresh {
		b.comments[pull] = mark + "\n" + text
	}
	return nil
}

func (b *board) Mark(_ context.Context, commit string, m sources.Mark) error {
	b.asked.Add(1)
	if b.down.Load() {
		return errDown
	}
	b.marks[commit+" "+m.Name] = m
	return nil
}

func (b *board) Propose(_ context.Context, from, into, title, _ string) error {
	b.opened = append(b.opened, from+" → "+into+": "+title)
	return nil
}

func (b *board) Merge(_ context.Context, ref string) (sources.Merge, error) {
	switch ref {
	case "conflict":
		return sources.Merge{Base: "base", Head: "head", Conflicts: []string{"pigsty.yml"}}, nil
	case "elsewhere":
		return sources.Merge{Base: "base", Head: "head", Tree: fstest.MapFS{}}, nil
	case "gone":
		return sources.Merge{}, errDown
	case "link":
		return sources.Merge{}, sources.Errorf(sources.ErrRefused, "a @link `x`")
	}
	return sources.Merge{Base: "base", Head: "head", Tree: fstest.MapFS{}, Changed: []string{"pigsty.yml"}}, nil
}

func (b *board) Push(_ context.Context, d sources.Draft) (string, error) {
	b.opened = append(b.opened, fmt.Sprintf("%s on %s like %s", d.Branch, d.On, d.Like))
	return "pushed", nil
}

// loop is a fleet whose picture a test paints.
type loop struct {
	mu     sync.Mutex
	status *reconcile.Status
	news   chan struct{}
	err    error
}

func (l *loop) Status() *reconcile.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

func (l *loop) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.news
}

func (l *loop) Preview(context.Context, string, fs.FS) (*reconcile.Round, error) {
	return nil, l.err
}

// paint shows another picture, once everybody has seen the last one.
func (l *loop) paint(s *reconcile.Status) {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.news)
	l.status, l.news = s, make(chan struct{})
}

func newDesk() (*Desk, *board, *loop) {
	b := &board{comments: map[int64]string{}, marks: map[string]sources.Mark{}}
	l := &loop{news: make(chan struct{}), status: &reconcile.Status{State: reconcile.Starting}}
	return New(Desk{Inventory: "prod", Branch: "main", Board: b, Merger: b, Drafter: b, Fleet: l}), b, l
}

func TestACommitIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, b, l := newDesk()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go d.Serve(ctx)
		for _, tt := range []struct {
			state reconcile.State
			want  sources.Standing
		}{
			{reconcile.Converging, sources.Pending}, {reconcile.OnHold, sources.Pending}, {reconcile.Failing, sources.Failure},
			{reconcile.Rejected, sources.Failure}, {reconcile.InSync, sources.Success},
		} {
			l.paint(&reconcile.Status{State: tt.state, Revision: "abc"})
			synctest.Wait()
			if got := b.marks["abc "+ConvergeMark]; got.Standing != tt.want {
				t.Errorf("%s: %+v", tt.state, got)
			}
		}
	})
}

func TestABadCommitIsOfferedToBeReverted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, b, l := newDesk()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go d.Serve(ctx)
		for range 3 {
			l.paint(&reconcile.Status{State: reconcile.Isolated, Revision: "bad", Quarantine: &reconcile.Quarantine{Revision: "bad", Return: "good", Reason: "sick"}})
			synctest.Wait()
		}
		if got := strings.Join(b.opened, "; "); got != "pigsync/revert-bad on bad like good; pigsync/revert-bad → main: Revert bad" {
			t.Errorf("%s", got)
		}
		if got := b.marks["bad "+ConvergeMark]; got.Standing != sources.Failure || !strings.Contains(got.Text, "sick") {
			t.Errorf("%+v", got)
		}
	})
}

// A forge that is down for a day is asked ever less, and told what is true when it is back.
func TestAForgeIsDownForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, b, l := newDesk()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		b.down.Store(true)
		go d.Serve(ctx)
		for i := range 24 {
			l.paint(&reconcile.Status{State: reconcile.InSync, Revision: fmt.Sprint(i)})
			time.Sleep(time.Hour)
		}
		synctest.Wait()
		if b.asked.Load() > 24*60 {
			t.Errorf("asked %d times", b.asked.Load())
		}
		b.down.Store(false)
		time.Sleep(lastWait + time.Second)
		synctest.Wait()
		if got := b.marks["23 "+ConvergeMark]; got.Standing != sources.Success || len(b.marks) != 1 {
			t.Errorf("%+v", b.marks)
		}
	})
}

func TestWhatIsSaidWithoutAPlan(t *testing.T) {
	tests := []struct {
		ref  string
		err  error
		want sources.Standing
		says string // "" is no comment
	}{
		{"conflict", nil, sources.Failure, "both sides changed the same lines of pigsty.yml"},
		{"elsewhere", nil, sources.Success, ""},
		{"link", nil, sources.Failure, "a &#64;link \\`x\\`"},
		{"plain", errors.New("no *such* file"), sources.Failure, "no \\*such\\* file"},
	}
	for i, tt := range tests {
		d, b, l := newDesk()
		l.err = tt.err
		p := sources.Pull{Number: int64(i), Head: "head", Ref: tt.ref, Into: "main"}
		if err := d.pull(t.Context(), p, l.status); err != nil {
			t.Fatal(err)
		}
		if got := b.marks["head "+PlanMark]; got.Standing != tt.want {
			t.Errorf("%s: %+v", tt.ref, got)
		}
		if got := b.comments[int64(i)]; !strings.Contains(got, tt.says) || (got == "") != (tt.says == "") {
			t.Errorf("%s: %q", tt.ref, got)
		}
	}
}

func TestAPullRequestKeepsOthersFromNothing(t *testing.T) {
	d, b, _ := newDesk()
	for i, ref := range []string{"gone", "conflict", "gone", "elsewhere"} {
		b.pulls = append(b.pulls, sources.Pull{Number: int64(i), Head: ref, Ref: ref, Into: "main"})
	}
	s := &reconcile.Status{Revision: "abc", Plan: &diff.Plan{}}
	for range 2 {
		if err := d.pulls(t.Context(), s); err == nil || strings.Count(err.Error(), errDown.Error()) != 2 {
			t.Errorf("%v", err)
		}
	}
	if len(b.marks) != 2 || b.marks["conflict "+PlanMark].Standing != sources.Failure || b.marks["elsewhere "+PlanMark].Standing != sources.Success {
		t.Errorf("%+v", b.marks)
	}
	b.pulls = nil
	if err := d.pulls(t.Context(), s); err != nil || len(d.told) != 0 {
		t.Errorf("once they are closed: %v, %v", err, d.told)
	}
}

func TestWhichPullRequestsAreOurs(t *testing.T) {
	for _, tt := range []struct {
		branch, into string
		want         bool
	}{
		{"main", "main", true}, {"main", "dev", false}, {"refs/heads/main", "main", true}, {"", "trunk", true}, {"", "main", false},
	} {
		d, _, _ := newDesk()
		d.Branch = tt.branch
		if got := d.follows(sources.Pull{Into: tt.into, Main: "trunk"}); got != tt.want {
			t.Errorf("%q, a pull request into %q: %v", tt.branch, tt.into, got)
		}
	}
}
