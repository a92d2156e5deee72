package main

import (
	"bytes"
	"strings"
	"testing"
)

// The policies that are shipped as an example say what the example says they do.
func TestExamplesOfPolicies(t *testing.T) {
	const dir = "../../examples/policies/"
	var out bytes.Buffer
	e := env{
		args: []string{"policy", "test", dir + "cases.yml", "--config", dir + "pigsync.yml"}, stdin: strings.NewReader(""),
		stdout: &out, stderr: &out, getenv: func(string) string { return "" },
	}
	if status := run(t.Context(), e); status != exitOK {
		t.Errorf("exit status %d:\n%s", status, out.String())
	}
}
