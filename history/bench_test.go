package history_test

import (
	"os"
	"testing"
	"time"

	"github.com/pigsync/pigsync/history"
)

func BenchmarkAppend(b *testing.B) {
	j := open(b, b.TempDir(), history.Options{Now: time.Now})
	r := result("x", "")
	b.ReportAllocs()
	for b.Loop() {
		if err := j.Append(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen reads a journal of 16 MiB: rounds with a plan of 200 steps, all of them run.
func BenchmarkOpen(b *testing.B) {
	dir := history.Memory(b)
	j := open(b, dir, history.Options{MaxBytes: 1 << 40})
	fill(b, j, dir)
	j.Close()
	info, err := os.Stat(files(b, dir)[0])
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		open(b, dir, history.Options{}).Close()
	}
}

func fill(b *testing.B, j *history.Journal, dir string) {
	p := planned("allow", "")
	for range 199 {
		p.Steps = append(p.Steps, p.Steps[0])
	}
	for round := 0; ; round++ {
		p.Digest = time.Duration(round).String()
		tell(b, j, p)
		for range p.Steps {
			tell(b, j, history.Intent{Revision: "a", Plan: p.Digest, Step: p.Steps[0]}, result("x", ""))
		}
		if info, err := os.Stat(files(b, dir)[0]); err != nil || info.Size() > 16<<20 {
			return
		}
	}
}

func BenchmarkPast(b *testing.B) {
	j := open(b, history.Memory(b), history.Options{})
	for range 1000 {
		tell(b, j, result("x", ""), result("y", ""))
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(j.Past(id("x"), noon)) != 1000 {
			b.Fatal("events are missing")
		}
	}
}
