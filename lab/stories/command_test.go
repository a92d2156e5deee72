package stories

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"
)

// said is what a command printed, and how it ended.
type said struct {
	out, err string
	exit     int
}

// pigsync runs a command of pigsync beside the daemon.
func (s *story) pigsync(args ...string) said {
	s.Helper()
	var out, errs bytes.Buffer
	cmd := s.lab.Command(s.Context(), s.bin, append([]string{"--config", s.path("pigsync.yml")}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.Fatal(err)
	}
	return said{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// succeeds runs a command of pigsync that must end with status 0.
func (s *story) succeeds(args ...string) said {
	s.Helper()
	did := s.pigsync(args...)
	if did.exit != 0 {
		s.Fatalf("pigsync %s: exit %d, want 0:\n%s%s", strings.Join(args, " "), did.exit, did.out, did.err)
	}
	return did
}

// agrees wants a plan without a single step. What a machine that is busy was too slow to tell is asked
// again.
func (s *story) agrees() {
	s.Helper()
	s.eventually(time.Minute, "a plan without a step", func() bool {
		did := s.pigsync("plan")
		if did.exit != 0 && !strings.Contains(did.out, ": 0 to make, 0 to change, 0 to remove, 0 to check, ") {
			s.Fatalf("pigsync plan: exit %d, want 0:\n%s%s", did.exit, did.out, did.err)
		}
		return did.exit == 0
	})
}

// record is one line of the journal.
type record struct {
	Seq  uint64
	Time time.Time
	Kind string
	Data struct {
		Revision string
		Err      string
		Took     time.Duration `json:"took_ns"`
		Step     struct{ ID, Action, Digest string }
		Steps    json.RawMessage // of a plan: its steps; of what is held: their number
	}
}

// steps are those of a plan.
func (r record) steps() (all []plannedStep) {
	if r.Kind == "planned" {
		_ = json.Unmarshal(r.Data.Steps, &all) // the program wrote it; what is not there is missed
	}
	return all
}

// plannedStep is a step of a plan as the journal has it.
type plannedStep struct {
	ID, Action, Verdict string
	Fields              []plannedField
}

type plannedField struct{ Path string }

// journal gives the records, the oldest first.
func (s *story) journal() (all []record) {
	s.Helper()
	out := s.succeeds("history", "-n", "1000000", "-o", "json").out
	for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
		var r record
		s.must(d.Decode(&r))
		all = append([]record{r}, all...)
	}
	return all
}

// tell prints what a reader of a failed story wants to see.
func (s *story) tell() {
	log, _ := os.ReadFile(s.path("log")) // there may be none
	lines := strings.Split(string(log), "\n")
	s.Logf("the daemon's last words:\n%s", strings.Join(lines[max(0, len(lines)-60):], "\n"))
	for _, args := range [][]string{{"history", "-n", "40"}, {"status"}} {
		cmd := s.lab.Command(context.Background(), s.bin, append([]string{"--config", s.path("pigsync.yml")}, args...)...)
		out, _ := cmd.CombinedOutput() // what it says is all we want
		s.Logf("pigsync %s:\n%s", args[0], out)
	}
	for _, n := range s.lab.Nodes() {
		out, err := n.Run(context.Background(), "sh", "-c", "systemctl is-active etcd; journalctl --no-pager -q -o cat -u etcd | cut -c1-400 | tee /tmp/etcd.log | grep -m1 '^panic'; tail -n 8 /tmp/etcd.log")
		s.Logf("%s (%v): etcd is %s", n.Name, err, out)
	}
}
