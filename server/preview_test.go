package server

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/reconcile"
)

func zipped(t *testing.T, files map[string]string, change ...func(*zip.FileHeader)) func(*http.Request) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		for _, c := range change {
			c(h)
		}
		f, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return func(r *http.Request) { r.Body = io.NopCloser(&b) }
}

func TestPreview(t *testing.T) {
	l := secretive()
	tree := map[string]string{"pigsty.yml": "all: {}\n"}
	bomb := strings.Repeat("\x00", 65<<20)
	many := map[string]string{}
	for i := range maxFiles + 1 {
		many[fmt.Sprint(i)] = ""
	}
	link := func(h *zip.FileHeader) { h.SetMode(fs.ModeSymlink | 0o777) }
	refused := &reconcile.Refused{Problems: []inventory.Problem{{Severity: inventory.Error, Code: "INV001", Msg: "no such thing"}}}
	tests := []struct {
		name    string
		body    func(*http.Request)
		refused error
		want    int
		says    string
	}{
		{"a tree", zipped(t, tree), nil, 200, "plan "},
		{"a tree that is refused", zipped(t, tree), refused, 422, "INV001"},
		{"too early", zipped(t, tree), reconcile.ErrStarting, 503, "not looked at yet"},
		{"no inventory in it", zipped(t, map[string]string{"x": ""}), nil, 422, "pigsty.yml"},
		{"a bomb", zipped(t, map[string]string{"pigsty.yml": bomb}), nil, 413, "at most"},
		{"too many files", zipped(t, many), nil, 413, "at most"},
		{"a link", zipped(t, tree, link), nil, 400, "neither a file nor a directory"},
		{"no zip", body("all: {}"), nil, 400, "want a zip"},
		{"nothing", body(""), nil, 400, "want a zip"},
		{"100 MB", func(r *http.Request) { r.Body = io.NopCloser(io.LimitReader(zeros{}, 100<<20)) }, nil, 413, "at most\x00"},
	}
	for _, tt := range tests {
		l.refused = tt.refused
		rec := ask(New(options(l)), "POST", "/api/v1/plan/prod", tt.body)
		says, _, _ := strings.Cut(tt.says, "\x00")
		if rec.Code != tt.want || !strings.Contains(rec.Body.String(), says) && tt.says == says || strings.Contains(rec.Body.String(), canary) {
			t.Errorf("%s: %d %.300s, want %d and %q", tt.name, rec.Code, rec.Body, tt.want, tt.says)
		}
	}
	if l.wakes != 0 || l.fetches.Load() != 0 {
		t.Error("a preview wakes")
	}
}

func TestAPreviewIsAStatusWithAText(t *testing.T) {
	l := secretive()
	rec := ask(New(options(l)), "POST", "/api/v1/plan/prod", zipped(t, map[string]string{"pigsty.yml": ""}))
	var got struct {
		Inventory, Text string
		Plan            struct{ Digest string }
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.Inventory != "prod" || got.Plan.Digest == "" || !strings.Contains(got.Text, "plan "+got.Plan.Digest) {
		t.Errorf("%v: %s", err, rec.Body)
	}
}
