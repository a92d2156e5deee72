package etcd_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// situation is any combination of what may be seen of a group and its cluster, likely or not.
type situation struct {
	now, before *inventory.Inventory
	seqs        []string // of the members that are wanted now
	known       map[resource.ID]resource.State
	cluster     resource.EtcdCluster
}

func drawSituation(t *rapid.T) *situation {
	s := &situation{known: map[resource.ID]resource.State{}}
	var all []string
	for i := range rapid.IntRange(1, 6).Draw(t, "hosts") {
		all = append(all, strconv.Itoa(i+1))
	}
	s.seqs = slices.DeleteFunc(slices.Clone(all), func(seq string) bool { return seq != "1" && rapid.IntRange(0, 4).Draw(t, "leaves "+seq) == 0 })
	s.now, s.before = group("etcd_election_timeout: 3000", s.seqs...), group("", all...)
	id := resource.EtcdClusterOf("etcd")
	phase := rapid.SampledFrom([]string{"quorum", "quorum", "quorum", "absent", "no quorum", "unknown"}).Draw(t, "cluster")
	for _, i := range modules.Survey(s.before, library()) {
		s.known[i] = resource.State{}
	}
	s.known[resource.CAOf("pigsty-ca")] = resource.State{Spec: modtest.Authority("pigsty-ca")}
	for _, seq := range all {
		s.drawMember(t, seq)
	}
	switch phase {
	case "quorum":
		s.cluster.Quorum = true
		s.known[id] = resource.State{Spec: s.cluster}
	case "no quorum":
		s.cluster = resource.EtcdCluster{}
		s.known[id] = resource.State{Spec: s.cluster}
	case "unknown":
		s.cluster = resource.EtcdCluster{}
		s.known[id] = resource.State{Err: errors.New("nobody answers")}
	default:
		s.cluster = resource.EtcdCluster{}
	}
	return s
}

// drawMember puts one host into a standing, with or without the marks of an earlier life.
func (s *situation) drawMember(t *rapid.T, seq string) {
	at := "10.10.10." + seq
	info := resource.EtcdMemberInfo{ID: "a" + seq, Name: "etcd-" + seq, PeerURL: "https://" + at + ":2380"}
	data := false
	standing := rapid.SampledFrom([]string{"healthy", "healthy", "ill", "pending", "lost", "stranger", "old stranger", "unreachable", "unreachable stranger"}).Draw(t, seq)
	switch standing {
	case "healthy":
		info.Healthy, data = true, true
		if s.cluster.Leader == "" {
			s.cluster.Leader = info.Name
		}
	case "ill":
		data = true
	case "pending":
		info.Name, info.Learner = "", rapid.Bool().Draw(t, seq+" learns")
	case "old stranger":
		data = true
	}
	if !strings.HasSuffix(standing, "stranger") {
		s.cluster.Members = append(s.cluster.Members, info)
	}
	s.known[resource.FactsOf(at)] = resource.State{Spec: modtest.Debian}
	if data {
		s.known[walOf(at)] = resource.State{Spec: resource.Dir{}}
	}
	if rapid.IntRange(0, 3).Draw(t, seq+" formed") == 0 {
		s.known[modules.FileOf("/etc/etcd/formed", at)] = resource.State{Spec: resource.File{}}
	}
	if strings.HasPrefix(standing, "unreachable") {
		for id := range s.known {
			if id.At == at {
				s.known[id] = resource.State{Err: modtest.ErrUnreachable}
			}
		}
	}
}

func walOf(at string) resource.ID { return modules.DirOf("/data/etcd/member/wal", at) }

func (s *situation) compile() *modules.Compiled {
	return modules.Compile(s.now, s.known, library())
}

