package etcd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// group writes an inventory whose members are named by their numbers, on hosts 10.10.10.<number>;
// "3=7" puts member 3 on host 10.10.10.7.
func group(vars string, seqs ...string) *inventory.Inventory {
	var b strings.Builder
	b.WriteString("all:\n  vars: { node_repo_modules: '', " + vars + " }\n  children:\n    etcd:\n      hosts:\n")
	for _, s := range seqs {
		seq, host, moved := strings.Cut(s, "=")
		if !moved {
			host = seq
		}
		fmt.Fprintf(&b, "        10.10.10.%s: { etcd_seq: %s }\n", host, seq)
	}
	return parse(b.String())
}

func host(n int) string { return fmt.Sprintf("10.10.10.%d", n) }

// nodes makes the facts of as many nodes as the stories need.
func nodes(w *world) *world {
	for i := range 10 {
		w.specs[resource.FactsOf(host(i))] = modtest.Debian
	}
	return w
}

// members lists who belongs and runs.
func (w *world) String() string {
	var list []string
	for _, p := range w.members {
		text := p.name + "@" + hostOf(p.url)
		if p.learner {
			text += "(learner)"
		}
		if !w.healthy(p) {
			text += "(ill)"
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

func (w *world) lose(n int) {
	w.lives[host(n)] = life{}
	w.stop(n)
}

func (w *world) stop(n int) {
	l := w.lives[host(n)]
	l.running = false
	w.lives[host(n)] = l
	id := resource.ID{Kind: resource.KindUnit, Name: "etcd", At: host(n)}
	if u, ok := w.specs[id].(resource.Unit); ok {
		u.Active = false
		w.specs[id] = u
	}
}

// burn takes a node away for good.
func (w *world) burn(n int) {
	w.lose(n)
	w.down[host(n)] = true
}

func TestConverges(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []string
		harm   func(*world)
		after  []string
		vars   string
		rounds int
		want   string
	}{
		{name: "bootstrap of one", after: []string{"1"}, rounds: 3, want: "etcd-1@10.10.10.1"},
		{name: "bootstrap of three", after: []string{"1", "2", "3"}, rounds: 3, want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-3@10.10.10.3"},
		{name: "two join", before: []string{"1", "2", "3"}, after: []string{"1", "2", "3", "4", "5"}, rounds: 3,
			want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-3@10.10.10.3 etcd-4@10.10.10.4 etcd-5@10.10.10.5"},
		{name: "one grows to three", before: []string{"1"}, after: []string{"1", "2", "3"}, rounds: 3,
			want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-3@10.10.10.3"},
		{name: "two leave", before: []string{"1", "2", "3", "4", "5"}, after: []string{"1", "2", "3"}, rounds: 3,
			want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-3@10.10.10.3"},
		{name: "the leader leaves", before: []string{"1", "2", "3"}, after: []string{"2", "3"}, rounds: 3, want: "etcd-2@10.10.10.2 etcd-3@10.10.10.3"},
		{name: "three shrink to one", before: []string{"1", "2", "3"}, after: []string{"1"}, rounds: 3, want: "etcd-1@10.10.10.1"},
		{name: "a dead one leaves", before: []string{"1", "2", "3"}, harm: func(w *world) { w.burn(3) }, after: []string{"1", "2"}, rounds: 2,
			want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2"},
		{name: "a stopped one leaves", before: []string{"1", "2", "3"}, harm: func(w *world) { w.stop(3); w.sick[host(3)] = true }, after: []string{"1", "2"}, rounds: 2,
			want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2"},
		{name: "a dead one is replaced", before: []string{"1", "2", "3"}, harm: func(w *world) { w.burn(3) }, after: []string{"1", "2", "4"}, rounds: 4,
			want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-4@10.10.10.4"},
		{name: "a dead one is replaced under its number", before: []string{"1", "2", "3"}, harm: func(w *world) { w.burn(3) }, after: []string{"1", "2", "3=7"}, rounds: 4,
			want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-3@10.10.10.7"},
		{name: "a healthy one is replaced", before: []string{"1", "2", "3"}, after: []string{"1", "2", "4"}, rounds: 4,
			want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-4@10.10.10.4"},
		{name: "a healthy one is replaced under its number", before: []string{"1", "2", "3"}, after: []string{"1", "2", "3=7"}, rounds: 4,
			want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-3@10.10.10.7"},
		{name: "all are replaced", before: []string{"1", "2", "3"}, after: []string{"4", "5", "6"}, rounds: 4,
			want: "etcd-4@10.10.10.4 etcd-5@10.10.10.5 etcd-6@10.10.10.6"},
		{name: "data are lost", before: []string{"1", "2", "3"}, harm: func(w *world) { w.lose(2) }, after: []string{"1", "2", "3"}, rounds: 3,
			want: "etcd-1@10.10.10.1 etcd-3@10.10.10.3 etcd-2@10.10.10.2"},
		{name: "data of two of five are lost", before: []string{"1", "2", "3", "4", "5"}, harm: func(w *world) { w.lose(2); w.lose(4) },
			after: []string{"1", "2", "3", "4", "5"}, rounds: 6,
			want: "etcd-1@10.10.10.1 etcd-3@10.10.10.3 etcd-5@10.10.10.5 etcd-4@10.10.10.4 etcd-2@10.10.10.2"},
		{name: "data are lost while a setting changes", before: []string{"1", "2", "3"}, harm: func(w *world) { w.lose(2) }, after: []string{"1", "2", "3"},
			vars: "etcd_election_timeout: 3000", rounds: 4, want: "etcd-1@10.10.10.1 etcd-3@10.10.10.3 etcd-2@10.10.10.2"},
		{name: "one is down", before: []string{"1", "2", "3"}, harm: func(w *world) { w.stop(1) }, after: []string{"1", "2", "3"}, rounds: 2,
			want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-3@10.10.10.3"},
		{name: "all are down", before: []string{"1", "2", "3"}, harm: func(w *world) { w.stop(1); w.stop(2); w.stop(3) }, after: []string{"1", "2", "3"}, rounds: 2,
			want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-3@10.10.10.3"},
		{name: "all are down, and one has lost its data", before: []string{"1", "2", "3"}, harm: func(w *world) { w.stop(1); w.stop(2); w.lose(3) },
			after: []string{"1", "2", "3"}, rounds: 4, want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-3@10.10.10.3"},
		{name: "a setting changes", before: []string{"1", "2", "3"}, after: []string{"1", "2", "3"}, vars: "etcd_election_timeout: 3000", rounds: 2,
			want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-3@10.10.10.3"},
		{name: "a setting changes while one leaves and one joins", before: []string{"1", "2", "3"}, after: []string{"1", "2", "4"},
			vars: "etcd_election_timeout: 3000", rounds: 4, want: "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-4@10.10.10.4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := nodes(newWorld())
			var priors []*inventory.Inventory
			if c.before != nil {
				old := group("", c.before...)
				converge(t, w, old, nil, 5)
				priors = append(priors, old)
			}
			if c.harm != nil {
				c.harm(w)
			}
			rounds := converge(t, w, group(c.vars, c.after...), priors, c.rounds+1)
			if got := w.String(); got != c.want {
				t.Errorf("after %d rounds: %s\nwant %s", rounds, got, c.want)
			}
		})
	}
}

// A bootstrap that stops half-way goes on later, also when a node was out of sight in between: data
// alone do not say that the cluster has ever lived.
func TestInterruptedBootstrapGoesOn(t *testing.T) {
	w := nodes(newWorld())
	inv := group("", "1", "2", "3")
	once := func() {
		t.Helper()
		r, err := w.assess(inv, nil, judges())
		if err != nil {
			t.Fatal(err)
		}
		w.walk(r)
	}
	once() // makes the authority
	w.sick[host(2)], w.sick[host(3)] = true, true
	once() // starts the first member alone
	if !w.lives[host(1)].running || w.born {
		t.Fatalf("the bootstrap is not half-way: %v", w.lives)
	}
	w.down[host(2)] = true
	once()
	clear(w.down)
	clear(w.sick)
	converge(t, w, inv, nil, 4)
	if got := w.String(); got != "etcd-1@10.10.10.1 etcd-2@10.10.10.2 etcd-3@10.10.10.3" {
		t.Error(got)
	}
}

// Two of three make a cluster; the third, whose turn never came, starts as it was meant to.
func TestBootstrapGoesOnAfterTheQuorum(t *testing.T) {
	w, inv := nodes(newWorld()), group("", "1", "2", "3")
	w.sick[host(3)] = true
	for range 3 {
		r, err := w.assess(inv, nil, policies.Default())
		if err != nil {
			t.Fatal(err)
		}
		w.walk(r)
	}
	if !w.quorum() || w.lives[host(3)].running {
		t.Fatalf("the bootstrap is not half-way: %s", w)
	}
	clear(w.sick)
	r, err := w.assess(inv, nil, policies.Default())
	if err != nil || len(r.objected) > 0 {
		t.Fatal(err, r.objected)
	}
	w.walk(r)
	converge(t, w, inv, nil, 2)
}

// living is a cluster of three that has converged.
func living(t *testing.T) (*world, *inventory.Inventory) {
	w, inv := nodes(newWorld()), group("", "1", "2", "3")
	converge(t, w, inv, nil, 5)
	return w, inv
}

// steps plans once more and lists what would be done.
func steps(t *testing.T, w *world, inv *inventory.Inventory) (list []string) {
	t.Helper()
	r, err := w.assess(inv, []*inventory.Inventory{inv}, judges())
	if err != nil || len(r.objected) > 0 {
		t.Fatal(err, r.objected)
	}
	for _, s := range r.plan.Steps {
		if strings.HasPrefix(s.Owner, "etcd/") {
			list = append(list, s.Action.String()+" "+s.ID.String())
		}
	}
	return list
}

// A server reads its certificate at every handshake: a new one costs no restart.
func TestRenewedCertificateRestartsNobody(t *testing.T) {
	w, inv := living(t)
	id := resource.ID{Kind: resource.KindCert, Name: resource.CertName("/etc/etcd", "server.crt", "server.key"), At: host(2)}
	cert, _ := w.specs[id].(resource.Cert)
	cert.Due = true
	w.specs[id] = cert
	got := slices.DeleteFunc(steps(t, w, inv), func(s string) bool { return strings.HasPrefix(s, "=") })
	if want := []string{"~ " + id.String()}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The authority's certificate is read at the start only: another one restarts the members one after
// the other, the leader last.
func TestAnotherAuthorityRollsTheCluster(t *testing.T) {
	w, inv := living(t)
	w.specs[resource.CAOf("pigsty-ca")] = resource.CA{Name: "pigsty-ca", PEM: "another\n", Sum: "another"}
	var got []string
	for _, s := range steps(t, w, inv) {
		if strings.Contains(s, "unit:") || strings.Contains(s, "health:") {
			got = append(got, s)
		}
	}
	want := "= etcdhealth:cluster@etcd, ~ unit:etcd@10.10.10.2, = etcdhealth:etcd-2@etcd, ~ unit:etcd@10.10.10.3, = etcdhealth:etcd-3@etcd, " +
		"~ unit:etcd@10.10.10.1, = etcdhealth:etcd-1@etcd"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}

// A machine that nobody can reach takes nothing away: neither its own place nor anybody's user.
func TestUsersComeWhileAMemberIsOutOfSight(t *testing.T) {
	w, _ := living(t)
	w.down[host(3)] = true
	inv := parse(`all:
  vars: { node_repo_modules: '' }
  children:
    etcd: { hosts: { 10.10.10.1: { etcd_seq: 1 }, 10.10.10.2: { etcd_seq: 2 }, 10.10.10.3: { etcd_seq: 3 } } }
    pg-new: { hosts: { 10.10.10.4: { pg_seq: 1, pg_role: primary } }, vars: { pg_cluster: pg-new } }
`)
	r, err := w.assess(inv, nil, policies.Default())
	if err != nil {
		t.Fatal(err)
	}
	w.walk(r)
	user := resource.ID{Kind: resource.KindEtcdUser, Name: "pg-new", At: "etcd"}
	if w.specs[user] == nil {
		t.Errorf("no user:\n%s", r.text())
	}
	if len(w.members) != 3 {
		t.Errorf("members: %s", w)
	}
}
