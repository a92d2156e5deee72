package server

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/http"
	"strings"
	"testing"
	"time"
)

func holder(name, token string, roles ...Role) Caller {
	return Caller{Name: name, Roles: roles, Token: sha256.Sum256([]byte(token))}
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func certificate(name string) func(*http.Request) {
	return func(r *http.Request) {
		r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{Subject: pkix.Name{CommonName: name}}}}}
	}
}

func TestWhoMayAskWhat(t *testing.T) {
	viewer, past, deploy := holder("viewer", "v", View), holder("past", "p", Roles...), holder("deploy", "", Sync)
	past.Until, deploy.Certificate, deploy.Token = noon, "deploy.example", [32]byte{}
	far := holder("far", "f", Sync)
	far.Inventories = []string{"elsewhere"}
	nobody := func(*http.Request) {}
	tests := []struct {
		name      string
		who       func(*http.Request)
		anonymous []Role
		view      int
		wake      int
	}{
		{"nobody, where nobody may", nobody, nil, 401, 401},
		{"nobody, where anybody may look", nobody, []Role{View}, 200, 401},
		{"nobody, where anybody may wake", nobody, []Role{Sync}, 200, 202},
		{"a viewer", bearer("v"), nil, 200, 403},
		{"a viewer, where anybody may wake", bearer("v"), []Role{Sync}, 200, 403},
		{"a token that nobody has", bearer("x"), []Role{Sync}, 401, 401},
		{"an empty token", bearer(""), []Role{Sync}, 401, 401},
		{"a token that has expired", bearer("p"), []Role{Sync}, 401, 401},
		{"a certificate", certificate("deploy.example"), nil, 200, 202},
		{"a certificate of a stranger", certificate("evil.example"), []Role{Sync}, 401, 401},
		{"a certificate without a name", certificate(""), []Role{Sync}, 401, 401},
		{"somebody of another inventory", bearer("f"), nil, 404, 404},
	}
	for _, tt := range tests {
		o := options(inSync("prod", noon))
		o.Access = Access{Callers: []Caller{viewer, past, deploy, far}, Anonymous: tt.anonymous}
		h := New(o)
		if got := ask(h, "GET", "/api/v1/status/prod", tt.who).Code; got != tt.view {
			t.Errorf("%s: status %d, want %d", tt.name, got, tt.view)
		}
		if got := ask(h, "POST", "/api/v1/wake/prod", tt.who).Code; got != tt.wake {
			t.Errorf("%s: wake %d, want %d", tt.name, got, tt.wake)
		}
	}
}

// A route that asks nothing of the caller is an exception, and is named here.
func TestEveryOtherRouteWantsARole(t *testing.T) {
	open := map[string]bool{"/metrics": true, "/healthz": true, "/readyz": true, "/api/v1/openapi.json": true, "/hooks/{hook}": true}
	o := options(inSync("prod", noon))
	o.Access = Access{}
	h := New(o)
	for _, r := range newWindows(o.filled()).routes() {
		if open[r.path] != (r.role == "") {
			t.Errorf("%s %s wants %q", r.verb, r.path, r.role)
		}
		if got := ask(h, r.verb, strings.ReplaceAll(r.path, "{inventory}", "prod")).Code; r.role != "" && got != 401 {
			t.Errorf("%s %s answers nobody with %d", r.verb, r.path, got)
		}
	}
}

func TestAListShowsWhatTheCallerMaySee(t *testing.T) {
	o := options(inSync("prod", noon), inSync("dev", noon))
	c := holder("dev", "d", View)
	c.Inventories = []string{"dev"}
	o.Access = Access{Callers: []Caller{c}}
	body := ask(New(o), "GET", "/api/v1/status", bearer("d")).Body.String()
	if strings.Contains(body, "prod") || !strings.Contains(body, `"dev"`) {
		t.Errorf("%s", body)
	}
}

func TestRolesFollow(t *testing.T) {
	for _, tt := range []struct {
		has, wants Role
		may        bool
	}{
		{Destroy, Approve, true},
		{Approve, Destroy, false},
		{Plan, View, true},
		{View, Plan, false},
		{Sync, Suspend, false},
	} {
		if got := (Caller{Roles: []Role{tt.has}}).may(tt.wants); got != tt.may {
			t.Errorf("%s may %s: %v", tt.has, tt.wants, got)
		}
	}
	if (Caller{}).may(View) {
		t.Error("who has no role may view")
	}
}

func TestATokenEndsInTime(t *testing.T) {
	c := holder("ci", "c", View)
	c.Until = noon.Add(time.Second)
	now := noon
	o := options(inSync("prod", noon))
	o.Access, o.Now = Access{Callers: []Caller{c}}, func() time.Time { return now }
	h := New(o)
	if got := ask(h, "GET", "/api/v1/status", bearer("c")).Code; got != 200 {
		t.Errorf("before its end: %d", got)
	}
	now = noon.Add(time.Second)
	if got := ask(h, "GET", "/api/v1/status", bearer("c")).Code; got != 401 {
		t.Errorf("at its end: %d", got)
	}
}
