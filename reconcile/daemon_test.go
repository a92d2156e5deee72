package reconcile_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
	"github.com/pigsync/pigsync/sources"
)

// feed is a source whose newest revision a test decides.
type feed struct {
	story *story

	mu   sync.Mutex // guards what follows
	now  *sources.Revision
	err  error
	news chan struct{}
}

func (f *feed) set(rev *sources.Revision, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if rev != nil {
		f.now = rev
	}
	f.err = err
	close(f.news)
	f.news = make(chan struct{})
}

func (f *feed) Next(ctx context.Context, after string) (sources.Revision, error) {
	for {
		f.mu.Lock()
		rev, err, news := f.now, f.err, f.news
		f.mu.Unlock()
		switch {
		case err != nil:
			return sources.Revision{}, err
		case rev != nil && rev.ID != after:
			return *rev, nil
		}
		select {
		case <-ctx.Done():
			return sources.Revision{}, ctx.Err()
		case <-news:
		}
	}
}

func (f *feed) At(_ context.Context, id string) (sources.Revision, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.story.at(id)
}

// served is a story whose process is the daemon.
type served struct {
	*story
	*feed
	d       *reconcile.Daemon
	metrics *reconcile.Metrics // of the next process
	stop    context.CancelFunc
	done    chan struct{}
}

// serve runs a daemon in the bubble of the test.
func serve(t *testing.T, s *story) *served {
	t.Helper()
	v := &served{story: s, feed: &feed{story: s, news: make(chan struct{})}}
	v.up()
	t.Cleanup(func() { v.stop(); <-v.done })
	return v
}

func (v *served) up() {
	ctx, stop := context.WithCancel(v.t.Context())
	v.d, v.stop, v.done = reconcile.NewDaemon(v.Reconciler, v.feed, time.Minute, v.metrics), stop, make(chan struct{})
	go func() {
		defer close(v.done)
		_ = v.d.Serve(ctx)
	}()
}

// push is a commit that the source yields at once.
func (v *served) push(id, text string) {
	v.mu.Lock()
	rev := v.commit(id, text)
	v.mu.Unlock()
	v.set(&rev, nil)
}

// after lets time pass, and what is due in it happen.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (v *served) wantState(state reconcile.State, revision string) *reconcile.Status {
	v.t.Helper()
	s := v.d.Status()
	if s.State != state || s.Revision != revision {
		v.t.Errorf("the state is %s at %q, want %s at %q: %s", s.State, s.Revision, state, revision, s.Error)
	}
	return s
}

func TestTheNewestCommitWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		hands := &slow{Executor: s.fleet, takes: 2 * time.Minute}
		s.hands = hands
		v := serve(t, s)
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [f1, f2, f3]"}))
		after(time.Minute)
		v.push("B", toyText(map[string]string{nodeA: "toy_files: [g]"}))
		after(70 * time.Second)
		v.wantThere(nodeA, "f1") // what was under way has finished, and the rest was dropped
		after(5 * time.Minute)
		v.wantThere(nodeA, "g")
		v.wantState(reconcile.InSync, "B")
		if len(hands.cut) != 0 {
			t.Errorf("%v was cut in two", hands.cut)
		}
	})
}

// A gate changes nothing and may never hold: it does not keep the commit waiting that may help.
func TestANewerCommitDoesNotWaitForGates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serve(t, play(t))
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [f], toy_gates: [never]"}))
		after(time.Second)
		v.push("B", toyText(map[string]string{nodeA: "toy_files: [f, g]"}))
		after(time.Second)
		v.wantThere(nodeA, "f", "g")
		v.wantState(reconcile.InSync, "B")
	})
}

