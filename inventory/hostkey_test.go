package inventory

import (
	"fmt"
	"strings"
	"testing"
)

func TestHostKeys(t *testing.T) {
	cases := []struct{ key, want string }{
		{"10.0.0.1", "10.0.0.1"},
		{"10.10.10.[11:13]", "10.10.10.11 10.10.10.12 10.10.10.13"},
		{"10.10.10.[1:9:4]", "10.10.10.1 10.10.10.5 10.10.10.9"},
		{"10.10.10.[:2]", "10.10.10.0 10.10.10.1 10.10.10.2"},
		{"n[08:11]", "n08 n09 n10 n11"},
		{"n[a:c]", "na nb nc"},
		{"n[y:B]", "ny nz nA nB"},
		{"n[a:g:3]", "na nd ng"},
		{"10.[0:1].0.[1:2]", "10.0.0.1 10.0.0.2 10.1.0.1 10.1.0.2"},
		{"2001:db8::[1:2]", "2001:db8::1 2001:db8::2"},
		{"10.0.0.1:22", "10.0.0.1 port 22"},
		{"10.0.0.[1:2]:022", "10.0.0.1 10.0.0.2 port 22"},
		{"[2001:db8::1]:22", "2001:db8::1 port 22"},
		{"db-1.example:5432", "db-1.example port 5432"},
		{"-a:22", "-a:22"},
		{"2001:db8::1", "2001:db8::1"},
		{"n[2:1]", "the range ends before it begins"},
		{"n[1:]", "a range needs an end"},
		{"n[1]", "a range is [begin:end] or [begin:end:step]"},
		{"n[1:2:3:4]", "a range is [begin:end] or [begin:end:step]"},
		{"n[1:2", "a range is [begin:end] or [begin:end:step]"},
		{"n[01:2]", "a range with leading zeros needs a begin and an end of the same length"},
		{"n[1:2:0]", "the step of a range is a whole number of at least 1"},
		{"n[1:x]", "a range is of numbers or of letters"},
		{"n[1:99999999]", "more than 65536 hosts"},
		{"n[1:999][1:999]", "more than 65536 hosts"},
	}
	for _, c := range cases {
		names, port, err := hostKeys(c.key)
		got := strings.Join(names, " ")
		if port != "" {
			got += " port " + port
		}
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.key, got, c.want)
		}
	}
}

// Every host of a range has the variables that are written once, at the one place.
func TestRange(t *testing.T) {
	inv := mustLoad(t, "all: {hosts: {'10.0.0.[1:3]': {a: 1}, 10.0.0.2: {a: 2}}}\n")
	var got []string
	for _, h := range inv.Hosts() {
		v, _ := h.Lookup("a")
		got = append(got, fmt.Sprintf("%s a=%s at %s", h.Addr, v, h.Pos))
	}
	want := "10.0.0.1 a=a whole number at pigsty.yml:1:35 at pigsty.yml:1:15"
	if len(got) != 3 || got[0] != want {
		t.Errorf("got %q, want first %q of three", got, want)
	}
	if v, _ := inv.Host("10.0.0.2").Lookup("a"); v.String() != "2" {
		t.Error("the later mention does not win:", v.String())
	}
}

func TestHostsAreBounded(t *testing.T) {
	inv, problems, err := load("all:\n  hosts:\n    10.0.[0:255].[0:254]:\n    10.1.[0:255].[0:254]:\n    10.0.0.1:\n")
	if err != nil || len(problems) != 1 || len(inv.Hosts()) != 256*255 {
		t.Fatal(len(inv.Hosts()), problems, err)
	}
	want := "pigsty.yml:4:5: more than 100000 hosts: these and what follows are not read"
	if problems[0].Error() != want {
		t.Errorf("got %s, want %s", problems[0], want)
	}
}
