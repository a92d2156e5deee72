package stories

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// four is pg-test on three nodes, and a fourth machine.
type four struct{ inside }

func (f four) String() string {
	return f.inside.String() + "    machines:\n      hosts: { 10.10.10.13: { nodename: node-4 } }\n"
}

func workMem(megabytes int) four { return four{parameters(fmt.Sprintf("work_mem: %dMB", megabytes))} }

// looped begins a benchmark with the daemon following a real forge. What is changed there needs no restart.
func (s *story) looped(change func(n int) fmt.Stringer) *forge {
	s.Helper()
	s.stop()
	f := s.newForge()
	f.change = change
	s.fromForge(f)
	first := s.commit("the first", change(8))
	f.push("main")
	s.serve()
	s.at(first, 3*time.Minute)
	return f
}

// BenchmarkLoop measures the loop around a real cluster with a real forge: a webhook and a merged pull request until the
// first action and until converged, ten thousand webhooks, what changes by hand in Patroni until a metric shows it, and
// what the daemon takes when nothing is to be done.
func BenchmarkLoop(b *testing.B) {
	wanted(b)
	s := onCluster(b)
	f := s.looped(func(n int) fmt.Stringer { return workMem(n) })
	for _, part := range []struct {
		name string
		run  func(*story, *forge, *testing.B)
	}{{"webhook", hooks}, {"merge", merges}, {"storm", storms}, {"patroni", patroniByHand}, {"scraped", scraped}, {"idle", idles}} {
		s.measures(b, part.name, f, part.run)
	}
}

// BenchmarkLoopOfEtcd measures webhooks and merges for three members of etcd and two more nodes, whose names change.
func BenchmarkLoopOfEtcd(b *testing.B) {
	wanted(b)
	s := onThree(b)
	f := s.looped(func(n int) fmt.Stringer {
		return hosted{fleet{members: []int{1, 2, 3}}, fmt.Sprintf("one-%d", n)}
	})
	s.measures(b, "webhook", f, hooks)
	s.measures(b, "merge", f, merges)
}

// measures runs a part of a benchmark.
func (s *story) measures(b *testing.B, name string, f *forge, run func(*story, *forge, *testing.B)) {
	b.Run(name, func(b *testing.B) {
		inner := *s
		inner.TB = b
		defer func() { s.daemon = inner.daemon }()
		run(&inner, f, b)
		b.ReportMetric(0, "ns/op")
	})
}

// times is how often each is measured; -benchtime 1x does so once.
const times = 5

// hooks calls the webhook for a commit that was pushed without one, and measures until the first step is begun. The
// reading of the fleet that a run begins with is a part of it.
func hooks(s *story, f *forge, b *testing.B) {
	web := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: s.lab.Dial}}
	defer web.CloseIdleConnections()
	var acts, converges []float64
	for n := range times {
		commit := s.commit("a call", f.change(20+n))
		f.push("main")
		began := time.Now()
		s.must(s.called(web, commit))
		s.at(commit, time.Minute)
		converges = append(converges, time.Since(began).Seconds())
		acts = append(acts, s.begun(commit).Sub(began).Seconds())
	}
	reportMost(b, "s-webhook-to-action", acts)
	reportMost(b, "s-webhook-to-converged", converges)
	f.calls()
}

// merges merges pull requests that need a reload only, once their plans are told.
func merges(s *story, f *forge, b *testing.B) {
	var posts, acts, converges []float64
	for n := range times {
		branch := fmt.Sprintf("change-%d", n)
		s.git("checkout", "-q", "-b", branch)
		head := s.commit(branch, f.change(10+n))
		f.push(branch)
		pull := f.propose(branch)
		f.mergeable(pull)
		s.eventually(time.Minute, "the plan is told", func() bool {
			state, _ := f.standing(head, "pigsync/plan")
			return state == "success"
		})
		began := time.Now()
		merged := f.merge(pull)
		posts = append(posts, time.Since(began).Seconds())
		s.at(merged, time.Minute)
		converges = append(converges, time.Since(began).Seconds())
		acts = append(acts, s.begun(merged).Sub(began).Seconds())
		s.git("checkout", "-q", "main")
		f.pull()
	}
	reportMost(b, "s-of-the-merge-itself", posts)
	reportMost(b, "s-merge-to-action", acts)
	reportMost(b, "s-merge-to-converged", converges)
}

func reportMost(b *testing.B, unit string, took []float64) {
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2], unit+"(median)")
	b.ReportMetric(took[len(took)-1], unit+"(max)")
}

