package inventory

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const hidden = "hunter2"

// holder keeps a secret where reflection finds it and where it cannot call methods.
type holder struct {
	Open   Secret
	List   []Secret
	Map    map[string]Secret
	Ptr    *Secret
	closed Secret
}

// named has a name, which XML asks for.
type named struct{ S Secret }

func newHolder() holder {
	s := NewSecret(hidden)
	return holder{s, []Secret{s}, map[string]Secret{"k": s}, &s, s}
}

// leaks reports whether text holds the secret in plain, hexadecimal or quoted byte form.
func leaks(text string) bool {
	return strings.Contains(text, hidden) ||
		strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", hidden)) ||
		strings.Contains(text, strings.Trim(fmt.Sprint([]byte(hidden)), "[]"))
}

func TestSecretIsMaskedByEveryVerb(t *testing.T) {
	s := NewSecret(hidden)
	h := newHolder()
	for _, flags := range []string{"", "+", "-", "#", "0", " ", "30", ".3", "+#"} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspwnkyzZ" {
			format := "%" + flags + string(verb)
			if got := fmt.Sprintf(format, s); !strings.ContainsRune("Tpw", verb) && got != "<secret>" {
				t.Errorf("%s: got %q", format, got) // T, p and w never ask the value
			}
			for _, v := range []any{s, &s, h, &h, []any{s}, map[string]any{"x": h}} {
				if got := fmt.Sprintf(format, v); leaks(got) {
					t.Errorf("%s of %T: %s", format, v, got)
				}
			}
		}
	}
	if got := fmt.Sprintln(s, s.String(), s.GoString()); got != "<secret> <secret> <secret>\n" {
		t.Error(got)
	}
}

func TestSecretIsMaskedByEveryEncoder(t *testing.T) {
	h := newHolder()
	encoders := map[string]func() ([]byte, error){
		"json":     func() ([]byte, error) { return json.Marshal(h) },
		"json key": func() ([]byte, error) { return json.Marshal(map[string]any{"a": &h}) },
		"yaml":     func() ([]byte, error) { return yaml.Marshal(h) },
		"xml":      func() ([]byte, error) { return xml.Marshal(named{h.Open}) },
		"gob": func() ([]byte, error) {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(struct{ S Secret }{h.Open})
			return b.Bytes(), err
		},
		"slog text": func() ([]byte, error) {
			var b bytes.Buffer
			slog.New(slog.NewTextHandler(&b, nil)).Info("x", "s", h.Open, "h", h, "p", &h)
			return b.Bytes(), nil
		},
		"slog json": func() ([]byte, error) {
			var b bytes.Buffer
			slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "s", h.Open, "h", h, "p", &h)
			return b.Bytes(), nil
		},
	}
	for name, encode := range encoders {
		got, err := encode()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if leaks(string(got)) || !strings.Contains(string(got), "secret") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestSecret(t *testing.T) {
	s := NewSecret(hidden)
	if s.Reveal() != hidden || s.IsZero() || !s.Equal(NewSecret(hidden)) || s.Equal(NewSecret("x")) {
		t.Error("a secret does not keep its text")
	}
	if zero := (Secret{}); !zero.IsZero() || zero.Reveal() != "" || !zero.Equal(NewSecret("")) || zero.String() != "<secret>" {
		t.Error("the zero secret is not an empty one")
	}
}

// TestNoProblemQuotesASecret gives secrets in every wrong form.
func TestNoProblemQuotesASecret(t *testing.T) {
	for _, value := range []string{"hunter2", "[hunter2]", "{hunter2: 1}", "on", "'{{ hunter2 }}'", "!vault hunter2", "!!int hunter2", "{a: hunter2, a: hunter2}"} {
		inv, problems, err := load("all: {hosts: {10.0.0.1: {pw: " + value + "}}}\n")
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			PW Secret `var:"pw" pattern:"[A-Z]+"`
		}
		b := Bind(inv.Hosts()[0], &v)
		if b.OK() || !v.PW.IsZero() {
			t.Errorf("%s: accepted", value)
		}
		raw, _ := inv.Hosts()[0].Lookup("pw")
		if got := fmt.Sprint(problems, b.Problems, raw, Explain(inv.Hosts()[0], "pw")) + fmt.Sprintf("%+v %#v %s %+v %+v", raw, raw, raw, inv, inv.Hosts()[0]); leaks(got) {
			t.Errorf("%s: %s", value, got)
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", raw, "h", inv.Hosts()[0], "c", Explain(inv.Hosts()[0], "pw"))
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", raw, "c", Explain(inv.Hosts()[0], "pw"))
		if leaks(log.String()) {
			t.Errorf("%s: %s", value, log.String())
		}
	}
}