// A gate before which nothing changes is looked at, and hardly waited for.
func TestALonelyGateIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		began := time.Now()
		rev := s.commit("A", toyText(map[string]string{nodeA: "toy_gates: [never]"}))
		if round := s.run(t.Context(), rev); round.Outcome() != reconcile.Failed || time.Since(began) > 5*time.Second {
			t.Errorf("%v after %v", round.Outcome(), time.Since(began))
		}
		began = time.Now()
		s.fleet.born, s.fleet.peers = true, []*peer{{name: "well", url: "https://10.0.0.1:2380", id: "a1"}}
		s.fleet.lives[nodeA] = life{running: true, member: "a1"}
		rev = s.commit("C", toyText(map[string]string{nodeA: "toy_gates: [well, never]"}))
		if round := s.run(t.Context(), rev); len(round.Plan.Steps) != 2 || time.Since(began) > 5*time.Second {
			t.Errorf("a gate after a gate was waited for %v\n%s", time.Since(began), show(round))
		}
		began = time.Now()
		rev = s.commit("B", toyText(map[string]string{nodeA: "toy_files: [f], toy_gates: [never]"}))
		if s.run(t.Context(), rev); time.Since(began) < time.Minute {
			t.Errorf("a gate after a change was given up after %v", time.Since(began))
		}
	})
}

func TestTheEndOfTheProcessGivesAGrace(t *testing.T) {
	for takes, want := range map[time.Duration][]string{20 * time.Second: {"f"}, 2 * time.Minute: nil} {
		synctest.Test(t, func(t *testing.T) {
			s := play(t)
			s.hands = &slow{Executor: s.fleet, takes: takes}
			v := serve(t, s)
			v.push("A", toyText(map[string]string{nodeA: "toy_files: [f, g]"}))
			after(time.Second)
			began := time.Now()
			v.stop()
			<-v.done
			if took := time.Since(began); took > 31*time.Second {
				t.Errorf("it took %v to end", took)
			}
			v.wantThere(nodeA, want...)
			for r, err := range v.Journal.Records(history.Query{Kinds: []history.Kind{history.KindFailed, history.KindHeld}}) {
				t.Errorf("a run that was stopped counts as ended: %v %v", r.Entry, err)
			}
		})
	}
}

// The end of the process does not wait for what a newer commit would wait for.
func TestTheEndOfTheProcessAfterANewerCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		s.hands = &slow{Executor: s.fleet, takes: 4 * time.Minute}
		v := serve(t, s)
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [f]"}))
		after(time.Second)
		v.push("B", toyText(map[string]string{nodeA: "toy_files: [g]"}))
		after(time.Second)
		began := time.Now()
		v.stop()
		<-v.done
		if took := time.Since(began); took > 31*time.Second {
			t.Errorf("it took %v to end", took)
		}
	})
}

func TestASourceThatFailsStopsNoHealing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serve(t, play(t))
		v.set(nil, errBoom)
		after(time.Second)
		if st := v.wantState(reconcile.Starting, ""); st.Fetch != "boom" {
			t.Errorf("fetch: %q", st.Fetch)
		}
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [f]"}))
		after(time.Minute)
		v.set(nil, errBoom)
		v.fleet.Set(toyFile("f", nodeA), nil)
		after(2 * time.Minute)
		v.wantThere(nodeA, "f")
		if st := v.wantState(reconcile.InSync, "A"); st.Fetch != "boom" {
			t.Errorf("fetch: %q", st.Fetch)
		}
		v.set(nil, nil) // it answers again, with nothing new
		after(10 * time.Minute)
		if st := v.wantState(reconcile.InSync, "A"); st.Fetch != "" {
			t.Errorf("fetch: %q", st.Fetch)
		}
	})
}