// storms calls the webhook ten thousand times, each time of another push, while real pushes come.
func storms(s *story, f *forge, b *testing.B) {
	const calls, callers = 10_000, 32
	woken := s.metric("pigsync_webhook_requests_total", `result="woken"`)
	began := time.Now()
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			web := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: s.lab.Dial}}
			defer web.CloseIdleConnections()
			for n := next.Add(1); n <= calls; n = next.Add(1) {
				if err := s.called(web, fmt.Sprintf("%d-%d", began.UnixNano(), n)); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	last := ""
	for n := range 3 {
		last = s.commit("in the storm", workMem(70+n))
		f.push("main")
	}
	pushed := time.Now()
	s.at(last, time.Minute)
	b.ReportMetric(time.Since(pushed).Seconds(), "s-push-to-converged")
	wg.Wait()
	b.ReportMetric(time.Since(began).Seconds(), "s-for-10000-calls")
	b.ReportMetric(float64(failed.Load()), "calls-refused")
	b.ReportMetric(s.metric("pigsync_webhook_requests_total", `result="woken"`)-woken, "calls-that-woke")
	b.ReportMetric(s.metric("process_resident_memory_bytes")/1e6, "MB-after")
}

// called tells the daemon what a forge would tell it: that something was pushed.
func (s *story) called(web *http.Client, what string) error {
	body := []byte(`{"after":"` + what + `"}`)
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write(body)
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, "http://"+listen+"/hooks/forge", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Gitea-Signature", hex.EncodeToString(mac.Sum(nil)))
	res, err := web.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body) // so that the connection is used again
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("the webhook is answered with %s", res.Status)
	}
	return nil
}

// patroniByHand changes Patroni's configuration by hand, with the daemon told to report only and to look once a
// minute, until the metrics show it.
func patroniByHand(s *story, _ *forge, b *testing.B) {
	s.again("interval: 2s", "interval: 1m\n    on_drift: report")
	s.soon("every node is watched", func() bool {
		return s.metric("pigsync_watch_up", `source="node"`) == 4 && s.metric("pigsync_watch_up", `source="etcd"`) >= 1
	})
	const edit = "patronictl -c /etc/patroni/patroni.yml edit-config --force -q -s postgresql.parameters.work_mem="
	kept := s.sql("app", "show work_mem")
	var whole, after []float64
	for range times {
		began := time.Now()
		s.on(2, edit+"33MB")
		done := time.Now()
		s.soon("the edit is seen", func() bool { return s.differing() > 0 })
		whole, after = append(whole, time.Since(began).Seconds()), append(after, time.Since(done).Seconds())
		s.on(2, edit+kept)
		s.soon("it is over", func() bool { return s.differing() == 0 })
	}
	reportMost(b, "s-from-its-start", whole)
	reportMost(b, "s-from-its-end", after)
	s.again("interval: 1m\n    on_drift: report", "interval: 2s")
}

// again starts the daemon again, with another text in its configuration.
func (s *story) again(old, text string) {
	s.Helper()
	s.stop()
	config, err := os.ReadFile(s.path("pigsync.yml"))
	s.must(err)
	s.must(os.WriteFile(s.path("pigsync.yml"), []byte(strings.Replace(string(config), old, text, 1)), 0o600))
	s.serve()
	s.eventually(2*time.Minute, "converged", func() bool { return s.status().State == "converged" })
}

// idles lets a minute pass in which nothing happens, with the interval that is usual and with one of two seconds.
func idles(s *story, _ *forge, b *testing.B) {
	for _, interval := range []string{"2s", "1m"} {
		s.again("interval: 2s", "interval: "+interval)
		time.Sleep(10 * time.Second) // what a start needs is over
		spent, began := s.metric("process_cpu_seconds_total"), time.Now()
		time.Sleep(time.Minute)
		used := s.metric("process_cpu_seconds_total") - spent
		b.ReportMetric(100*used/time.Since(began).Seconds(), "%-of-a-core("+interval+")")
		b.ReportMetric(s.metric("process_resident_memory_bytes")/1e6, "MB("+interval+")")
		s.again("interval: "+interval, "interval: 2s")
	}
}

// scraped is what the daemon takes while a real Prometheus asks it ten times a second; a commit converges meanwhile.
func scraped(s *story, f *forge, b *testing.B) {
	s.must(os.WriteFile(s.path("often.yml"), fmt.Appendf(nil, "global: { scrape_interval: 100ms, scrape_timeout: 100ms }\n"+
		"scrape_configs: [ { job_name: pigsync, static_configs: [ { targets: [ %q ] } ] } ]\n", listen), 0o600))
	s.beside("prometheus", "--config.file="+s.path("often.yml"), "--storage.tsdb.path="+s.path("often"), "--web.listen-address="+prometheusAt)
	const samples = "count_over_time(up{job=\"pigsync\"}[20s])"
	s.eventually(time.Minute, "Prometheus asks", func() bool {
		return s.fetches("http://"+prometheusAt+"/-/ready", nil) == nil && s.results(samples) == 1
	})
	spent, began := s.metric("process_cpu_seconds_total"), time.Now()
	time.Sleep(30 * time.Second)
	b.ReportMetric(100*(s.metric("process_cpu_seconds_total")-spent)/time.Since(began).Seconds(), "%-of-a-core")
	b.ReportMetric(s.metric("process_resident_memory_bytes")/1e6, "MB")
	began = time.Now()
	commit := s.commit("while it is asked", workMem(90))
	f.push("main")
	s.at(commit, time.Minute)
	b.ReportMetric(time.Since(began).Seconds(), "s-commit-to-converged")
}
