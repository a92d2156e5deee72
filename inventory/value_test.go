package inventory

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"
)

// TestScalars holds what PyYAML makes of unquoted text, as its resolver and constructors say.
func TestScalars(t *testing.T) {
	cases := []struct {
		text string
		kind Kind
		want any
	}{
		{"yes", Bool, true}, {"No", Bool, false}, {"ON", Bool, true}, {"off", Bool, false}, {"True", Bool, true},
		{"oN", String, "oN"}, {"y", String, "y"}, {"n", String, "n"}, {"none", String, "none"},
		{"~", Null, nil}, {"null", Null, nil}, {"NULL", Null, nil}, {"", Null, nil}, {"nULL", String, "nULL"},
		{"0", Int, int64(0)}, {"01", Int, int64(1)}, {"010", Int, int64(8)}, {"-010", Int, int64(-8)}, {"+7", Int, int64(7)},
		{"08", String, "08"}, {"0o10", String, "0o10"}, {"0x1F", Int, int64(31)}, {"0b101", Int, int64(5)}, {"1_000", Int, int64(1000)},
		{"0x", String, "0x"}, {"0b2", String, "0b2"}, {"0x_", String, "0x_"}, {"_1", String, "_1"}, {"-", String, "-"}, {"+", String, "+"},
		{"1:30", Int, int64(90)}, {"1:2:3", Int, int64(3723)}, {"-1:30", Int, int64(-90)}, {"1:60", String, "1:60"}, {"01:30", String, "01:30"}, {"1:", String, "1:"},
		{"1.5", Float, 1.5}, {"-1.5", Float, -1.5}, {"1.", Float, 1.0}, {".5", Float, 0.5}, {"+.5", String, "+.5"}, {".", String, "."}, {"._1", String, "._1"},
		{"1e3", String, "1e3"}, {"1.0e3", String, "1.0e3"}, {"1.0e+3", Float, 1000.0}, {"1.5E-1", Float, 0.15}, {"1_0.5_0", Float, 10.5}, {"1.e+2", Float, 100.0},
		{".inf", Float, math.Inf(1)}, {"-.INF", Float, math.Inf(-1)}, {".iNF", String, ".iNF"}, {"-.nan", String, "-.nan"},
		{"10.0.0.1", String, "10.0.0.1"}, {"2001:db8::1", String, "2001:db8::1"}, {"2024-01-02", String, "2024-01-02"}, {"v1.2", String, "v1.2"},
		{"18446744073709551616", Int, math.Pow(2, 64)},
	}
	for _, c := range cases {
		n := &node{kind: plainKind(c.text), text: c.text}
		if got := plain(n); n.kind != c.kind || got != c.want {
			t.Errorf("%q: got %s %v, want %s %v", c.text, n.kind, got, c.kind, c.want)
		}
	}
	if n := valueOf(t, "'off'"); n.Kind() != String {
		t.Error("quoted text is", n.Kind())
	}
}

func valueOf(t *testing.T, text string) Value {
	t.Helper()
	inv, _, err := load("all: {hosts: {10.0.0.1: {x: " + text + "}}}\n")
	if err != nil {
		t.Fatal(err)
	}
	v, _ := inv.Hosts()[0].Lookup("x")
	return v
}

