package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/rogpeppe/go-internal/testscript"
)

// The helper of the stories is only ever brought to their machines: what answers there is node.Serve itself.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"pigsync": main, helperName: func() { os.Exit(1) }})
}

// TestScripts runs every story of testdata/script; each has a fleet of its own.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			story(t, file)
		})
	}
}

func story(t *testing.T, file string) {
	f := &fleet{t: t}
	testscript.Run(t, testscript.Params{
		Files:               []string{file},
		UpdateScripts:       *modtest.Update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               f.setup,
		Condition:           condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"nodes":  f.nodes,
			"down":   f.down,
			"use":    f.use,
			"commit": f.commit,
			"expand": expand,
			"tamper": tamper,
			"digest": digest,
			"await":  await,
			"push":   push,
			"term":   terminate,
			"hup":    hangUp,
			"steady": steady,
		},
	})
}

// condition knows soak: the long stories are wanted, too.
func condition(name string) (bool, error) {
	if name != "soak" {
		return false, fmt.Errorf("there is no condition %q", name)
	}
	return os.Getenv("PIGSYNC_SOAK") == "1", nil
}

// exits runs a command and compares its exit status: exits 2 pigsync plan.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND...")
	}
	got := 0
	var ended *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &ended):
		got = ended.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%s: exit status %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// steady replaces in a file what is another on every run (times, digests of directories, addresses)
// by a word, so that it can be compared: steady stdout out.
func steady(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: steady FROM TO")
	}
	text := ts.ReadFile(args[0])
	text = strings.ReplaceAll(text, ts.Getenv("WORK"), "$WORK")
	for word, pattern := range changing {
		text = pattern.ReplaceAllString(text, word)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// expand replaces $NAMEs in a file of the story.
func expand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: expand FILE")
	}
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// tamper changes a word in every journal below a directory: tamper state old new.
func tamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: tamper DIRECTORY OLD NEW")
	}
	files, err := filepath.Glob(ts.MkAbs(args[0]) + "/inventories/*/journal/*.jsonl")
	if err != nil || len(files) == 0 {
		ts.Fatalf("no journal: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		ts.Check(err)
		ts.Check(os.WriteFile(file, []byte(strings.ReplaceAll(string(text), args[1], args[2])), 0o600))
	}
}

// digest keeps the digest of the plan that was printed: digest stdout NAME.
func digest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: digest FILE NAME")
	}
	found := regexp.MustCompile(`(?m)^plan ([0-9a-f]+): `).FindStringSubmatch(ts.ReadFile(args[0]))
	if found == nil {
		ts.Fatalf("no plan in %s", args[0])
	}
	ts.Setenv(args[1], found[1])
}

// terminate asks whatever runs in the background to end, as systemd does.
func terminate(ts *testscript.TestScript, neg bool, args []string) {
	signalled(ts, neg, args, syscall.SIGTERM)
}

// hangUp makes every daemon read its configuration again.
func hangUp(ts *testscript.TestScript, neg bool, args []string) {
	signalled(ts, neg, args, syscall.SIGHUP)
}

func signalled(ts *testscript.TestScript, neg bool, args []string, sig syscall.Signal) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: term or hup")
	}
	for _, cmd := range ts.BackgroundCmds() {
		if filepath.Base(cmd.Path) == "pigsync" {
			ts.Check(cmd.Process.Signal(sig))
		}
	}
}
