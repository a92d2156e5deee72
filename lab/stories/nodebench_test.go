package stories

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// fullNode is an inventory of four machines with all that NODE does and the sandbox's kernel takes.
type fullNode struct{ hosts string }

func (f fullNode) String() string {
	before, _, _ := strings.Cut(head, "    # what NODE gives")
	text := before + "    " + strings.Join(append(lines(),
		"node_kernel_modules: []", // the sandbox's kernel loads none
		"node_etc_hosts: [ '10.10.10.10 "+f.hosts+"' ]",
		"nodename_exchange: true",
		"vector_enabled: false", // no repository has it
		"vip_enabled: true", "vip_address: 10.10.10.3", "vip_vrid: 128",
		"node_packages: [ openssh-server, jq, lsof, rsync, socat, unzip, zstd ]",
	), "\n    ") + "\n  children:\n    infra:\n      hosts:\n        10.10.10.10: { infra_seq: 1 }\n    machines:\n      hosts:\n"
	for n := 1; n <= 4; n++ {
		text += fmt.Sprintf("        %s: { nodename: node-%d }\n", address(n), n)
	}
	return text
}

// BenchmarkNode takes four bare machines to all that NODE does, and tells how much of that the package manager
// took: the time in which at least one of its steps was under way.
func BenchmarkNode(b *testing.B) {
	wanted(b)
	var packages time.Duration
	for b.Loop() {
		b.StopTimer()
		s := onBareNodes(b)
		s.serve()
		b.StartTimer()
		s.commit("four machines", fullNode{"one.story"})
		s.converges(10 * time.Minute)
		b.StopTimer()
		packages += underWay(s.journal(), "package:", "repo:")
		b.Log(spent(s.journal()))
		s.agrees()
		s.stop()
		b.StartTimer()
	}
	b.ReportMetric(packages.Seconds()/float64(b.N), "s-packages")
	b.ReportMetric((b.Elapsed()-packages).Seconds()/float64(b.N), "s-the-rest")
	seconds(b)
}

// spent tells when each round began, and for how long steps of each kind were under way.
func spent(records []record) string {
	var out strings.Builder
	kinds := map[string]time.Duration{}
	for _, r := range records {
		switch r.Kind {
		case "result":
			kind, _, _ := strings.Cut(r.Data.Step.ID, ":")
			kinds[kind] = underWay(records, kind+":")
		default:
			fmt.Fprintf(&out, "%s at %s; ", r.Kind, r.Time.Format("05.00"))
		}
	}
	byTime := func(a, b string) int { return cmp.Compare(kinds[b], kinds[a]) }
	for _, kind := range slices.SortedFunc(maps.Keys(kinds), byTime) {
		fmt.Fprintf(&out, "\n%s %s", kind, round(kinds[kind]))
	}
	return out.String()
}

// underWay adds up the time in which at least one step of these kinds was under way.
func underWay(records []record, kinds ...string) (sum time.Duration) {
	type span struct{ from, to time.Time }
	var spans []span
	for _, r := range records {
		if r.Kind == "result" && slices.ContainsFunc(kinds, func(k string) bool { return strings.HasPrefix(r.Data.Step.ID, k) }) {
			spans = append(spans, span{r.Time.Add(-r.Data.Took), r.Time})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var end time.Time
	for _, s := range spans {
		if s.from.Before(end) {
			s.from = end
		}
		if s.to.After(s.from) {
			sum, end = sum+s.to.Sub(s.from), s.to
		}
	}
	return sum
}

// TestUnderWay adds up spans that overlap, follow and lie within each other.
func TestUnderWay(t *testing.T) {
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	ended := func(id string, after, took time.Duration) (r record) {
		r.Kind, r.Time, r.Data.Took, r.Data.Step.ID = "result", noon.Add(after), took, id
		return r
	}
	records := []record{
		ended("package:b@n", 6*time.Second, 4*time.Second), ended("package:a@n", 5*time.Second, 4*time.Second), ended("file:/x@n", 9*time.Second, 9*time.Second),
		ended("repo:c@n", 4*time.Second, time.Second), ended("repo:d@n", 10*time.Second, time.Second),
	}
	if got := underWay(records, "package:", "repo:"); got != 6*time.Second {
		t.Errorf("got %s, want 6s", got)
	}
}

// BenchmarkNodeSettled is about four machines that have all that NODE does: a quiet round, and a change of one
// line.
func BenchmarkNodeSettled(b *testing.B) {
	wanted(b)
	s := onBareNodes(b)
	s.serve()
	s.commit("four machines", fullNode{"one.story"})
	s.converges(10 * time.Minute)
	s.quietLooks(2, "converged")
	for name, run := range map[string]func(*story, *testing.B){"quiet": (*story).quietNodes, "line": (*story).oneLine} {
		b.Run(name, func(b *testing.B) {
			inner := *s
			inner.TB = b
			run(&inner, b)
		})
	}
}

// quietNodes looks at the machines, writes nothing and logs in nowhere.
func (s *story) quietNodes(b *testing.B) {
	s.round()
	var before [5]string
	for n := 1; n <= 4; n++ {
		before[n] = s.on(n, listing)
	}
	logins := s.logins()
	var rounds []time.Duration
	for b.Loop() {
		rounds = append(rounds, s.round())
	}
	if more := s.logins() - logins; more != 0 {
		b.Errorf("%d new logins for %d rounds, want the connections to be kept", more, len(rounds))
	}
	for n := 1; n <= 4; n++ {
		if diff := firstDifference(before[n], s.on(n, listing)); diff != "" {
			b.Errorf("node-%d was written to by quiet rounds: %s", n, diff)
		}
	}
	slices.Sort(rounds)
	b.ReportMetric(float64(s.status().Resources), "resources")
	b.ReportMetric(ms(rounds[len(rounds)/2]), "ms/round(median)")
	b.ReportMetric(ms(rounds[len(rounds)-1]), "ms/round(max)")
	b.ReportMetric(0, "ns/op")
}

// oneLine changes a line for the machines, from the commit to converged.
func (s *story) oneLine(b *testing.B) {
	for n := 0; b.Loop(); n++ {
		s.commit("another name", fullNode{fmt.Sprintf("story-%d", n)})
		s.converges(time.Minute)
	}
	for n := 1; n <= 4; n++ {
		s.on(n, "grep -q '^10.10.10.10 story-' /etc/hosts")
	}
	seconds(b)
}
