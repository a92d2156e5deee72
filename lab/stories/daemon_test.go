package stories

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// listen is where the daemon answers, in the lab's network.
const listen = "127.0.0.1:9099"

// configure writes the daemon's configuration; more are lines for its inventory.
func (s *story) configure(more ...string) {
	s.Helper()
	s.configureFor(s.path("repo"), s.lab.KnownHosts(), more...)
}

func (s *story) configureFor(repo, knownHosts string, more ...string) {
	s.Helper()
	text := fmt.Sprintf("state: %s\nlisten: %s\nssh: { user: %s, keys: [ %s ], known_hosts: [ %s ] }\n"+
		"policies: { fights: { times: 1000, within: 1h } } # stories harm the same thing again and again\ninventories:\n  - name: story\n    git: { url: %s, allow_local: true, interval: 500ms }\n    interval: 2s\n    rollback: 0 # what fails is looked at for as long as a story likes\n",
		s.path("state"), listen, lab.User, s.lab.Key(), knownHosts, repo)
	for _, line := range more {
		text += "    " + line + "\n"
	}
	s.must(os.WriteFile(s.path("pigsync.yml"), []byte(text), 0o600))
}

// daemon is a running `pigsync serve`.
type daemon struct {
	cmd  *exec.Cmd
	gone chan struct{} // closed when it has ended
	web  *http.Client
}

// serve starts the daemon; its words are added to the log.
func (s *story) serve() {
	s.Helper()
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	s.must(err)
	defer log.Close()
	cmd := s.lab.Command(context.WithoutCancel(s.Context()), s.bin, "--config", s.path("pigsync.yml"), "serve")
	cmd.Stderr = log
	s.must(cmd.Start())
	d := &daemon{cmd: cmd, gone: make(chan struct{})}
	d.web = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: s.lab.Dial, DisableKeepAlives: true}}
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(d.gone)
	}()
	s.daemon = d
}

// wake makes the daemon look at the whole fleet now.
func (s *story) wake() {
	s.Helper()
	res, err := s.daemon.web.Post("http://"+listen+"/api/v1/wake/story", "", nil)
	s.must(err)
	res.Body.Close()
	if res.StatusCode >= http.StatusBadRequest {
		s.Fatalf("wake: %s", res.Status)
	}
}

// kill ends the daemon as a crash does.
func (s *story) kill() {
	if s.daemon != nil {
		_ = s.daemon.cmd.Process.Kill() // it may have ended by itself
		<-s.daemon.gone
		s.daemon = nil
	}
}

// stop ends the daemon in order.
func (s *story) stop() {
	if s.daemon == nil {
		return
	}
	_ = s.daemon.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-s.daemon.gone:
		s.daemon = nil
	case <-time.After(time.Minute):
		s.Errorf("the daemon does not end within a minute of SIGTERM")
		s.kill()
	}
}

// status is what the daemon says of the inventory.
type status struct {
	State      string       `json:"state"`
	Revision   string       `json:"revision"`
	Seen       time.Time    `json:"seen"`
	Took       int64        `json:"took_ns"`
	Drift      bool         `json:"drift"`
	Resources  int          `json:"resources"`
	Fetch      string       `json:"fetch"`
	Error      string       `json:"error"`
	Plan       *plan        `json:"plan"`
	Results    []string     `json:"results"`
	Objections []objection  `json:"objections"`
	Problems   []problem    `json:"problems"`
	Owners     []ownerState `json:"owners"`
}

type ownerState struct {
	Owner, State string
	Orphan       bool
}

type problem struct {
	Place, Severity, Code, Message string
}

type objection struct {
	Step         int
	Code, Reason string
	Until        time.Time
}

type plan struct {
	Digest, Summary string
	Steps           []step
}

type step struct {
	Action, ID, Owner, Origin, Reason, Digest string
	Fields                                    []struct{ Path, Have, Want string }
}

func (s *story) ask(path string) (string, error) {
	if s.daemon == nil {
		return "", fmt.Errorf("no daemon runs")
	}
	res, err := s.daemon.web.Get("http://" + listen + path)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, res.Status)
	}
	return string(body), err
}

// status asks the daemon; while it does not answer yet, nothing is known.
func (s *story) status() (st status) {
	s.Helper()
	select {
	case <-s.daemon.gone:
		s.Fatal("the daemon has ended by itself")
	default:
	}
	body, err := s.ask("/api/v1/status/story")
	if err == nil {
		err = json.Unmarshal([]byte(body), &st)
	}
	if err != nil {
		return status{State: "silent", Error: err.Error()}
	}
	return st
}

// stands waits until the status is as asked, and gives it.
func (s *story) stands(limit time.Duration, what string, as func(status) bool) (st status) {
	s.Helper()
	s.eventually(limit, what, func() bool {
		st = s.status()
		return as(st)
	})
	return st
}

// converges waits until the fleet is seen to be as the newest commit says, and gives how long it took.
func (s *story) converges(limit time.Duration) time.Duration {
	s.Helper()
	head := s.git("rev-parse", "HEAD")
	began := time.Now()
	s.stands(limit, "converged at "+head[:12], func(st status) bool {
		return st.State == "converged" && st.Revision == head && st.Seen.After(began.Add(-time.Millisecond))
	})
	return time.Since(began)
}

// held waits until the daemon holds the newest commit, and gives the status.
func (s *story) held(limit time.Duration) status {
	s.Helper()
	head := s.git("rev-parse", "HEAD")
	return s.stands(limit, "held at "+head[:12], func(st status) bool { return st.State == "held" && st.Revision == head })
}

// metric sums the samples of a metric whose labels contain each of the texts.
func (s *story) metric(name string, labels ...string) (sum float64) {
	s.Helper()
	body, err := s.ask("/metrics")
	s.must(err)
	for line := range strings.Lines(body) {
		at := strings.LastIndexByte(strings.TrimSpace(line), ' ')
		if at < 0 {
			continue
		}
		sample, value := line[:at], strings.TrimSpace(line[at:])
		if sample != name && !strings.HasPrefix(sample, name+"{") || !containsAll(sample, labels) {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		s.must(err)
		sum += v
	}
	return sum
}

func containsAll(text string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}
