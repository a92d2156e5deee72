package stories

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// BenchmarkQuietRound looks at four nodes that are as they should be, three of them members of etcd.
func BenchmarkQuietRound(b *testing.B) {
	wanted(b)
	s := onThree(b)
	s.commit("four nodes", fleet{members: []int{1, 2, 3}, absent: []int{5}})
	s.serve()
	s.succeeds("approve", s.held(time.Minute).Plan.Digest) // that the fifth leaves
	s.converges(time.Minute)
	logins := s.logins()
	var rounds []time.Duration
	for b.Loop() {
		rounds = append(rounds, s.round())
	}
	if more := s.logins() - logins; more != 0 {
		b.Errorf("%d new logins for %d rounds, want the connections to be kept", more, len(rounds))
	}
	slices.Sort(rounds)
	b.ReportMetric(ms(rounds[len(rounds)/2]), "ms/round(median)")
	b.ReportMetric(ms(rounds[len(rounds)-1]), "ms/round(max)")
	b.ReportMetric(0, "ns/op") // with the waiting for it, it tells nothing
}

// round wakes the daemon and gives how long its next look took.
func (s *story) round() time.Duration {
	s.Helper()
	last := s.status().Took // a look at a part of the fleet leaves it as it is
	s.wake()
	st := s.stands(time.Minute, "the next look", func(st status) bool { return st.Took != last })
	if st.State != "converged" || st.Plan != nil && len(st.Plan.Steps) > 0 {
		s.Fatalf("a round that should be quiet is %s: %+v", st.State, st.Plan)
	}
	return time.Duration(st.Took)
}

// BenchmarkHelperMemory asks the kernel of a node what the helper needs while it serves.
func BenchmarkHelperMemory(b *testing.B) {
	wanted(b)
	s := onThree(b)
	s.serve()
	s.converges(time.Minute)
	for b.Loop() {
		s.round()
	}
	for n := 1; n <= 5; n++ {
		pids := strings.Fields(s.on(n, helpers))
		if len(pids) != 1 {
			b.Fatalf("helpers on node-%d: %v, want one", n, pids)
		}
		for _, what := range []string{"VmHWM", "VmRSS"} {
			kb, err := strconv.ParseFloat(s.on(n, "awk '/^"+what+":/ {print $2}' /proc/"+pids[0]+"/status"), 64)
			s.must(err)
			b.ReportMetric(kb/1024, "MB/node-"+strconv.Itoa(n)+"("+what+")")
		}
	}
	s.stop()
	for n := 1; n <= 5; n++ {
		s.eventually(10*time.Second, "the helper ends with the connection", func() bool { return s.on(n, helpers) == "" })
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSandboxUp starts four nodes that are built already, until all accept logins.
func BenchmarkSandboxUp(b *testing.B) {
	wanted(b)
	ctx := context.Background()
	dir := filepath.Join(b.TempDir(), "lab")
	for b.Loop() {
		b.StopTimer()
		l, err := openLab(strconv.Itoa(os.Getpid())+"-m", dir, make([]lab.NodeConfig, 4))
		if err == nil {
			err = l.Build(ctx)
		}
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := l.Up(ctx); err != nil {
			b.Error(err)
		}
		b.StopTimer()
		if err := l.Down(ctx); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	seconds(b)
}

// BenchmarkBootstrap takes bare nodes to a cluster of three, from the commit to converged.
func BenchmarkBootstrap(b *testing.B) {
	wanted(b)
	for b.Loop() {
		b.StopTimer()
		s := onBareNodes(b)
		s.serve()
		b.StartTimer()
		s.commit("three members", fleet{members: []int{1, 2, 3}, absent: []int{5}})
		s.converges(3 * time.Minute)
		b.StopTimer()
		s.stop()
		b.StartTimer()
	}
	seconds(b)
}

// BenchmarkHeal stops a member: until it is seen, until it runs, and until all is found to be as it should.
func BenchmarkHeal(b *testing.B) {
	wanted(b)
	s := onThree(b)
	s.serve()
	s.converges(time.Minute)
	var seen, runs time.Duration
	for b.Loop() {
		began := time.Now()
		tail := s.follow()
		s.on(2, "systemctl stop etcd")
		s.eventually(time.Minute, "a step to mend it", func() bool { tail.read(); return tail.steps > 0 })
		seen += time.Since(began)
		s.eventually(time.Minute, "healed", func() bool {
			_, err := s.node(2).Run(s.Context(), "systemctl", "is-active", "etcd")
			return err == nil
		})
		runs += time.Since(began)
		s.converges(time.Minute)
	}
	b.ReportMetric(seen.Seconds()/float64(b.N), "s-to-seen")
	b.ReportMetric(runs.Seconds()/float64(b.N), "s-to-running")
	seconds(b)
}

// seconds reports the time of one turn in seconds.
func seconds(b *testing.B) {
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/op")
	b.ReportMetric(0, "ns/op")
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
