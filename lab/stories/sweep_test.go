package stories

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// change is a way from one cluster to another, and what is true of it whatever happens on the way.
type change struct {
	name    string
	begin   func(testing.TB) *story
	was     []int // the members before; none where there is no cluster yet
	to      fleet
	consent bool        // somebody must agree
	starts  map[int]int // how often it starts etcd on which nodes
	steps   int         // about as many intents and results it takes; a sample is drawn from them
}

func changes() []change {
	three := []int{1, 2, 3}
	return []change{
		{"bootstrap", onBareNodes, nil, fleet{members: three}, false, map[int]int{1: 1, 2: 1, 3: 1}, 160},
		{"growth", onThree, three, fleet{members: []int{1, 2, 3, 4}}, false, map[int]int{4: 1}, 56},
		{"removal", onThree, three, fleet{members: []int{1, 2}}, true, nil, 24},
		{"setting", onThree, three, fleet{members: three, vars: []string{"etcd_heartbeat_interval: 150"}}, false, map[int]int{1: 1, 2: 1, 3: 1}, 22},
	}
}

// sampled calls f with a few changes and points of them that are drawn.
func sampled(t *testing.T, f func(c change, point int)) {
	t.Helper()
	chance := drawn(t)
	all, points := changes(), 2
	if testing.Short() {
		chance.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all, points = all[:2], 1
	}
	for _, c := range all {
		for range points {
			f(c, chance.IntN(c.steps))
		}
	}
}

func TestEtcdSurvivesKill(t *testing.T) {
	wanted(t)
	if soak() {
		walks(t, func(change) []int { return []int{0} })
		return
	}
	sampled(t, func(c change, point int) {
		t.Run(fmt.Sprintf("%s, %d steps noted", c.name, point), func(t *testing.T) {
			tr := c.begun(t)
			if tr.reaches(point) {
				tr.kill()
				tr.Logf("the daemon was killed after %s", tr.tail)
				tr.serve()
			}
			tr.converges(3 * time.Minute)
			tr.survived()
		})
	})
}

// TestEtcdSurvivesKillAgainAndAgain gives no life of the daemon time for more than a few steps.
func TestEtcdSurvivesKillAgainAndAgain(t *testing.T) {
	long(t)
	for _, c := range changes() {
		t.Run(c.name, func(t *testing.T) {
			chance := drawn(t)
			tr := c.begun(t)
			lives := 1
			for tr.reaches(tr.tail.steps + 1 + chance.IntN(8)) {
				tr.kill()
				tr.serve()
				lives++
			}
			tr.Logf("%d lives of the daemon", lives)
			tr.converges(3 * time.Minute)
			tr.survived()
		})
	}
}

// trial is a change that is under way.
type trial struct {
	*story
	change
	tail   *tail
	writer *writer // nil where no cluster lives
	lives  [6]int  // how often etcd was started on a node before
	agreed string  // the digest of the plan that was approved last
}

// begun commits the change, starts a daemon, and agrees where that is wanted.
func (c change) begun(t testing.TB) *trial {
	t.Helper()
	tr := &trial{story: c.begin(t), change: c}
	for n := 1; n <= 5; n++ {
		tr.lives[n] = tr.startsOf(n)
	}
	tr.serve()
	if c.was != nil {
		tr.converges(time.Minute) // so that it knows the processes of nodes that were just started
		tr.writer = tr.writesTo(1, 2, 3, 4)
	}
	tr.tail = tr.follow()
	tr.commit(c.name, c.to)
	if c.consent {
		st := tr.held(time.Minute)
		tr.tail = tr.follow()
		tr.agree(st)
	}
	return tr
}

// startsOf counts how often systemd was told to start etcd on a node.
func (s *story) startsOf(n int) int {
	s.Helper()
	const starting = "7d4958e842da4a758f6c1cdc7b36dcc5"
	count, err := strconv.Atoi(s.on(n, "journalctl -q --no-pager -o cat _PID=1 UNIT=etcd.service MESSAGE_ID="+starting+" | wc -l"))
	s.must(err)
	return count
}

// patience is how long a change may note nothing before we ask whether it is over.
const patience = 3 * time.Second

// reaches waits until so many steps were noted; false means that the fleet had converged before.
func (tr *trial) reaches(steps int) bool {
	tr.Helper()
	return tr.until(func() bool { return tr.tail.steps >= steps })
}

// until waits for a moment of the change; false means that the fleet converged without it.
func (tr *trial) until(now func() bool) bool {
	tr.Helper()
	head := tr.git("rev-parse", "HEAD")
	began, last := time.Now(), time.Now()
	for !now() {
		if tr.tail.read() {
			last = time.Now()
			continue
		}
		if time.Since(last) > patience {
			last = last.Add(time.Second)
			st := tr.status()
			if st.State == "converged" && st.Revision == head {
				tr.Logf("it was over after %s", tr.tail)
				return false
			}
			tr.agree(st)
		}
		if time.Since(began) > 5*time.Minute {
			tr.Fatalf("neither the moment nor an end within five minutes: %s", tr.tail)
		}
		time.Sleep(50 * time.Microsecond) // much shorter than a record takes to be written
	}
	return true
}

