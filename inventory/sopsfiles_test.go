package inventory

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestSOPSFilesBesideTheInventory: NAME.sops.yml is read as community.sops reads it. It wins over what Ansible
// itself reads for the same name, and ansible-inventory does not show it.
func TestSOPSFilesBesideTheInventory(t *testing.T) {
	inv, problems, err := Load(fstest.MapFS{
		file:                           {Data: []byte("all: { hosts: { 10.0.0.1: { a: 0 }, 10.0.0.2: {} }, children: { g: { hosts: { 10.0.0.2: } } } }\n")},
		"group_vars/all.yml":           {Data: []byte("a: 1\nb: 1\n")},
		"group_vars/all.sops.yml":      {Data: []byte("b: 2\npg_fs_bkup: /old\n")},
		"group_vars/g.sops.yaml":       {Data: []byte("c: 3\n")},
		"group_vars/other.sops.yml":    {Data: []byte("d: 4\n")},
		"host_vars/10.0.0.1.sops.json": {Data: []byte(`{"a": 5}`)},
	}, file)
	if err != nil {
		t.Fatal(err)
	}
	var strays []string
	for _, p := range problems {
		if p.Code == CodeVarsFile {
			strays = append(strays, p.Error())
		}
	}
	if len(strays) != 1 || !strings.Contains(strays[0], "group_vars/other.sops.yml:1:1: warning: nothing reads this file: there is no group other") {
		t.Errorf("got %v", strays)
	}
	for name, want := range map[string]string{"a": "5", "b": "2", "pg_fs_backup": "/old"} {
		if v, _ := inv.Host("10.0.0.1").Lookup(name); v.String() != want {
			t.Errorf("%s: got %s, want %s", name, v.String(), want)
		}
	}
	if v, _ := inv.Host("10.0.0.2").Lookup("c"); v.String() != "3" {
		t.Errorf("c: got %s", v.String())
	}
	var b strings.Builder
	if err := (Listing{}).Host(&b, inv, "10.0.0.1"); err != nil || strings.Contains(b.String(), "/old") || !strings.Contains(b.String(), `"b": 1`) {
		t.Error(err, b.String())
	}
}
