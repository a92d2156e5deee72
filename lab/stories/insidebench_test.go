package stories

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// calm is how long a cluster is left alone before an edit: what the one before has stirred up is over then, and nothing
// that would make the next one faster is left of it either.
const calm = 5 * time.Second

// BenchmarkPgsqlEdits changes one object of a cluster of three under the load of its clients, from the commit
// seen to converged, and looks when nothing is to be done.
func BenchmarkPgsqlEdits(b *testing.B) {
	wanted(b)
	s := onCluster(b)
	writer, asker := s.loads(5433, true, 50), s.loads(5434, false, 50)
	for _, e := range []struct {
		name string
		in   func(n int) inside
	}{
		{"role", func(n int) inside {
			return inside{users: []string{fmt.Sprintf("{ name: reader, connlimit: %d }", n+1)}}
		}},
		{"newrole", func(n int) inside {
			return inside{users: []string{fmt.Sprintf("{ name: reader_%d, password: Reader.One, pgbouncer: true, roles: [ dbrole_readonly ] }", n)}}
		}},
		{"database", func(n int) inside {
			return inside{databases: []string{fmt.Sprintf("{ name: store, owner: app, connlimit: %d }", n+1)}}
		}},
		{"newdatabase", func(n int) inside {
			return inside{databases: []string{fmt.Sprintf("{ name: plain_%d, owner: app }", n)}}
		}},
		{"filleddatabase", func(n int) inside {
			return inside{databases: []string{fmt.Sprintf("{ name: store_%d, owner: app, schemas: [ s ], extensions: [ { name: citext, schema: s } ] }", n)}}
		}},
		{"rule", func(n int) inside {
			return inside{rules: []string{fmt.Sprintf("{ user: app, db: app, addr: 192.0.2.%d, auth: pwd }", n%250)}}
		}},
		{"service", func(n int) inside {
			return inside{services: []string{fmt.Sprintf("{ name: extra, port: %d, selector: '[]', check: /read-only, dest: pgbouncer }", 5450+n%40)}}
		}},
		{"parameter", func(n int) inside { return parameters(fmt.Sprintf("work_mem: %dMB", 8+n%50)) }},
	} {
		s.commit("before "+e.name, e.in(0))
		s.converges(time.Minute)
		b.Run(e.name, func(b *testing.B) {
			inner := *s
			inner.TB = b
			var took []float64
			for n := 1; b.Loop(); n++ {
				time.Sleep(calm)
				took = append(took, inner.edits(e.name, e.in(n)))
			}
			slices.Sort(took)
			b.ReportMetric(1000*took[len(took)/2], "ms(median)")
			b.ReportMetric(1000*took[len(took)-1], "ms(max)")
			b.ReportMetric(0, "ns/op")
		})
	}
	b.Run("nothing", func(b *testing.B) {
		inner := *s
		inner.TB = b
		var rounds []time.Duration
		for b.Loop() {
			rounds = append(rounds, inner.round())
		}
		slices.Sort(rounds)
		b.ReportMetric(ms(rounds[len(rounds)/2]), "ms(median)")
		b.ReportMetric(ms(rounds[len(rounds)-1]), "ms(max)")
		b.ReportMetric(0, "ns/op")
	})
	writer.lostNothing()
	asker.lostNothing()
}

// edits commits, and gives the seconds that the daemon says have passed from the first sight of the commit to
// converged.
func (s *story) edits(name string, i inside) float64 {
	s.Helper()
	const metric = "pigsync_converge_duration_seconds_sum"
	before, from := s.metric(metric), len(s.journal())
	s.commit(strings.TrimSpace(name), i)
	s.converges(time.Minute)
	s.eventually(10*time.Second, "the time it took", func() bool { return s.metric(metric) > before })
	took := s.metric(metric) - before
	s.Logf("%.0f ms:%s", 1000*took, passed(s.journal()[from:]))
	return took
}

// passed tells what happened after how many milliseconds, counted from the first record.
func passed(records []record) string {
	var out strings.Builder
	for _, r := range records {
		fmt.Fprintf(&out, " %d %s %s%s", r.Time.Sub(records[0].Time).Milliseconds(), r.Kind, r.Data.Step.Action, r.Data.Step.ID)
	}
	return out.String()
}
