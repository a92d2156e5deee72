package server

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

const secret = "whsec_c2VjcmV0IG9mIHRoZSBob29r"

func signed(headers map[string]string, body string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader(body))
		for name, value := range headers {
			r.Header.Set(name, value)
		}
	}
}

func hexMAC(parts ...string) string {
	return hex.EncodeToString(mac(secret, []byte(strings.Join(parts, ""))))
}

func hooked(providers ...string) (*loop, http.Handler, *prometheus.Registry) {
	l, reg := inSync("prod", noon), prometheus.NewRegistry()
	o := options(l, inSync("dev", noon))
	o.Access, o.Registry = Access{}, reg
	for _, p := range providers {
		o.Hooks = append(o.Hooks, Hook{Name: p, Provider: p, Secret: secret, Inventories: []string{"prod"}})
	}
	return l, New(o), reg
}

func TestForgesSign(t *testing.T) {
	body, now, late := `{"ref":"refs/heads/main"}`, strconv.FormatInt(noon.Unix(), 10), strconv.FormatInt(noon.Add(-skew).Unix()-1, 10)
	standard := func(at string) map[string]string {
		sum := mac("secret of the hook", []byte("id-1."+at+"."+body))
		return map[string]string{
			"webhook-id": "id-1", "webhook-timestamp": at,
			"webhook-signature": "v1,AAAA v1," + base64.StdEncoding.EncodeToString(sum),
		}
	}
	generic := func(at string) map[string]string {
		return map[string]string{"X-Pigsync-Timestamp": at, "X-Pigsync-Signature": "sha256=" + hexMAC(at, ".", body)}
	}
	tests := []struct {
		provider string
		headers  map[string]string
		want     int
	}{
		{"github", map[string]string{"X-Hub-Signature-256": "sha256=" + hexMAC(body)}, 202},
		{"github", map[string]string{"X-Hub-Signature-256": hexMAC(body)}, 401},
		{"github", map[string]string{"X-Hub-Signature-256": "sha256=" + hexMAC(body, " ")}, 401},
		{"github", map[string]string{"X-Hub-Signature-256": "sha256="}, 401},
		{"github", map[string]string{"X-Gitea-Signature": hexMAC(body)}, 401},
		{"github", nil, 401},
		{"gitea", map[string]string{"X-Gitea-Signature": hexMAC(body)}, 202},
		{"gitea", map[string]string{"X-Gitea-Signature": ""}, 401},
		{"forgejo", map[string]string{"X-Forgejo-Signature": hexMAC(body)}, 202},
		{"bitbucket", map[string]string{"X-Hub-Signature": "sha256=" + hexMAC(body)}, 202},
		{"bitbucket", map[string]string{"X-Hub-Signature": "sha1=" + hexMAC(body)}, 401},
		{"gitlab", map[string]string{"X-Gitlab-Token": secret}, 202},
		{"gitlab", map[string]string{"X-Gitlab-Token": secret[:5]}, 401},
		{"gitlab", standard(now), 202},
		{"gitlab", standard(late), 401},
		{"gitlab", map[string]string{"webhook-signature": "v1,AAAA", "webhook-timestamp": now, "X-Gitlab-Token": secret}, 401},
		{"generic", generic(now), 202},
		{"generic", generic(late), 401},
		{"generic", generic("soon"), 401},
	}
	for _, tt := range tests {
		l, h, _ := hooked(tt.provider)
		rec := ask(h, "POST", "/hooks/"+tt.provider, signed(tt.headers, body))
		if woken := l.fetches.Load() == 1; rec.Code != tt.want || woken != (tt.want == 202) || l.wakes != 0 {
			t.Errorf("%s %v: %d, want %d, woken %v", tt.provider, tt.headers, rec.Code, tt.want, woken)
		}
	}
}

