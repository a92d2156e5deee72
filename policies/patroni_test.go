package policies_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// postgres has one instance a letter: L leads, r follows, s follows synchronously, d is down, b is far behind,
// n may not lead, p is paused, u runs and follows nobody, ? says nothing.
func postgres(letters string) map[resource.ID]resource.State {
	c := resource.PGCluster{Silent: map[string]string{}}
	for i, l := range letters {
		name := fmt.Sprintf("pg-1-%d", i+1)
		m := resource.PGMember{Role: resource.PGReplica, Up: l != 'd' && l != 'u', System: "1", Location: 1 << 30, Paused: l == 'p', Sync: l == 's'}
		switch l {
		case 'L':
			m.Role, c.Leader = resource.PGLeader, name
		case 'd':
			m.Role = ""
		case 'b':
			m.Location -= 64 << 20
		case 'n':
			m.Tags = map[string]string{"nofailover": "true"}
		case '0':
			m.Location = 0
		case '?':
			c.Silent[name] = "no route to host"
			continue
		}
		c.Members = append(c.Members, resource.PGMemberInfo{Instance: name, Node: fmt.Sprintf("10.0.0.%d", i+1), PGMember: m})
	}
	return map[resource.ID]resource.State{resource.PGClusterOf("pg-1"): {Spec: c}}
}

func pgStep(h resource.Hazard, at string) diff.Step {
	s := of("pgsql/pg-1", change(diff.Update, resource.KindUnit, "patroni", at, resource.Restart))
	s.Fields[0].Hazard = h
	return s
}

func TestPatroni(t *testing.T) {
	unknown := map[resource.ID]resource.State{resource.PGClusterOf("pg-1"): {Err: errors.New("timeout")}}
	none := map[resource.ID]resource.State{resource.PGClusterOf("pg-1"): {}}
	for _, tt := range []struct {
		name string
		have map[resource.ID]resource.State
		step diff.Step
		want string
	}{
		{"all are well", postgres("Lrr"), pgStep(resource.Restart, "10.0.0.2"), "allow"},
		{"the leader, and all are well", postgres("Lr"), pgStep(resource.Restart|resource.Failover, "10.0.0.1"), "allow"},
		{"another is down", postgres("Lrd"), pgStep(resource.Restart, "10.0.0.2"), "hold PS130"},
		{"another is down, and it is of what runs beside", postgres("Lrd"), of("pgsql/pg-1", change(diff.Delete, resource.KindUnit, "vip-manager", "10.0.0.1", resource.Restart)), "allow"},
		{"another is silent", postgres("Lr?"), pgStep(resource.Restart, "10.0.0.2"), "hold PS130"},
		{"it is down itself", postgres("Lrd"), pgStep(resource.Restart, "10.0.0.3"), "allow"},
		{"it follows nobody itself", postgres("Lru"), pgStep(resource.Restart, "10.0.0.3"), "allow"},
		{"neither follows", postgres("Luu"), pgStep(resource.Restart, "10.0.0.3"), "hold PS130"},
		{"nobody follows the leader", postgres("Luu"), pgStep(resource.Restart|resource.Failover, "10.0.0.1"), "hold PS130"},
		{"what costs nothing", postgres("Lrd"), pgStep(resource.Reload, "10.0.0.2"), "allow"},
		{"who lives alone", postgres("L"), pgStep(resource.Restart, "10.0.0.1"), "allow"},
		{"nobody leads", postgres("rr"), pgStep(resource.Restart, "10.0.0.1"), "hold PS130"},
		{"paused", postgres("Lp"), pgStep(resource.Restart, "10.0.0.1"), "hold PS130"},
		{"paused, and it costs nothing", postgres("Lp"), of("pgsql/pg-1", change(diff.Update, resource.KindFile, "/x", "10.0.0.1", 0)), "hold PS130"},
		{"paused, and the pause goes", postgres("Lp"), of("pgsql/pg-1", change(diff.Delete, resource.KindPGConfig, "pause", "pg-1", 0)), "allow"},
		{"unknown, and it costs nothing", unknown, pgStep(resource.Reload, "10.0.0.1"), "allow"},
		{"unknown", unknown, pgStep(resource.Restart, "10.0.0.1"), "hold PS130"},
		{"nobody looked", nil, pgStep(resource.Restart, "10.0.0.1"), "hold PS130"},
		{"nothing lives", none, pgStep(resource.Restart, "10.0.0.1"), "allow"},
		{"of the whole cluster, while one is down", postgres("Ld"), pgStep(resource.Failover, "pg-1"), "hold PS130"},
	} {
		c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{tt.step}}, Have: tt.have}
		if got := judge(c, policies.Patroni()); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Who is down and has left the inventory keeps nobody waiting, for whom there would be no end.
func TestWhoHasLeftIsNotIll(t *testing.T) {
	seat := func(n int) resource.Resource {
		return resource.Resource{ID: resource.ID{Kind: resource.KindPGSeated, Name: fmt.Sprintf("pg-1-%d", n), At: fmt.Sprintf("10.0.0.%d", n)}, Spec: resource.PGSeated{}}
	}
	var want resource.Set
	for n, verdict := range []string{"allow", "hold PS130"} { // with the second member known, too
		if err := want.Add(seat(n + 1)); err != nil {
			t.Fatal(err)
		}
		c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{pgStep(resource.Restart, "10.0.0.1")}}, Have: postgres("Ld"), Want: &want}
		if got := judge(c, policies.Patroni()); got != verdict {
			t.Errorf("%d members are wanted: got %q, want %q", n+1, got, verdict)
		}
	}
}

