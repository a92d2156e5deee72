package stories

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listing prints every file of a node with its size, times, mode and owner; what belongs to the
// kernel, to the clock, to the logs of others and to etcd's own work is left out.
const listing = `find / /data -xdev \( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path /tmp -o -path /var/log \
	-o -path /var/lib/chrony -o -path /var/lib/systemd/timers -o -path /var/lib/systemd/timesync -o -path /data/etcd/member \) -prune \
	-o -printf '%p %s %T@ %C@ %m %u:%g\n' | sort`

func TestEtcdQuietRoundWritesNothing(t *testing.T) {
	wanted(t)
	s := onThree(t)
	s.serve()
	s.converges(time.Minute)
	nodes := []int{1, 2, 3, 4}
	var before [5]string
	for _, n := range nodes {
		before[n] = s.on(n, listing)
	}
	logins := s.logins()
	rounds := s.quietRounds(5)
	for _, n := range nodes {
		if diff := firstDifference(before[n], s.on(n, listing)); diff != "" {
			t.Errorf("node-%d was written to by quiet rounds: %s", n, diff)
		}
	}
	if more := s.logins() - logins; more != 0 {
		t.Errorf("%d new logins for %d quiet rounds, want the connections to be kept", more, len(rounds))
	}
	slices.Sort(rounds)
	t.Logf("a quiet round over five nodes takes %s, %s at most (wanted: 250 ms)", rounds[len(rounds)/2].Round(time.Millisecond), rounds[len(rounds)-1].Round(time.Millisecond))
	s.helperIsSmallAndGoes(2)
}

// quietRounds asks for n looks at the whole fleet, one after the other, and gives how long each took.
func (s *story) quietRounds(n int) (took []time.Duration) {
	s.Helper()
	for range n {
		took = append(took, s.round())
	}
	return took
}

// logins counts the sessions that the nodes' sshd has accepted.
func (s *story) logins() (n int) {
	s.Helper()
	for i := 1; i <= 5; i++ {
		out := s.on(i, "journalctl -q --no-pager -o cat _COMM=sshd _COMM=sshd-session _COMM=sshd-auth | grep -c 'Accepted publickey' || true")
		count, err := strconv.Atoi(out)
		s.must(err)
		n += count
	}
	return n
}

// helpers lists the processes of the helper on a node.
const helpers = `pgrep -f '^/[^ ]*/bin/[0-9a-f]{64} node$' || true`

func (s *story) helperIsSmallAndGoes(n int) {
	s.Helper()
	pids := strings.Fields(s.on(n, helpers))
	if len(pids) != 1 {
		s.Fatalf("helpers on node-%d: %v, want one", n, pids)
	}
	// What is resident is wanted small. The peak is that of the moment in which the program's packages
	// are initialized, before it gives their pages back.
	memory := strings.Join(strings.Fields(s.on(n, "grep -E 'VmHWM|VmRSS' /proc/"+pids[0]+"/status")), " ")
	s.Logf("the helper's memory on node-%d: %s (wanted: 25 MB resident)", n, memory)
	if kb, err := strconv.Atoi(strings.Fields(memory)[4]); err != nil || kb > 25<<10 {
		s.Errorf("the helper needs %s, want less than 25 MB resident", memory)
	}
	s.stop()
	s.eventually(10*time.Second, "the helper ends with the connection", func() bool { return s.on(n, helpers) == "" })
}

func firstDifference(before, after string) string {
	if before == after {
		return ""
	}
	was := strings.Split(before, "\n")
	for _, line := range strings.Split(after, "\n") {
		if _, found := slices.BinarySearch(was, line); !found && !slices.Contains(was, line) {
			return line
		}
	}
	return "something is gone"
}