func TestValueText(t *testing.T) {
	for text, want := range map[string]string{
		"abc": "abc", "010": "8", "0x10": "16", "1.10": "1.1", "2.": "2.0", "1.0e+20": "1e+20", ".00001": "1e-05", "1_0": "10",
		"18446744073709551616": "18446744073709551616", "-.inf": "-inf", ".nan": "nan", "~": "", "'010'": "010", "!!str 010": "010",
	} {
		v := valueOf(t, text)
		if got, err := v.Text(); err != nil || got != want || v.String() != want {
			t.Errorf("%s: got %q, %v and %q, want %q", text, got, err, v.String(), want)
		}
	}
	for text, want := range map[string]string{
		"on":        "pigsty.yml:1:29: x: want text, got the boolean on",
		"[a]":       "pigsty.yml:1:29: x: want text, got a list",
		"'{{ a }}'": "pigsty.yml:1:29: x: a is undefined (on 10.0.0.1)",
	} {
		if _, err := valueOf(t, text).Text(); err == nil || err.Error() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	if s := valueOf(t, "on").String(); s != "true" {
		t.Error(s)
	}
	if s := valueOf(t, "'{{ a }}'").String() + valueOf(t, "[a]").String() + (Value{}).String(); s != "" {
		t.Error(s)
	}
}

func TestValueNumbers(t *testing.T) {
	for text, want := range map[string]int{"12": 12, "'12'": 12, "'012'": 12, "012": 10, "-3": -3} {
		if got, err := valueOf(t, text).Int(); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for text, want := range map[string]float64{"12": 12, "'1.5'": 1.5, ".5": 0.5} {
		if got, err := valueOf(t, text).Float(); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"x", "''", "~", "on", ".inf", "'inf'", "'nan'", "[1]"} {
		if got, err := valueOf(t, text).Float(); err == nil {
			t.Errorf("%s: accepted as %v", text, got)
		}
		if got, err := valueOf(t, text).Int(); err == nil {
			t.Errorf("%s: accepted as %v", text, got)
		}
	}
	for text, want := range map[string]bool{"on": true, "'off'": false, "1": true, "'0'": false, "TRUE": true} {
		if got, err := valueOf(t, text).Bool(); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestValueParts(t *testing.T) {
	v := valueOf(t, "{b: [1, {c: d}], a: }")
	entries, err := v.Map()
	if err != nil || len(entries) != 2 || entries[0].Key.String() != "b" || !entries[1].Value.IsNull() {
		t.Fatal(entries, err)
	}
	b, ok := v.Lookup("b")
	items, err := b.List()
	if !ok || err != nil || len(items) != 2 {
		t.Fatal(items, err)
	}
	c, ok := items[1].Lookup("c")
	if !ok || c.Name() != "x.b[1].c" || c.Pos.Column != 41 || c.KeyPos().Column != 38 || v.KeyPos().Column != 26 {
		t.Error(c.Name(), c.Pos, c.KeyPos(), v.KeyPos())
	}
	if _, ok := v.Lookup("z"); ok {
		t.Error("found a key that is not there")
	}
	if none, err := valueOf(t, "~").List(); err != nil || len(none) != 0 {
		t.Error("null is no empty list:", none, err)
	}
	if _, err := v.List(); err == nil || err.Error() != "pigsty.yml:1:29: x: want a list, got a mapping" {
		t.Error(err)
	}
	if _, err := b.Map(); err == nil || err.Error() != "pigsty.yml:1:33: x.b: want a mapping, got a list" {
		t.Error(err)
	}
}

func TestValuePrintsNoContent(t *testing.T) {
	v := valueOf(t, "hunter2")
	text, err := json.Marshal(v)
	want := "text at pigsty.yml:1:29"
	if got := fmt.Sprintf("%v|%s|%+v|%#v", v, v, v, v); got != want+"|"+want+"|"+want+"|"+want {
		t.Error(got)
	}
	if err != nil || string(text) != `"`+want+`"` {
		t.Error(string(text), err)
	}
}

func TestZeroValue(t *testing.T) {
	var v Value
	if !v.IsZero() || !v.IsNull() || v.Kind() != Null || v.Any() != nil || v.Unevaluated() || v.KeyPos().Line != 0 {
		t.Error("the zero value is something")
	}
	if _, err := v.Int(); err == nil {
		t.Error("nothing is a number")
	}
}

func TestIntervals(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"7300d": 7300 * day, "24h": 24 * time.Hour, "397d": 397 * day, "15": 15 * time.Second, "0": 0, "-5": -5 * time.Second,
		"1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute, "500ms": 500 * time.Millisecond, "1y": 365 * day, "2w": 14 * day, "10min": 10 * time.Minute, "0.5": time.Second / 2,
	} {
		if got, ok := parseInterval(text); !ok || got != want {
			t.Errorf("%s: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "-", "h", "1 h", "1x", "1.2.3s", "1e3", "0x10", "inf", "nan", "9999999d", "290y290y", "--1s", "1h-1m"} {
		if got, ok := parseInterval(text); ok {
			t.Errorf("%q: accepted as %v", text, got)
		}
	}
}

func TestTags(t *testing.T) {
	for text, want := range map[string]any{
		"!!str 010": "010", "!!int '010'": int64(8), "!!bool 'off'": false, "!!null ''": nil, "!unsafe '{{ x }}'": "{{ x }}",
	} {
		v := valueOf(t, text)
		if got := v.Any(); got != want || v.Unevaluated() {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
	if f, err := valueOf(t, "!!float 3").Float(); err != nil || f != 3 {
		t.Error(f, err)
	}
	s, err := valueOf(t, "hunter2").Secret()
	if err != nil || s.Reveal() != "hunter2" {
		t.Error(err)
	}
	if v := valueOf(t, "{a: b}"); v.Expand("${admin_ip}") != "${admin_ip}" {
		t.Error("a mapping knows placeholders")
	}
}