// Who knows that an instance is away may go on without it, as long as somebody is left.
func TestAnIllClusterMayBeApproved(t *testing.T) {
	for letters, want := range map[string]string{"Lrd": "allow", "Ld": "hold PS130"} {
		plan := &diff.Plan{Steps: []diff.Step{pgStep(resource.Restart, "10.0.0.1")}}
		c := &policies.Case{Plan: plan, Have: postgres(letters), Approvals: []policies.Approval{agreed(plan, "ann", noon)}}
		if got := judge(c, policies.Patroni()); got != want {
			t.Errorf("%s: got %q, want %q", letters, got, want)
		}
	}
}

func TestLag(t *testing.T) {
	for letters, want := range map[string]string{
		"Lr": "allow", "Lb": "hold PS119", "Lbr": "allow", "Ln": "hold PS119", "Ld": "hold PS119", "L0": "hold PS119",
		"Lrs": "allow", "Lrd": "allow", "L": "allow", "L?": "hold PS119", "Lbs": "allow",
	} {
		c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{pgStep(resource.Failover, "10.0.0.1")}}, Have: postgres(letters)}
		if got := judge(c, policies.Lags(policies.DefaultLag())); got != want {
			t.Errorf("%s: got %q, want %q", letters, got, want)
		}
	}
	slow := postgres("Lrs")
	picture := slow[resource.PGClusterOf("pg-1")].Spec.(resource.PGCluster)
	picture.Members[2].Up = false // the synchronous one
	c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{pgStep(resource.Failover, "10.0.0.1")}}, Have: slow}
	if got := judge(c, policies.Lags(policies.DefaultLag())); got != "hold PS119" {
		t.Errorf("the synchronous one is down: %q", got)
	}
	if got := judge(&policies.Case{Plan: c.Plan}, policies.Lags(policies.DefaultLag())); got != "hold PS119" {
		t.Errorf("nobody looked: %q", got)
	}
}

// backups stands for what is known of them.
type backups struct{ ended, verified time.Time }

func (backups) Kind() resource.Kind                       { return "pgbackup" }
func (backups) Compare(resource.Spec) []resource.Field    { return nil }
func (b backups) LastBackup() (ended, verified time.Time) { return b.ended, b.verified }
func backup(s resource.State) map[resource.ID]resource.State {
	return map[resource.ID]resource.State{resource.PGBackupOf("pg-1"): s}
}

func TestBackups(t *testing.T) {
	daily := policies.Backup{Within: 26 * time.Hour}
	verified := policies.Backup{Within: 26 * time.Hour, Verified: 7 * 24 * time.Hour}
	old, late := noon.Add(-30*time.Hour), noon.Add(-20*time.Hour)
	for _, tt := range []struct {
		name string
		rule policies.Backup
		have map[resource.ID]resource.State
		want string
	}{
		{"recent", daily, backup(resource.State{Spec: backups{ended: late}}), "allow"},
		{"old", daily, backup(resource.State{Spec: backups{ended: old}}), "hold PS122"},
		{"of tomorrow", daily, backup(resource.State{Spec: backups{ended: noon.Add(time.Hour)}}), "hold PS122"},
		{"none", daily, backup(resource.State{Spec: backups{}}), "hold PS122"},
		{"unknown", daily, backup(resource.State{Err: errors.New("no answer")}), "hold PS122"},
		{"nobody looked", daily, nil, "hold PS122"},
		{"never verified", verified, backup(resource.State{Spec: backups{ended: late}}), "hold PS122"},
		{"verified", verified, backup(resource.State{Spec: backups{late, old}}), "allow"},
		{"verified long ago", verified, backup(resource.State{Spec: backups{late, noon.Add(-8 * 24 * time.Hour)}}), "hold PS122"},
	} {
		plan := &diff.Plan{Steps: []diff.Step{pgStep(resource.DataLoss, "pg-1")}}
		c := &policies.Case{Plan: plan, Have: tt.have, Approvals: []policies.Approval{agreed(plan, "ann", noon)}}
		if got := judge(c, policies.Backups(tt.rule)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDiskSpace(t *testing.T) {
	node := func(free ...resource.FileSystem) map[resource.ID]resource.State {
		return map[resource.ID]resource.State{resource.FactsOf("10.0.0.1"): {Spec: resource.Facts{DiskMB: 1000, Free: free}}}
	}
	root, data := resource.FileSystem{Path: "/", SizeMB: 1000, FreeMB: 300}, resource.FileSystem{Path: "/data", SizeMB: 10_000, FreeMB: 300}
	fits := change(diff.Create, "package", "x", "10.0.0.1", 0)
	share := policies.Disk{Share: 0.05}
	for _, tt := range []struct {
		name string
		disk policies.Disk
		have map[resource.ID]resource.State
		step diff.Step
		want string
	}{
		{"room", policies.DefaultDisk(), node(root, data), restart("10.0.0.1"), "allow"},
		{"a share of the larger one", share, node(root, data), restart("10.0.0.1"), "hold PS123"},
		{"full", policies.Disk{MB: 301}, node(root), restart("10.0.0.1"), "hold PS123"},
		{"what is made", policies.Disk{MB: 301}, node(root), fits, "hold PS123"},
		{"what costs nothing", policies.Disk{MB: 301}, node(root), change(diff.Update, "file", "x", "10.0.0.1", 0), "allow"},
		{"what goes", policies.Disk{MB: 301}, node(root), change(diff.Delete, "file", "x", "10.0.0.1", 0), "allow"},
		{"nobody told", policies.DefaultDisk(), node(), restart("10.0.0.1"), "hold PS123"},
		{"elsewhere", policies.Disk{MB: 301}, node(root), restart("10.0.0.2"), "allow"},
	} {
		c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{tt.step}}, Have: tt.have}
		if got := judge(c, policies.DiskSpace(tt.disk)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