func TestAReplayIsIgnored(t *testing.T) {
	l, h, reg := hooked("github")
	headers := map[string]string{"X-Hub-Signature-256": "sha256=" + hexMAC("x"), "X-GitHub-Delivery": "1"}
	for i := range 3 {
		headers["X-GitHub-Delivery"] = strconv.Itoa(i) // which is not signed
		if rec := ask(h, "POST", "/hooks/github", signed(headers, "x")); rec.Code != 202 {
			t.Errorf("call %d: %d", i, rec.Code)
		}
	}
	if l.fetches.Load() != 1 {
		t.Errorf("woken %d times", l.fetches.Load())
	}
	want := `
		# HELP pigsync_webhook_requests_total Calls of webhooks by provider and what came of them: woken, replayed, unsigned, too_big, busy or unread.
		# TYPE pigsync_webhook_requests_total counter
		pigsync_webhook_requests_total{provider="github",result="busy"} 0
		pigsync_webhook_requests_total{provider="github",result="replayed"} 2
		pigsync_webhook_requests_total{provider="github",result="too_big"} 0
		pigsync_webhook_requests_total{provider="github",result="unread"} 0
		pigsync_webhook_requests_total{provider="github",result="unsigned"} 0
		pigsync_webhook_requests_total{provider="github",result="woken"} 1
	`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "pigsync_webhook_requests_total"); err != nil {
		t.Error(err)
	}
}

func TestWhatIsTurnedAway(t *testing.T) {
	l, h, _ := hooked("github")
	endless := func(r *http.Request) { r.Body = io.NopCloser(io.LimitReader(zeros{}, 100<<20)) }
	for name, tt := range map[string]struct {
		path   string
		change func(*http.Request)
		want   int
	}{
		"100 MB":       {"github", endless, 413},
		"no such hook": {"gitlab", signed(nil, ""), 404},
		"nothing":      {"github", signed(nil, ""), 401},
	} {
		if got := ask(h, "POST", "/hooks/"+tt.path, tt.change).Code; got != tt.want || l.fetches.Load() != 0 {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

// Ten thousand calls, most of them not signed: every signed one counts, and only what is needed is remembered.
func TestAFlood(t *testing.T) {
	l, h, _ := hooked("github")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for j := range 500 {
				body := fmt.Sprintf("%d/%d", i, j)
				headers := map[string]string{"X-Hub-Signature-256": "sha256=" + hexMAC(body)}
				if j%2 == 0 {
					headers = nil
				}
				ask(h, "POST", "/hooks/github", signed(headers, body))
			}
		})
	}
	wg.Wait()
	if l.fetches.Load() != 5000 {
		t.Errorf("woken %d times, want 5000", l.fetches.Load())
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	hook := newHooks([]Hook{{Name: "x", Provider: "github"}}, nil).byName["x"]
	for i := range 2 * remembered {
		if hook.known([]byte(strconv.Itoa(i)), nil) {
			t.Fatalf("%d is known", i)
		}
	}
	if len(hook.seen) != remembered || len(hook.past) != remembered || !hook.known([]byte(strconv.Itoa(2*remembered-1)), nil) || hook.known([]byte("0"), nil) {
		t.Errorf("%d and %d are remembered", len(hook.seen), len(hook.past))
	}
}

func FuzzHook(f *testing.F) {
	f.Add("github", "X-Hub-Signature-256", "sha256=00", "{}")
	f.Add("gitlab", "webhook-signature", "v1, v1,x", "{}")
	f.Add("generic", "X-Pigsync-Signature", "sha256=", "")
	f.Fuzz(func(t *testing.T, provider, header, value, body string) {
		verify, known := signatures[provider]
		if !known {
			return
		}
		c := call{header: http.Header{http.CanonicalHeaderKey(header): {value}}, body: []byte(body), now: noon}
		if verify(c, "a secret nobody told") && value != "a secret nobody told" {
			t.Errorf("%s: %s is signed", header, value)
		}
	})
}

// BenchmarkWebhooks is ten thousand calls, each of another push: every one is checked and wakes, and none is lost.
func BenchmarkWebhooks(b *testing.B) {
	const calls = 10_000
	l, h, _ := hooked("github")
	for round := 0; b.Loop(); round++ {
		before := l.fetches.Load()
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				for i := worker; i < calls; i += 8 {
					body := `{"after":"` + strconv.Itoa(round*calls+i) + `"}`
					rec := ask(h, "POST", "/hooks/github", signed(map[string]string{"X-Hub-Signature-256": "sha256=" + hexMAC(body)}, body))
					if rec.Code != http.StatusAccepted {
						b.Errorf("answered with %d", rec.Code)
					}
				}
			})
		}
		wg.Wait()
		if woken := l.fetches.Load() - before; woken != calls {
			b.Errorf("%d calls, and the repository was to be looked at %d times", calls, woken)
		}
	}
	b.ReportMetric(float64(calls*b.N)/b.Elapsed().Seconds(), "calls/s")
}
