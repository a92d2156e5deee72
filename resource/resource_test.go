package resource_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/resource"
)

func TestParseIDIsTheInverseOfString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := resource.ID{
			Kind: resource.Kind(rapid.StringMatching(`[a-z]+`).Draw(t, "kind")),
			Name: rapid.StringMatching(`[ -~]+`).Draw(t, "name"),
			At:   rapid.StringMatching(`[0-9a-z.:-]+`).Draw(t, "at"),
		}
		got, err := resource.ParseID(id.String())
		if err != nil || got != id {
			t.Fatalf("%q: got %+v, %v", id, got, err)
		}
	})
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{"unit:etcd@10.10.10.11", "file:/a@b@fe80::1", "", ":@", "a:b@", "a@b:c@d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := resource.ParseID(s); err == nil && id.String() != s {
			t.Errorf("%q was read as %q", s, id)
		}
	})
}

func TestParseIDRefuses(t *testing.T) {
	for _, s := range []string{"", "unit", "unit:etcd", "unit:etcd@", ":etcd@a", "unit:@a", "a@b:c@d"} {
		if id, err := resource.ParseID(s); err == nil {
			t.Errorf("%q was read as %+v", s, id)
		}
	}
}

func TestSetNamesBothPlaces(t *testing.T) {
	var s resource.Set
	r := resource.Resource{ID: resource.FactsOf("a")}
	r.Origin.Filename, r.Origin.Line, r.Origin.Column = "pigsty.yml", 3, 9
	if err := s.Add(r); err != nil {
		t.Fatal(err)
	}
	err := s.Add(r)
	if err == nil || !strings.Contains(err.Error(), "pigsty.yml:3:9") {
		t.Errorf("got %v", err)
	}
}

func TestHazardTextRoundTrips(t *testing.T) {
	for h := range resource.Hazard(64) {
		var got resource.Hazard
		b, _ := h.MarshalText()
		if err := got.UnmarshalText(b); err != nil || got != h {
			t.Errorf("%s: got %s, %v", h, got, err)
		}
	}
	var h resource.Hazard
	if h.UnmarshalText([]byte("boom")) == nil {
		t.Error("an unknown hazard was read")
	}
}

const canary = "c4n4ry-secret"

// Nothing that prints or encodes may show a secret or the content of a file.
func TestSecretsNeverShow(t *testing.T) {
	secret := resource.NewSecret(canary)
	file := resource.NewFile([]byte(canary), 0o600, "root", "root")
	file.Secret = true
	user := resource.EtcdUser{Password: secret}
	place := resource.EtcdPlace{Passwords: []resource.Secret{secret}, Logins: map[string]resource.Secret{"root": secret}}
	old := resource.NewFile([]byte(canary+"-old"), 0o600, "root", "root")
	values := []any{
		secret, &secret, file, &file, user, place, resource.NewRepo([]byte(canary)),
		file.Compare(nil), file.Compare(old), user.Compare(nil), user.Compare(resource.EtcdUser{}),
		errors.New(fmt.Sprint(user)),
	}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			// %#v walks unexported fields of plain structs, so the types must format themselves.
			if out := fmt.Sprintf(verb, v); shows(out) {
				t.Errorf("%s of %T shows it: %s", verb, v, out)
			}
		}
		if b, err := json.Marshal(v); err != nil || shows(string(b)) {
			t.Errorf("json of %T: %s, %v", v, b, err)
		}
	}
}

func shows(s string) bool {
	return strings.Contains(s, canary) || strings.Contains(s, fmt.Sprintf("%x", canary))
}

