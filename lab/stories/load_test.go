package stories

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// load is a client that asks and writes without pause, as an application does: pgbench on the first node,
// through a service. It must not lose a transaction.
type load struct {
	s     *story
	name  string
	stop  context.CancelFunc
	ended chan struct{}

	mu    sync.Mutex // guards what follows
	done  float64    // transactions
	stall time.Duration
	faint int      // seconds without a single transaction
	bad   []string // what it complained of
}

// second is what pgbench says of the last second.
var second = regexp.MustCompile(`^progress: ([0-9.]+) s, ([0-9.]+) tps, .*, ([0-9]+) failed`)

// loads keeps the application busy through a service of the first node, with so many transactions a second.
// What is written goes into a table of its own.
func (s *story) loads(port int, writes bool, rate int) *load {
	s.Helper()
	script := "select count(*) from shop.load where id < 10;"
	if writes {
		script = "insert into shop.load (at) values (now());"
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.Context()))
	l := &load{s: s, name: fmt.Sprintf("the load through port %d", port), stop: cancel, ended: make(chan struct{})}
	cmd := s.node(1).Command(ctx, "sh", "-ec", fmt.Sprintf("echo '%s' >/tmp/load.%d; export PGPASSWORD=App.Story PGCONNECT_TIMEOUT=10; "+
		"exec /usr/lib/postgresql/17/bin/pgbench -n -h %s -p %d -U app -c 2 -j 1 -T 7200 -R %d -P 1 -f /tmp/load.%d app 2>&1",
		script, port, address(1), port, rate, port))
	out, err := cmd.StdoutPipe()
	s.must(err)
	s.must(cmd.Start())
	go func() {
		defer close(l.ended)
		l.listen(out)
		_ = cmd.Wait() // it is ended by force, or has said why it ended
	}()
	end := l.stop
	l.stop = func() { // it outlives whoever started it on the node, and holds what it writes to
		_, _ = s.node(1).Run(context.WithoutCancel(s.Context()), "pkill", "-f", fmt.Sprintf("^/usr/lib/postgresql/17/bin/pgbench .*/tmp/load.%d ", port))
		end()
	}
	s.Cleanup(func() { l.stop(); <-l.ended })
	s.eventually(time.Minute, l.name+" runs", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.bad) > 0 {
			s.Fatalf("%s: %s", l.name, l.bad)
		}
		return l.done > 0
	})
	return l
}

func (l *load) listen(out io.Reader) {
	last := time.Now()
	for lines := bufio.NewScanner(out); lines.Scan(); last = time.Now() {
		l.mu.Lock()
		m := second.FindStringSubmatch(lines.Text())
		switch {
		case m != nil:
			tps, _ := strconv.ParseFloat(m[2], 64) // the expression takes numbers only
			if l.done += tps; tps == 0 {
				l.faint++
			}
			l.stall = max(l.stall, time.Since(last))
			if m[3] != "0" {
				l.bad = append(l.bad, lines.Text())
			}
		case !strings.HasPrefix(lines.Text(), "pgbench ("):
			l.bad = append(l.bad, lines.Text())
		}
		l.mu.Unlock()
	}
}

// lostNothing ends the load, which must not have failed once.
func (l *load) lostNothing() {
	l.s.Helper()
	l.stop()
	<-l.ended
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.bad) > 0 || l.done == 0 {
		l.s.Errorf("%s: %.0f transactions, and it says: %s", l.name, l.done, strings.Join(l.bad, "\n"))
		return
	}
	l.s.Logf("%s: %.0f transactions, none failed; %d seconds without any", l.name, l.done, l.faint)
}
