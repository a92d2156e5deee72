package inventory

import (
	"testing"
	"testing/fstest"
)

// Only what whoever reads the file can read is open.
func TestOpen(t *testing.T) {
	for text, want := range map[string]struct{ open, elsewhere bool }{
		"plain":           {open: true},
		"123":             {open: true},
		"env:NAME":        {elsewhere: true},
		"file:/run/x":     {elsewhere: true},
		"'env: a word'":   {open: true},
		"'{{ another }}'": {},
		"!vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      3132": {},
	} {
		inv, _, err := Load(fstest.MapFS{"p.yml": {Data: []byte("all:\n  hosts: { 10.0.0.1: {} }\n  vars:\n    x: " + text + "\n")}}, "p.yml")
		if err != nil {
			t.Fatal(text, err)
		}
		v, _ := inv.All().Lookup("x")
		if v.Open() != want.open || v.Elsewhere() != want.elsewhere {
			t.Errorf("%s: open %v, elsewhere %v, want %+v", text, v.Open(), v.Elsewhere(), want)
		}
	}
	if (Value{}).Open() || (Value{}).Elsewhere() {
		t.Error("nothing is open")
	}
}
