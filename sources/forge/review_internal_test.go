package forge

import (
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/sources"
)

// Which reviews of a pull request stand, whatever the forge.
func TestStanding(t *testing.T) {
	p := &pull{head: "h", writers: []string{"writer", ""}}
	said := func(by string, minute int, o opinion) review {
		return review{Review: sources.Review{ID: by, By: by, Head: "h", When: time.Unix(int64(minute)*60, 0)}, opinion: o}
	}
	void, stale := said("ann", 1, approves), said("ann", 1, approves)
	void.void, stale.Head = true, "older"
	for _, tt := range []struct {
		name    string
		reviews []review
		want    string
	}{
		{"nobody", nil, ""},
		{"one", []review{said("ann", 1, approves)}, "ann"},
		{"in their order", []review{said("bob", 2, approves), said("ann", 1, approves)}, "ann bob"},
		{"a remark", []review{said("ann", 1, remarks)}, ""},
		{"a remark later takes nothing back", []review{said("ann", 1, approves), said("ann", 2, remarks)}, "ann"},
		{"an objection does", []review{said("ann", 1, approves), said("bob", 1, approves), said("ann", 2, objects)}, "bob"},
		{"until it is settled", []review{said("ann", 1, objects), said("ann", 2, approves)}, "ann"},
		{"a void objection counts all the same", []review{said("ann", 1, approves), {Review: sources.Review{By: "ann", When: time.Unix(90, 0)}, opinion: objects, void: true}}, ""},
		{"dismissed or edited", []review{void}, ""},
		{"of an older commit", []review{stale}, ""},
		{"of who wrote it", []review{said("writer", 1, approves)}, ""},
		{"of nobody", []review{said("", 1, approves)}, ""},
	} {
		var got []string
		for _, r := range standing(p, tt.reviews) {
			got = append(got, r.By)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, s, tt.want)
		}
	}
}

func TestCheck(t *testing.T) {
	good := Config{Kind: "gitea", URL: "https://git.example.com", Repository: "ops/fleet"}
	with := func(f func(*Config)) Config {
		c := good
		f(&c)
		return c
	}
	for part, c := range map[string]Config{
		"":           good,
		"kind":       with(func(c *Config) { c.Kind = "svn" }),
		"url":        with(func(c *Config) { c.URL = "https://ann:secret@git.example.com" }),
		"repository": with(func(c *Config) { c.Repository = "group/ops/fleet" }),
	} {
		if got, err := c.Check(); got != part || (err == nil) != (part == "") {
			t.Errorf("%+v: %q %v, want %q", c, got, err, part)
		}
	}
	if part, err := with(func(c *Config) { c.Kind, c.Repository = "gitlab", "group/ops/fleet" }).Check(); err != nil {
		t.Error(part, err)
	}
}