// survived wants the change to be done, wholly and once.
func (tr *trial) survived() {
	tr.Helper()
	tr.isDone()
	if tr.writer != nil {
		tr.writer.lostNothing()
	}
	for n := 1; n <= 5; n++ {
		tr.startedOnce(n)
	}
	for tr.tail.read() {
	}
	tr.Logf("%d steps were noted in all", tr.tail.steps)
	records := tr.journal()
	for _, what := range repeated(records[slices.IndexFunc(records, tr.isOurs):]) {
		tr.Errorf("%s was done twice", what)
	}
	approvals := 0
	for _, r := range records {
		if r.Kind == "approved" {
			approvals++
		}
	}
	if tr.consent && approvals != 1 {
		tr.Errorf("%d approvals were needed, want one", approvals)
	}
}

// isDone wants etcd and the nodes to be what the commit says.
func (tr *trial) isDone() {
	tr.Helper()
	tr.isCluster(tr.to.members)
	tr.agrees()
	for _, n := range tr.was {
		if has(tr.to.members, n) {
			continue
		}
		if left := tr.on(n, "ls -d /data/etcd /etc/etcd 2>/dev/null || true; systemctl is-active etcd || true"); left != "inactive" {
			tr.Errorf("node-%d, which left, still has: %s", n, left)
		}
	}
}

func (tr *trial) startedOnce(n int) {
	tr.Helper()
	if got := tr.startsOf(n) - tr.lives[n]; got != tr.change.starts[n] {
		tr.Errorf("etcd was started %d times on node-%d, want %d", got, n, tr.change.starts[n])
	}
}

// isOurs tells whether a record is of the attempt at the change.
func (tr *trial) isOurs(r record) bool {
	return r.Kind == "run" && r.Data.Revision == tr.git("rev-parse", "HEAD")
}

// repeated are the steps that must not be done twice, and were: the very same ones, since a unit may well be
// stopped before it joins, and started afterwards.
func repeated(records []record) (twice []string) {
	done := map[string]bool{}
	for _, r := range records {
		step := r.Data.Step
		if r.Kind != "result" || r.Data.Err != "" || !strings.Contains(step.ID, "etcd") || !irreversible(step.ID) {
			continue
		}
		if done[step.Digest] {
			twice = append(twice, step.Action+" "+step.ID)
		}
		done[step.Digest] = true
	}
	return twice
}

// irreversible tells whether doing a step twice does harm.
func irreversible(id string) bool {
	return strings.HasPrefix(id, "etcdmember:") || strings.HasPrefix(id, "etcdvoter:") || strings.HasPrefix(id, "unit:")
}

// tail counts the steps that are noted in the journal from some moment on.
type tail struct {
	dir   string
	file  *os.File
	rest  []byte // of a line that is being written
	buf   []byte
	steps int      // intents and results
	seen  []string // what they were
}

// follow begins at the present end of the journal.
func (s *story) follow() *tail {
	s.Helper()
	f := &tail{dir: s.path("state/inventories/story/journal"), buf: make([]byte, 1<<16)}
	s.Cleanup(func() {
		if f.file != nil {
			f.file.Close()
		}
	})
	for f.read() {
	}
	f.steps, f.seen = 0, nil
	return f
}

// String says how far it came.
func (f *tail) String() string { return fmt.Sprintf("%d steps noted, the last %s", f.steps, f.last()) }

// last is what was noted last.
func (f *tail) last() string {
	if len(f.seen) == 0 {
		return "nothing"
	}
	return f.seen[len(f.seen)-1]
}

// read takes in what is new, and tells whether there was anything.
func (f *tail) read() bool {
	if f.file == nil && !f.open() {
		return false
	}
	n, _ := f.file.Read(f.buf) // at its end there will be more
	f.rest = append(f.rest, f.buf[:n]...)
	for {
		line, rest, whole := bytes.Cut(f.rest, []byte("\n"))
		if !whole {
			return n > 0
		}
		f.count(line)
		f.rest = rest
	}
}

func (f *tail) open() bool {
	names, _ := filepath.Glob(filepath.Join(f.dir, "journal-*.jsonl")) // the pattern is good
	if len(names) == 0 {
		return false
	}
	file, err := os.Open(names[len(names)-1])
	f.file = file
	return err == nil
}

func (f *tail) count(line []byte) {
	for _, kind := range []string{"intent", "result"} {
		if !bytes.Contains(line, []byte(`,"kind":"`+kind+`",`)) {
			continue
		}
		f.steps++
		_, id, _ := bytes.Cut(line, []byte(`"step":{"id":"`))
		id, _, _ = bytes.Cut(id, []byte(`"`))
		f.seen = append(f.seen, kind+" of "+string(id))
	}
}