func TestEncodeDecodeRoundTrips(t *testing.T) {
	specs := []resource.Spec{
		resource.Facts{Hostname: "a", NICs: []resource.NIC{{Name: "x", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/8")}}}}, resource.NewFile([]byte("x\n\xff"), 0o644, "a", "b"),
		resource.Dir{Mode: 0o755, Vacant: true}, resource.Link{Target: "/x"},
		resource.Lines{Lines: []string{"a", "b"}}, resource.NewHostname("a"), resource.NewRepo([]byte("deb x")),
		resource.Package{Name: "etcd", Version: "3"}, resource.Trust{PEM: "x", Bundled: true},
		resource.Group{GID: 3}, resource.User{Groups: []string{"a"}}, resource.Cert{CN: "x", Names: []string{"a"}},
		resource.Unit{Active: true, Conf: "c", Loads: []resource.Load{{Path: "/a", Skip: "initial-"}, {Path: "/b", Conf: true}}},
		resource.Newest{Installed: "1", Offered: "2"}, resource.PyEnv{Packages: []string{"a==1"}}, resource.Sysctl{Value: "1 2"}, resource.KernelModule{}, resource.Timezone{Name: "UTC"},
		resource.NewFirewall([]string{"10.0.0.0/8"}, []int{22}), resource.NewSELinux("permissive"), resource.KernelArg{Kept: true},
		resource.NoSwap{Kept: []string{"a"}}, resource.ReadAhead{KB: 3}, resource.Tuned{Profile: "oltp", Settings: map[string]string{"a.b": "1"}},
		resource.NewGuarded([]byte("x\n\xff"), 0o600, "a", "b"), resource.Sources{Files: []string{"/a"}, Active: []string{"/b"}},
		resource.Block{Text: "x\n", Alone: true, Live: true}, resource.SSHKey{Mode: 0o600, Public: "ssh-ed25519 AAAA", Published: true},
		resource.PGDrained{Out: []string{"pg-test-2"}, Still: []string{"pg-test-1"}},
	}
	for _, want := range specs {
		b, err := resource.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := resource.Decode(want.Kind(), b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v", want.Kind(), got, err)
		}
	}
	if len(specs) != len(resource.NodeKinds) {
		t.Errorf("%d kinds tried of %d", len(specs), len(resource.NodeKinds))
	}
	if _, err := resource.Decode("nonsense", []byte("{}")); err == nil {
		t.Error("an unknown kind was decoded")
	}
}

// What is compared with itself has no differences: every kind.
func TestCompareWithItselfIsEmpty(t *testing.T) {
	specs := []resource.Spec{
		resource.NewFile([]byte("x"), 0o644, "a", "b"), resource.Dir{Mode: 0o755, Owner: "x", Vacant: true},
		resource.Dir{}, resource.Link{Target: "/x"}, resource.Lines{Lines: []string{"a"}}, resource.NewHostname("a"),
		resource.NewRepo([]byte("deb x")), resource.Package{Version: "3"}, resource.Package{}, resource.Sources{Files: []string{"/a"}, Active: []string{"/a"}},
		resource.Trust{PEM: "x", Bundled: true}, resource.Group{}, resource.User{Groups: []string{"b", "a"}},
		resource.Cert{CN: "x", Names: []string{"a"}, Matched: true, Mode: 0o644},
		resource.Unit{Active: true, Enabled: true, Inputs: "a", Noted: true}, resource.Unit{},
		resource.CA{Name: "a"}, resource.EtcdMember{PeerURL: "x"}, resource.EtcdVoter{},
		resource.EtcdHealth{Healthy: true}, resource.EtcdAuth{Enabled: true},
		resource.EtcdUser{Password: resource.NewSecret("x"), Roles: []string{"b", "a"}},
		resource.EtcdRole{Prefixes: []string{"/b", "/a"}},
		resource.Newest{}, resource.PyEnv{Packages: []string{"a", "b==1", "c>=2"}}, resource.Sysctl{}, resource.KernelModule{}, resource.Timezone{Name: "UTC"},
		resource.Block{Text: "x\n", Alone: true}, resource.Block{}, resource.SSHKey{Mode: 0o600, Published: true},
		resource.NewGuarded([]byte("x"), 0o600, "a", "b"), resource.Guarded{},
	}
	for _, s := range specs {
		if d := s.Compare(s); len(d) != 0 {
			t.Errorf("%T: %v", s, d)
		}
	}
}

func TestCompareNamesTheHazard(t *testing.T) {
	running := resource.Unit{Active: true, Enabled: true, Inputs: "old", Noted: true}
	tests := []struct {
		name       string
		want, have resource.Spec
		paths      string
		hazard     resource.Hazard
	}{
		{"a unit is started", resource.Unit{Active: true}, resource.Unit{}, "active", 0},
		{"a unit is stopped", resource.Unit{Enabled: true}, running, "active", resource.Restart},
		{"new inputs", resource.Unit{Active: true, Enabled: true, Inputs: "new"}, running, "inputs", resource.Restart},
		{"new conf", resource.Unit{Active: true, Enabled: true, Inputs: "old", Conf: "new"}, running, "conf", resource.Reload},
		{"new inputs and conf", resource.Unit{Active: true, Enabled: true, Inputs: "new", Conf: "new"}, running, "inputs", resource.Restart},
		{"a guarded file", resource.NewGuarded([]byte("x"), 0, "", ""), resource.NewGuarded([]byte("y"), 0, "", ""), "content", resource.Reload},
		{"nobody confirmed", resource.NewGuarded([]byte("x"), 0, "", ""), resource.Guarded{Sum: resource.NewGuarded([]byte("x"), 0, "", "").Sum}, "confirmed", 0},
		{"a hand-made restart", resource.Unit{Active: true, Enabled: true, Inputs: "old"},
			resource.Unit{Active: true, Enabled: true, Inputs: "old"}, "noted", 0},
		{"inputs of what does not run", resource.Unit{Active: true, Inputs: "new"}, resource.Unit{Inputs: "old"}, "active", 0},
		{"owner of a file", resource.NewFile(nil, 0o644, "etcd", ""), resource.NewFile(nil, 0o644, "root", "root"), "owner", 0},
		{"old data in the way", resource.Dir{Vacant: true}, resource.Dir{}, "contents", resource.DataLoss},
		{"a lost member", resource.EtcdMember{PeerURL: "a", Lost: "1"}, resource.EtcdMember{PeerURL: "a", MemberID: "1"}, "member", resource.Topology},
		{"a replaced member", resource.EtcdMember{PeerURL: "a", Lost: "1"}, resource.EtcdMember{PeerURL: "a", MemberID: "2"}, "", 0},
		{"extra groups are nobody's business", resource.User{Groups: []string{"a"}}, resource.User{Groups: []string{"a", "b"}}, "", 0},
		{"any version", resource.Package{}, resource.Package{Version: "1"}, "", 0},
	}
	for _, tt := range tests {
		var paths []string
		var hazard resource.Hazard
		for _, f := range tt.want.Compare(tt.have) {
			paths, hazard = append(paths, f.Path), hazard|f.Hazard
		}
		if got := strings.Join(paths, " "); got != tt.paths || hazard != tt.hazard {
			t.Errorf("%s: got %q with %s", tt.name, got, hazard)
		}
	}
}

func TestCertPaths(t *testing.T) {
	cert, key, ok := resource.CertPaths(resource.CertName("/etc/etcd", "server.crt", "server.key"))
	if !ok || cert != "/etc/etcd/server.crt" || key != "/etc/etcd/server.key" {
		t.Errorf("got %s, %s, %v", cert, key, ok)
	}
	for _, name := range []string{"", "/a/b", "/a/{b}", "/a/{b,}", "/a/{,b}"} {
		if _, _, ok := resource.CertPaths(name); ok {
			t.Errorf("%q was read as a pair", name)
		}
	}
}

func TestPlacesMergeKeepsTheNewestFirst(t *testing.T) {
	a := resource.Places{
		Nodes: []resource.NodePlace{{At: "1", Port: 22}},
		Etcd:  []resource.EtcdPlace{{At: "etcd", Endpoints: []resource.Endpoint{{Addr: "1:2379"}}, Passwords: []resource.Secret{resource.NewSecret("new")}}},
	}
	b := resource.Places{
		Nodes: []resource.NodePlace{{At: "1", Port: 99}, {At: "2"}},
		Etcd: []resource.EtcdPlace{{At: "etcd", Endpoints: []resource.Endpoint{{Addr: "1:2379"}, {Addr: "2:2379"}},
			Passwords: []resource.Secret{resource.NewSecret("old"), resource.NewSecret("new")}}},
	}
	m := a.Merge(b)
	if len(m.Nodes) != 2 || m.Nodes[0].Port != 22 {
		t.Errorf("nodes: %+v", m.Nodes)
	}
	e := m.Etcd[0]
	if len(m.Etcd) != 1 || len(e.Endpoints) != 2 || len(e.Passwords) != 2 || e.Passwords[1].Reveal() != "old" {
		t.Errorf("etcd: %+v", m.Etcd)
	}
	if len(a.Etcd[0].Endpoints) != 1 {
		t.Error("merging changed its operand")
	}
}