// have is a world where all that was asked for before is there, as it was asked for then.
func (s *situation) have(want, prior *resource.Set) map[resource.ID]resource.State {
	have := map[resource.ID]resource.State{}
	for _, set := range []*resource.Set{want, prior} {
		for r := range set.All() {
			was, _ := prior.Get(r.ID)
			have[r.ID] = resource.State{Spec: was.Spec}
			if m, ok := was.Spec.(resource.EtcdMember); ok {
				info, _ := s.cluster.Member(m.PeerURL)
				have[r.ID] = resource.State{Spec: resource.EtcdMember{PeerURL: m.PeerURL, MemberID: info.ID}}
				if info.ID == "" {
					have[r.ID] = resource.State{}
				}
			}
			if s.known[resource.FactsOf(r.ID.At)].Err != nil {
				have[r.ID] = resource.State{Err: modtest.ErrUnreachable}
			}
		}
	}
	have[resource.EtcdClusterOf("etcd")] = s.known[resource.EtcdClusterOf("etcd")]
	return have
}

// healthy tells whether the host is a member that does its part.
func (s *situation) healthy(at string) bool {
	info, _ := s.cluster.Member("https://" + at + ":2380")
	return info.Healthy
}

func (s *situation) wanted(at string) bool {
	return slices.Contains(s.seqs, strings.TrimPrefix(at, "10.10.10."))
}

func TestCompileIsTheSameTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t)
		a, b := s.compile(), s.compile()
		if modtest.Dump(a, "etcd") != modtest.Dump(b, "etcd") || !reflect.DeepEqual(a.Frozen, b.Frozen) {
			t.Fatal("compiled twice, it differs")
		}
		for r := range a.Want.All() {
			for _, id := range r.After {
				if _, ok := a.Want.Get(id); !ok {
					t.Fatalf("%s comes after %s, which nobody declares", r.ID, id)
				}
			}
		}
	})
}

// Nobody who is well is taken away who did not leave the inventory, and two that are well never
// restart at once.
func TestPlansAreCareful(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t)
		c := s.compile()
		prior := modules.Compile(s.before, s.known, library()).Want
		have := s.have(c.Want, prior)
		plan, err := diff.NewPlan(c.Want, diff.Compare(c.Want, prior, have))
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range plan.Steps {
			if at := s.place(step); s.healthy(at) && s.wanted(at) && (step.Action == diff.Delete || step.Hazard()&(resource.Topology|resource.DataLoss) != 0) {
				t.Fatalf("%c %s [%s]: it is well, and wanted", step.Action, step.ID, step.Hazard())
			}
		}
		_, objections := policies.Judge(&policies.Case{Plan: plan, Have: have}, []*policies.Policy{policies.OneAtATime()})
		for _, o := range objections {
			if step := plan.Steps[o.Step]; s.healthy(step.ID.At) && s.wanted(step.ID.At) {
				t.Fatalf("%s: %s", step.ID, o.Reason)
			}
		}
	})
}

// place is the node a step concerns.
func (s *situation) place(step diff.Step) string {
	if m, ok := step.Have.(resource.EtcdMember); ok {
		return hostOf(m.PeerURL)
	}
	return step.ID.At
}

// A node without data is told to make a new cluster only where none can ever have been whole.
func TestNothingIsBootstrappedOverALife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t)
		traces := s.traces()
		for r := range s.compile().Want.All() {
			f, ok := r.Spec.(resource.File)
			if !ok || r.ID.Name != "/etc/etcd/etcd.conf" || !strings.Contains(string(f.Content), "initial-cluster-state: new") {
				continue
			}
			if empty := s.known[walOf(r.ID.At)].Spec == nil; empty && !s.healthy(r.ID.At) && len(traces) > 0 {
				t.Fatalf("%s would make a new cluster, and there are %v", r.ID.At, traces)
			}
		}
	})
}

// traces are the signs that a cluster may have been whole.
func (s *situation) traces() (signs []string) {
	for id, state := range s.known {
		mine := id.Kind == resource.KindEtcdCluster || s.wanted(id.At)
		if mine && (state.Err != nil || strings.HasSuffix(id.Name, "/formed") && state.Spec != nil) {
			signs = append(signs, fmt.Sprint(id, state.Err))
		}
	}
	return signs
}
