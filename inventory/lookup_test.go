package inventory

import (
	"fmt"
	"slices"
	"testing"
)

func TestExpand(t *testing.T) {
	vars := map[string]string{"admin_ip": "10.0.0.9", "a": "${admin_ip}", "": "empty"}
	for in, want := range map[string]string{
		"":                         "",
		"plain $v ${":              "plain $v ${",
		"${admin_ip}":              "10.0.0.9",
		"x${admin_ip}y${admin_ip}": "x10.0.0.9y10.0.0.9",
		"${unknown} ${admin_ip}":   "${unknown} 10.0.0.9",
		"${a}":                     "${admin_ip}", // once only
		"${${admin_ip}}":           "${10.0.0.9}",
		"$${admin_ip}":             "$10.0.0.9",
		"${}":                      "empty",
		"minio-${seq}{1...4}":      "minio-${seq}{1...4}",
	} {
		if got := Expand(in, vars); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestHostExpand(t *testing.T) {
	inv, _, err := load(`all:
  vars: { admin_ip: 10.0.0.9, pg_version: 18, minio_cluster: '{{ x }}' }
  children:
    a:
      vars: { pg_cluster: pg-a }
      hosts: { 10.0.0.1: { minio_seq: 01 } }
`)
	if err != nil {
		t.Fatal(err)
	}
	const in = "${admin_ip} ${pg_cluster}-${pg_version} ${minio_cluster}-${minio_seq} ${ip}"
	if got := inv.Host("10.0.0.1").Expand(in); got != "10.0.0.9 pg-a-18 ${minio_cluster}-1 ${ip}" {
		t.Error(got)
	}
	if got := inv.Group("a").Expand(in); got != "10.0.0.9 pg-a-18 ${minio_cluster}-${minio_seq} ${ip}" {
		t.Error(got)
	}
}

func TestScopes(t *testing.T) {
	inv := mustLoad(t, `all:
  vars: { x: all, only: all }
  children:
    a:
      vars: { x: a }
      hosts: { 10.0.0.1: { x: host }, 10.0.0.10: , 10.0.0.2: }
      children: { b: { hosts: { 10.0.0.2: } } }
    c: { hosts: { 10.0.0.1: }, vars: { only: c } }
`)
	h := inv.Host("10.0.0.1")
	got := ""
	for _, scope := range []Scope{h, inv.Group("a"), inv.Group("b"), inv.All()} {
		x, _ := scope.Lookup("x")
		only, _ := scope.Lookup("only")
		got += x.String() + only.String() + " "
	}
	if got != "hostc aall aall allall " {
		t.Error(got)
	}
	if _, ok := h.Lookup("nothing"); ok {
		t.Error("found what nobody wrote")
	}
	var addrs []string
	for _, h := range inv.Hosts() {
		addrs = append(addrs, h.Addr)
	}
	if !slices.Equal(addrs, []string{"10.0.0.1", "10.0.0.2", "10.0.0.10"}) {
		t.Error("hosts are not in the order of their addresses:", addrs)
	}
	if h := inv.Host("10.0.0.2"); !h.In("b") || !h.In("a") || !h.In("all") || h.In("c") || h.PosIn("b").Column != 33 || h.PosIn("c") != h.Pos {
		t.Error(h.Groups(), h.PosIn("b"))
	}
	var names []string
	for _, g := range inv.Host("10.0.0.2").Groups() {
		names = append(names, g.Name)
	}
	if !slices.Equal(names, []string{"a", "b"}) {
		t.Error("10.0.0.2 is in", names)
	}
	if inv.Group("z") != nil || inv.Host("10.9.9.9") != nil || inv.File() != file {
		t.Error("found what is not there")
	}
}

func TestGroupAt(t *testing.T) {
	inv := mustLoad(t, `all:
  children:
    a:
      hosts: { 10.0.0.1: { x: 1 } }
      children: { b: { vars: { x: 1 }, hosts: 10.0.0.2 }, c: { hosts: 10.0.0.2 } }
      vars: { x: 2 }
  vars: { x: 3 }
`)
	pos := inv.Hosts()[0].Pos
	for place, want := range map[[2]int]string{{1, 1}: "all", {4, 28}: "a", {5, 32}: "b", {5, 60}: "c", {6, 15}: "a", {7, 11}: "all", {9, 1}: "all"} {
		pos.Line, pos.Column = place[0], place[1]
		if got := inv.GroupAt(pos); got != want {
			t.Errorf("%s: got %q, want %q", pos, got, want)
		}
	}
	pos.Filename = "other.yml"
	if got := inv.GroupAt(pos); got != "" {
		t.Error(got)
	}
}

func TestCheck(t *testing.T) {
	inv, _, err := load(`all:
  vars: { admin_ipp: 1, ansible_user: x, pg_shared_libraries: x, mongo_seq: 1 }
  hosts: { 10.0.0.1: { cpu: 2, mem: 4, image: x, pg_cluster: a, my_app_key: 1, pg-cluster: x, etcd_esq: 1 } }
`)
	if err != nil {
		t.Fatal(err)
	}
	want := "[pigsty.yml:2:11: warning: unknown parameter admin_ipp: did you mean admin_ip? " +
		"pigsty.yml:3:65: warning: unknown parameter my_app_key " +
		"pigsty.yml:3:80: warning: unknown parameter pg-cluster: did you mean pg_cluster? " +
		"pigsty.yml:3:95: warning: unknown parameter etcd_esq: did you mean etcd_seq?]"
	if got := fmt.Sprint(Check(inv)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if left := NewKnown("my_app_key", "admin_ipp", "pg-cluster", "etcd_esq").Check(inv); len(left) > 0 {
		t.Error(left)
	}
}

func TestParameters(t *testing.T) {
	params := Parameters()
	if len(params) != 603 || !slices.IsSortedFunc(params, func(a, b Parameter) int { return cmpString(a.Name, b.Name) }) {
		t.Error(len(params))
	}
	k := NewKnown()
	want := Parameter{"etcd_port", "ETCD", "port", "C", "2379", "current"}
	if p, ok := k.Lookup("etcd_port"); !ok || p != want || p.Secret() || p.Legacy() {
		t.Errorf("%+v", p)
	}
	if p, _ := k.Lookup("pg_admin_password"); !p.Secret() {
		t.Error("a password is no secret")
	}
	if p, _ := k.Lookup("pg_sindex"); !p.Legacy() || p.Status != "legacy:pg_group" {
		t.Errorf("%+v", p)
	}
	if _, ok := k.Lookup("etcd_prot"); ok {
		t.Error("knows what is not there")
	}
}

func cmpString(a, b string) int { return slices.Compare([]byte(a), []byte(b)) }

func TestNearest(t *testing.T) {
	names := []string{"pg_port", "pg_role", "pg_cluster", "minio_cluster", "a"}
	for name, want := range map[string]string{
		"pg_prot": "pg_port", "pgport": "pg_port", "pg_rolee": "pg_role", "pg_cluter": "pg_cluster", "pg_clutser": "pg_cluster", "pg_clustrx": "pg_cluster",
		"pg_part": "pg_port", "pg_xxrt": "", "zz": "", "minio_clst": "", "pg_port": "",
	} {
		if got, ok := nearest(name, names); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
