package promtest

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Server is a Prometheus that ends with its test.
type Server struct {
	URL  string
	stop func()
}

// Stop ends it before.
func (s *Server) Stop() { s.stop() }

// Start starts one that looks at its targets every second, and waits until it answers.
func Start(t testing.TB, config string) *Server {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is not installed")
	}
	dir, addr := t.TempDir(), free(t)
	if err := os.WriteFile(dir+"/p.yml", []byte("global: { scrape_interval: 1s }\n"+config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "--config.file="+dir+"/p.yml", "--storage.tsdb.path="+dir+"/data", "--web.listen-address="+addr)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &Server{URL: "http://" + addr, stop: func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }} // it is killed, or was
	t.Cleanup(s.stop)
	if !Await(s.ready) {
		s.stop()
		t.Fatalf("it does not become ready:\n%s", log.String())
	}
	return s
}

func (s *Server) ready() bool {
	resp, err := http.Get(s.URL + "/-/ready")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Await asks until it is so, for a minute.
func Await(so func() bool) bool {
	end, tick := time.NewTimer(time.Minute), time.NewTicker(50*time.Millisecond)
	defer end.Stop()
	defer tick.Stop()
	for !so() {
		select {
		case <-end.C:
			return false
		case <-tick.C:
		}
	}
	return true
}

func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
