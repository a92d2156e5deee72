package stories

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// walk goes through a change again and again until each of its moments was struck. A moment is a note
// in the journal, an intent or a result: it is struck when it was the last thing the daemon did before
// it was killed, or before a node lost power. One passage strikes many moments, so that what came of
// one blow must bear the next; a moment that is followed by another at once may come to be struck in a
// later passage only.
type walk struct {
	change
	victims []int // the nodes whose power is cut; 0 is the daemon, which is killed
	chance  *rand.Rand
	struck  map[moment]bool
	seen    map[moment]bool
	began   time.Time
	about   func(moment) bool // which moments are struck; nil means all
}

// moment is what was noted, and who is to suffer for it.
type moment struct {
	note   string
	victim int
}

const (
	passages = 40 // bounds a walk
	few      = 1  // blows of a passage; so few end the walk: what is left comes about by chance, and is told
)

// walks goes through every change, with the victims that it has.
func walks(t *testing.T, victims func(change) []int) {
	t.Helper()
	for _, c := range changes() {
		t.Run(c.name, func(t *testing.T) {
			w := &walk{change: c, victims: victims(c), struck: map[moment]bool{}, seen: map[moment]bool{}, chance: drawn(t), began: time.Now()}
			w.all(t)
		})
	}
}

// all walks with one victim after the other: nobody else suffers on the same passage.
func (w *walk) all(t *testing.T) {
	t.Helper()
	for _, v := range w.victims {
		for n := 1; n <= passages && w.passage(t, v, n) > few && !t.Failed(); n++ {
		}
	}
	w.tells(t)
}

// tells what was never struck.
func (w *walk) tells(t *testing.T) {
	t.Helper()
	for m := range w.seen {
		if !w.struck[m] {
			t.Logf("%s: never struck: the %s (%s)", w.name, m.note, suffers(m.victim))
		}
	}
}

// passage goes through the change once, and gives how many moments it struck.
func (w *walk) passage(t *testing.T, victim, n int) (blows int) {
	t.Helper()
	t.Run(fmt.Sprintf("%s, passage %d", suffers(victim), n), func(t *testing.T) {
		tr := w.begun(t)
		for w.comes(tr, victim) {
			w.strike(tr, victim)
			blows++
		}
		tr.agreesUntilConverged()
		if victim == 0 {
			tr.survived()
		} else {
			tr.survivedDark(victim)
		}
		t.Logf("%d blows; so far %d of %d moments of %s were struck, in %s", blows, len(w.struck), len(w.seen), w.name, round(time.Since(w.began)))
	})
	return blows
}

func suffers(victim int) string {
	if victim == 0 {
		return "the daemon"
	}
	return fmt.Sprintf("node-%d", victim)
}

// comes waits for a moment that was not struck yet; a few steps must have been noted since the last blow.
func (w *walk) comes(tr *trial, victim int) bool {
	tr.Helper()
	from := tr.tail.steps
	if from > 0 {
		from += 1 + w.chance.IntN(3)
	}
	came := tr.until(func() bool { return tr.tail.steps > from && w.open(moment{tr.tail.last(), victim}) })
	for _, note := range tr.tail.seen {
		if m := (moment{note, victim}); w.matters(m) {
			w.seen[m] = true
		}
	}
	return came
}

func (w *walk) open(m moment) bool { return w.matters(m) && !w.struck[m] }

func (w *walk) matters(m moment) bool { return m.matters() && (w.about == nil || w.about(m)) }

// strike does the harm. A node is dark for any time between a blink and longer than it takes to be missed.
func (w *walk) strike(tr *trial, victim int) {
	tr.Helper()
	w.struck[moment{tr.tail.last(), victim}] = true
	if victim == 0 {
		tr.kill()
		tr.Logf("the daemon was killed after %s", tr.tail)
		tr.serve()
		return
	}
	tr.cut(victim, time.Duration(w.chance.Int64N(int64(dark))))
}

// matters tells whether the victim has to do with the moment. The daemon has with each. A node has
// with its own, and with what is done to etcd and Patroni wherever it is; while a file is written on another
// node, this one is as it is at some moment of its own.
func (m moment) matters() bool {
	_, id, _ := strings.Cut(m.note, " of ")
	shared := []string{"etcd", "unit:etcd", "pg", "unit:patroni"}
	return m.victim == 0 || slices.ContainsFunc(shared, func(p string) bool { return strings.HasPrefix(id, p) }) || strings.HasSuffix(id, "@"+address(m.victim))
}
