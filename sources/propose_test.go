package sources

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMergeText(t *testing.T) {
	tests := []struct{ name, base, a, b, want string }{
		{"one side", "1\n2\n3\n", "1\n2\n3\n", "1\nx\n3\n", "1\nx\n3\n"},
		{"apart", "1\n2\n3\n4\n", "0\n1\n2\n3\n4\n", "1\n2\n3\n4\n5\n", "0\n1\n2\n3\n4\n5\n"},
		{"alike", "1\n2\n3\n", "1\nx\n3\n", "1\nx\n3\n", "1\nx\n3\n"},
		{"alike, and more", "1\n2\n3\n4\n5\n", "1\nx\n3\n4\n5\n", "1\nx\n3\n4\ny\n", "1\nx\n3\n4\ny\n"},
		{"the same line", "1\n2\n3\n", "1\nx\n3\n", "1\ny\n3\n", "!"},
		{"neighbours", "1\n2\n3\n", "1\nx\n3\n", "1\n2\ny\n", "!"},
		{"removed and changed", "1\n2\n3\n", "1\n3\n", "1\nx\n3\n", "!"},
		{"added at one place", "1\n2\n", "1\nx\n2\n", "1\ny\n2\n", "!"},
		{"no last line end", "1\n2\n3", "0\n1\n2\n3", "1\n2\n3\n", "0\n1\n2\n3\n"},
		{"from nothing", "", "x\n", "y\n", "!"},
	}
	for _, tt := range tests {
		got, ok := MergeText(tt.base, tt.a, tt.b)
		if !ok {
			got = "!"
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMergesAreFair(t *testing.T) {
	text := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "c\n", "d\n"}), 0, 12), func(l []string) string { return strings.Join(l, "") })
	rapid.Check(t, func(t *rapid.T) {
		base, a, b := text.Draw(t, "base"), text.Draw(t, "a"), text.Draw(t, "b")
		one, ok := MergeText(base, a, b)
		other, ok2 := MergeText(base, b, a)
		if ok != ok2 || one != other {
			t.Fatalf("%q %v and %q %v", one, ok, other, ok2)
		}
		if got, ok := MergeText(base, a, base); !ok || got != a {
			t.Fatalf("with nothing: %q %v", got, ok)
		}
		// Who changes only what is in front of a line, and who changes only what is behind it, do not disturb each other.
		pre, post := text.Draw(t, "pre"), text.Draw(t, "post")
		if got, ok := MergeText(base+"=\n"+base, pre+"=\n"+base, base+"=\n"+post); !ok || got != pre+"=\n"+post {
			t.Fatalf("apart: %q %v, want %q", got, ok, pre+"=\n"+post)
		}
	})
}
