package main

import (
	"regexp"
	"testing"
)

// Without a configuration a daemon is only to be heard on this machine.
func TestSettingsOfAnInventory(t *testing.T) {
	o := &options{env: env{getenv: func(string) string { return "" }}, inventory: "x.yml", state: t.TempDir()}
	c, err := o.settings()
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != defaultListen {
		t.Errorf("listens on %q", c.Listen)
	}
	o.listen = "127.0.0.1:1"
	if c, err = o.settings(); err != nil || c.Listen != o.listen {
		t.Errorf("listens on %q: %v", c.Listen, err)
	}
}

func TestNameOf(t *testing.T) {
	seen := map[string]string{}
	for _, path := range []string{"/a/pigsty.yml", "/b/pigsty.yml", "/a/Prod Berlin.yaml", "/", "/…", "/a.b.c"} {
		name := nameOf(path)
		if !nameOfInventory.MatchString(name) || !regexp.MustCompile(`[0-9a-f]{8}$`).MatchString(name) || seen[name] != "" {
			t.Errorf("%s is called %q, as is %q", path, name, seen[name])
		}
		seen[name] = path
	}
}