// As long as the newest commit is refused, the one before it stays in force, also after a restart.
func TestARefusedCommitLeavesTheLastInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serve(t, play(t))
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [f]"}))
		after(time.Second)
		v.push("B", toyText(map[string]string{nodeA: "toy_files: [g], toy_amiss: true"}))
		after(time.Second)
		for range 2 {
			v.fleet.Set(toyFile("f", nodeA), nil)
			after(3 * time.Minute)
			v.wantThere(nodeA, "f")
			st := v.wantState(reconcile.Rejected, "B")
			said := slices.ContainsFunc(st.Problems, func(p reconcile.Problem) bool { return p.Code == "TOY001" })
			if !said || st.Error == "" || len(st.Owners) != 1 {
				t.Errorf("%+v", st)
			}
			v.stop()
			<-v.done
			v.up() // it remembers nothing but its journal
		}
		v.push("C", toyText(map[string]string{nodeA: "toy_files: [g]"}))
		after(time.Second)
		v.wantThere(nodeA, "g")
		v.wantState(reconcile.InSync, "C")
	})
}

func TestBackoffGrowsAndIsReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serve(t, play(t))
		var tries []time.Time
		failing := func(diff.Change) error {
			tries = append(tries, time.Now())
			return errBoom
		}
		v.fleet.with(func() { v.fleet.before = failing })
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [f]"}))
		after(10 * time.Minute)
		v.wantState(reconcile.Failing, "A")
		gaps := []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute}
		v.fleet.with(func() {
			wantGaps(t, tries, gaps)
			v.fleet.before = nil
		})
		after(2 * time.Minute)
		v.wantState(reconcile.InSync, "A")
		v.fleet.with(func() { tries, v.fleet.before = nil, failing })
		v.fleet.Set(toyFile("f", nodeA), nil)
		after(2 * time.Minute)
		v.fleet.with(func() { wantGaps(t, tries, gaps[:3]) })
	})
}

// wantGaps allows for jitter: a tenth, twice.
func wantGaps(t *testing.T, times []time.Time, gaps []time.Duration) {
	t.Helper()
	for i, want := range gaps {
		if i+1 >= len(times) {
			t.Errorf("tried %d times only", len(times))
			return
		}
		if got := times[i+1].Sub(times[i]); got < want*3/4 || got > want*5/4 {
			t.Errorf("gap %d is %v, want about %v", i, got, want)
		}
	}
}

func TestWakesComeTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		s.hands = &slow{Executor: s.fleet, takes: 10 * time.Second}
		v := serve(t, s)
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [f]"}))
		after(time.Second)
		for range 100 {
			v.d.Wake()
		}
		after(20 * time.Second)
		looks := v.fleet.looked()
		after(20 * time.Second)
		if looks > 4 || v.fleet.looked() != looks { // two of the first round, one of the second, one for the wakes
			t.Errorf("%d looks, then %d", looks, v.fleet.looked())
		}
	})
}

// A quiet round looks once, and leaves no trace in the journal; so does one in which all is held.
func TestQuietRounds(t *testing.T) {
	for name, text := range map[string]string{"converged": "toy_files: [f]", "held": "toy_files: []"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := play(t)
				s.Policies = append(s.Policies, policies.ReportOnly([]string{"toy/" + nodeB}))
				v := serve(t, s)
				v.push("A", toyText(map[string]string{nodeA: text, nodeB: "toy_kept: [k]"}))
				if name == "converged" {
					v.push("A", toyText(map[string]string{nodeA: text}))
				}
				after(90 * time.Second)
				seq, _ := v.Journal.Head()
				looks := v.fleet.looked()
				after(100 * time.Minute)
				if now, _ := v.Journal.Head(); now != seq {
					t.Errorf("the journal grew from %d to %d", seq, now)
				}
				nodes := map[string]int{"converged": 1, "held": 2}[name] // each is asked in its turn
				if rounds := (v.fleet.looked() - looks) / nodes; rounds < 90 || rounds > 111 {
					t.Errorf("%d looks in 100 minutes", rounds)
				}
			})
		})
	}
}

func TestDecisionsAreHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scenario{before: upTo(3)}.begin(t)
		v := serve(t, s)
		v.push("B", members("", upTo(2)...))
		after(10 * time.Second)
		st := v.wantState(reconcile.OnHold, "B")
		planned, err := s.Journal.Plan(st.Plan.Digest())
		if err != nil {
			t.Fatal(err)
		}
		word := planned.Approval("me", time.Now(), time.Now().Add(time.Hour))
		if _, err := history.Submit(s.dir, time.Now(), history.Decision{Approval: &word}); err != nil {
			t.Fatal(err)
		}
		after(20 * time.Second)
		v.wantState(reconcile.InSync, "B")
		if got := v.fleet.String(); got != "etcd-1@10.10.10.1 etcd-2@10.10.10.2" {
			t.Errorf("the cluster is %s", got)
		}
	})
}

// Who has said that hands are to be kept off, and commits right after that, is obeyed: seen with a real daemon, which
// read the commit before the word.
func TestAHoldCountsForTheCommitAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scenario{before: upTo(3)}.begin(t)
		v := serve(t, s)
		v.push("A", members("", upTo(3)...))
		after(20*time.Second + 300*time.Millisecond) // the inbox is looked into again in 700 ms
		v.wantState(reconcile.InSync, "A")
		order := policies.HoldOrder{Owner: "etcd/*", By: "me", Reason: "r", Until: time.Now().Add(time.Hour)}
		if _, err := history.Submit(s.dir, time.Now(), history.Decision{Hold: &order}); err != nil {
			t.Fatal(err)
		}
		before := len(v.fleet.calls)
		v.push("B", members(", etcd_heartbeat_interval: 150", upTo(3)...))
		after(10 * time.Second)
		v.wantState(reconcile.OnHold, "B")
		if did := v.fleet.calls[before:]; len(did) > 0 {
			t.Errorf("in spite of the hold it did %v", did)
		}
	})
}

// What is published never changes, and can be read while the loop goes on.
func TestStatusIsReadWhileItIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serve(t, tell(t, newFleet(t, hosts(3)...)))
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					s := v.d.Status()
					b, err := json.Marshal(s)
					time.Sleep(300 * time.Millisecond)
					again, err2 := json.Marshal(s)
					if errors.Join(err, err2) != nil || !slices.Equal(b, again) {
						t.Errorf("a status changed: %v %v", err, err2)
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		v.push("A", members("", upTo(1)...))
		after(10 * time.Second)
		v.push("B", members("", upTo(3)...))
		after(30 * time.Second)
		v.wantState(reconcile.InSync, "B")
		close(stop)
		wg.Wait()
	})
}

// Somebody who always is there first makes a run end, and the next one wait.
func TestAFightEndsARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serve(t, play(t))
		tries := 0
		v.fleet.with(func() {
			v.fleet.before = func(diff.Change) error {
				tries++
				v.fleet.Set(toyFile("f", nodeA), resource.NewFile([]byte{byte(tries)}, 0o600, "root", "root"))
				return nil
			}
		})
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [f]"}))
		after(time.Second)
		st := v.wantState(reconcile.Failing, "A")
		v.fleet.with(func() {
			if tries != 40 || st.Error == "" {
				t.Errorf("tried %d times: %q", tries, st.Error)
			}
			v.fleet.before = nil
		})
		after(10 * time.Second)
		v.wantState(reconcile.InSync, "A")
	})
}

// However many wait for gates that never hold, the others work on.
func TestWhoWaitsKeepsNobodyFromWorking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		toys := map[string]string{nodeA: "toy_files: [f1, f2, f3]"}
		for i := range 100 {
			at := fmt.Sprintf("10.0.1.%d", i+1)
			s.fleet.node(at)
			toys[at] = fmt.Sprintf("toy_files: [f], toy_gates: [g%d]", i)
		}
		s.hands = &slow{Executor: s.fleet, takes: time.Second}
		rev := s.commit("A", toyText(toys))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.run(ctx, rev)
		}()
		after(10 * time.Second)
		s.wantThere(nodeA, "f1", "f2", "f3")
		stop()
		<-done
	})
}
