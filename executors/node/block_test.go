package node_test

import (
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/resource"
)

var conf = id(resource.KindBlock, "/etc/some.conf#pigsty dns")

const blockOfConf = "# pigsty dns: what stands down to the next such line is written by pigsync\nserver a\n# pigsty dns: end\n"

func TestBlock(t *testing.T) {
	dir := machine(t)
	l := local(t, dir)
	const foreign = "# mine\nserver x\n\n; also mine\n  server y"
	write(t, dir+"/etc/some.conf", foreign)
	if got := see(t, l, conf); got != nil {
		t.Fatalf("got %+v", got)
	}
	for _, c := range []struct {
		want resource.Block
		text string
	}{
		{resource.Block{Text: "server a\n"}, blockOfConf + foreign},
		{resource.Block{Text: "server a\n", Alone: true}, blockOfConf +
			"# mine\n# pigsty dns off: server x\n\n; also mine\n# pigsty dns off:   server y"},
		{resource.Block{Text: "server x\n", Adopt: true}, strings.Replace(blockOfConf, "server a", "server x", 1) + "# mine\n\n; also mine\n  server y"},
	} {
		if err := set(t, l, conf, c.want); err != nil {
			t.Fatal(err)
		}
		if got := text(t, dir+"/etc/some.conf"); got != c.text {
			t.Errorf("%+v: got\n%s", c.want, got)
		}
		if d := c.want.Compare(see(t, l, conf)); len(d) > 0 {
			t.Errorf("%+v: %+v", c.want, d)
		}
	}
	fails(t, set(t, l, conf, resource.Block{Text: "no line"}), "a block is of whole lines")
	fails(t, set(t, l, conf, resource.Block{Text: "# pigsty dns: end\n"}), "none of them is its mark")
}

// Somebody's line that comes beside a lone block is seen, and put out of force.
func TestBlockAlone(t *testing.T) {
	dir := machine(t)
	l := local(t, dir)
	want := resource.Block{Text: "server a\n", Alone: true}
	if err := set(t, l, conf, want); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/etc/some.conf", text(t, dir+"/etc/some.conf")+"server z\n")
	if d := want.Compare(see(t, l, conf)); len(d) != 1 || d[0].Path != "other lines" {
		t.Errorf("got %+v", d)
	}
	if err := set(t, l, conf, want); err != nil {
		t.Fatal(err)
	}
	if err := set(t, l, conf, nil); err != nil {
		t.Fatal(err)
	}
	if got := text(t, dir+"/etc/some.conf"); got != "server z\n" {
		t.Errorf("got %q", got)
	}
}

// Whatever is in a file, a block that goes gives back every byte of it.
func TestBlockGivesBack(t *testing.T) {
	dir := machine(t)
	l := local(t, dir)
	rapid.Check(t, func(r *rapid.T) {
		line := rapid.SampledFrom([]string{"server x\n", "# c\n", "\n", ";\n", "\tserver y\r\n", "end", "# pigsty dns\n"})
		before := strings.Join(rapid.SliceOf(line).Draw(r, "before"), "")
		write(t, dir+"/etc/some.conf", before)
		for range rapid.IntRange(1, 3).Draw(r, "times") {
			want := resource.Block{Text: strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"a\n", "# b\n", "\n"})).Draw(r, "block"), ""), Alone: rapid.Bool().Draw(r, "alone")}
			if have := see(t, l, conf); have == nil || len(want.Compare(have)) > 0 {
				if err := set(t, l, conf, want); err != nil {
					r.Fatal(err)
				}
			}
			if d := want.Compare(see(t, l, conf)); len(d) > 0 {
				r.Fatalf("%+v", d)
			}
		}
		if err := set(t, l, conf, nil); err != nil {
			r.Fatal(err)
		}
		if got := text(t, dir+"/etc/some.conf"); got != before {
			r.Fatalf("got %q, was %q", got, before)
		}
	})
}

// A guarded block that nobody confirms leaves the file as it was, and one that is confirmed goes without
// what stands beside it.
func TestGuardedBlock(t *testing.T) {
	g := newGuardhouse(t)
	path := g.dir + "/etc/resolv.conf"
	write(t, path, "nameserver 10.0.0.1\n")
	dns := id(resource.KindGuarded, "/etc/resolv.conf#pigsty dns")
	want := resource.NewGuarded([]byte("nameserver 10.0.0.9\n"), 0, "", "")
	want.Alone, want.Activate = true, []string{"reload"}
	g.bad = "reload"
	fails(t, set(t, g.l, dns, want), "no luck")
	if got := text(t, path); got != "nameserver 10.0.0.1\n" || g.timers() != 0 {
		t.Errorf("got %q, %d timers", got, g.timers())
	}
	g.bad = ""
	if err := set(t, g.l, dns, want); err != nil {
		t.Fatal(err)
	}
	if d := want.Compare(see(t, g.l, dns)); len(d) > 0 || !strings.Contains(text(t, path), "# pigsty dns off: nameserver 10.0.0.1\n") {
		t.Errorf("%+v: %s", d, text(t, path))
	}
	if err := set(t, g.l, dns, nil); err != nil {
		t.Fatal(err)
	}
	if got := text(t, path); got != "nameserver 10.0.0.1\n" {
		t.Errorf("got %q", got)
	}
	must(t, os.Remove(path))
	must(t, os.Symlink("/run/elsewhere", path))
	fails(t, g.l.Observe(t.Context(), []resource.ID{dns})[dns].Err, "is a symlink, not a file")
}
