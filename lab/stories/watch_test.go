package stories

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// atOnce is how soon a change by hand is to be seen.
const atOnce = time.Second

// rarely lets the daemon look at the fleet once a minute, so that what is seen earlier was told by a watch.
func (s *story) rarely(more ...string) {
	s.Helper()
	s.configure(more...)
	text, err := os.ReadFile(s.path("pigsync.yml"))
	s.must(err)
	s.must(os.WriteFile(s.path("pigsync.yml"), []byte(strings.Replace(string(text), "interval: 2s", "interval: 1m", 1)), 0o600))
}

// differing is how many differences from the commit the metrics tell.
func (s *story) differing() float64 { return s.metric("pigsync_drift_items") }

// seesAtOnce does something by hand to a node and measures until the metrics tell of it, from the begin and from the end
// of what is done; back takes it back.
func (s *story) seesAtOnce(n int, what, script, back string) (took, after time.Duration) {
	s.Helper()
	began := time.Now()
	s.on(n, script)
	done := time.Now()
	s.soon(what+" is seen", func() bool { return s.differing() > 0 })
	took, after = time.Since(began), time.Since(done)
	s.on(n, back)
	s.soon(what+" is over", func() bool { return s.differing() == 0 })
	return took, after
}

// soon asks often for what should come about long before the next look.
func (s *story) soon(what string, done func() bool) {
	s.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			s.Fatalf("%s: not within 20 s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// watched waits until changes are told at once everywhere.
func (s *story) watched() {
	s.Helper()
	s.soon("every node is watched", func() bool { return s.metric("pigsync_watch_up") >= 4 && s.metric("pigsync_node_reachable") >= 4 })
}

// by hand: what is done to a node, and what takes it back.
var byHand = []struct{ what, script, back string }{
	{"a file that is edited", "cp -p /etc/etcd/etcd.conf /root/kept; echo '# by hand' >>/etc/etcd/etcd.conf", "cp -p /root/kept /etc/etcd/etcd.conf"},
	{"a file that is replaced", "cp -p /etc/etcd/etcd.conf /root/kept; sed -i 's/^/ /' /etc/etcd/etcd.conf", "mv /root/kept /etc/etcd/etcd.conf"},
	{"a file's mode", "chmod 666 /etc/etcd/etcd.pass", "chmod 640 /etc/etcd/etcd.pass"},
	{"a file that is gone", "mv /etc/etcd/etcd.pass /root/kept", "mv /root/kept /etc/etcd/etcd.pass"},
	{"a unit that is stopped", "systemctl stop etcd", "systemctl start etcd"},
	{"a unit that is disabled", "systemctl disable -q etcd", "systemctl enable -q etcd"},
}

// TestWatchTellsAtOnce: what somebody does by hand is seen within a second, though the daemon looks once a
// minute; a storm costs little, and a lost watch is said.
func TestWatchTellsAtOnce(t *testing.T) {
	long(t)
	s := onThree(t)
	s.rarely("heal: false")
	s.serve()
	s.converges(time.Minute)
	s.watched()
	for _, h := range byHand {
		var took, after []time.Duration
		for range 5 {
			whole, rest := s.seesAtOnce(2, h.what, h.script, h.back)
			took, after = append(took, whole), append(after, rest)
		}
		slices.Sort(took)
		slices.Sort(after)
		t.Logf("%s: seen after %s, %s at most; %s and %s from its end", h.what, round(took[2]), round(took[4]), round(after[2]), round(after[4]))
		if after[2] > atOnce {
			t.Errorf("%s was seen after %s, want %s", h.what, after[2], atOnce)
		}
	}
	s.storm()
	s.losesTheWatch()
}

// storm touches a watched file as often as it can for ten seconds; what else changes meanwhile is seen at once.
func (s *story) storm() {
	s.Helper()
	spent, asked := s.metric("process_cpu_seconds_total"), s.metric("pigsync_glances_total")
	s.on(2, "systemd-run -q --unit=storm sh -c 'while :; do touch /etc/etcd/etcd.conf; done'")
	time.Sleep(10 * time.Second) // a storm lasts
	took, _ := s.seesAtOnce(2, "a change in a storm", "chmod 666 /etc/etcd/etcd.pass", "chmod 640 /etc/etcd/etcd.pass")
	s.on(2, "systemctl stop storm")
	s.Logf("ten seconds of storm: %.2f s of processor time here, %v glances; a change meanwhile was seen after %s",
		s.metric("process_cpu_seconds_total")-spent, s.metric("pigsync_glances_total")-asked, took.Round(time.Millisecond))
	if glances := s.metric("pigsync_glances_total") - asked; glances > 40 {
		s.Errorf("the storm cost %v glances", glances)
	}
}

// losesTheWatch kills the helper of a node: that is said, and it is watched again.
func (s *story) losesTheWatch() {
	s.Helper()
	s.on(2, "pkill -KILL -f '^/[^ ]*/bin/[0-9a-f]{64} node$'")
	s.soon("the node is watched again", func() bool {
		return s.metric("pigsync_watch_up", `host="`+address(2)+`"`) == 1 && strings.TrimSpace(s.on(2, helpers)) != ""
	})
	took, _ := s.seesAtOnce(2, "a change afterwards", "chmod 666 /etc/etcd/etcd.pass", "chmod 640 /etc/etcd/etcd.pass")
	s.Logf("a change after the helper was killed was seen after %s", took.Round(time.Millisecond))
}
