package prometheus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pigsync/pigsync/policies"
)

// Asker asks one server.
type Asker struct {
	URL       string            // "http://127.0.0.1:9090"
	TokenFile string            // of a bearer token, read each time; "" for none
	CAFile    string            // whose certificates are trusted; "" for the system's
	Queries   map[string]string // in PromQL, by the name of the sample
	Now       func() time.Time
}

const (
	queryLimit  = 5 * time.Second // for one query
	answerLimit = 1 << 20         // bytes
	reasonLimit = 200             // bytes of what a server says
)

// Measure asks all queries at once. Every one of them has a sample.
func (a *Asker) Measure(ctx context.Context) map[string]policies.Sample {
	samples := make(map[string]policies.Sample, len(a.Queries))
	client, err := a.client()
	if err == nil {
		defer client.CloseIdleConnections()
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for name, query := range a.Queries {
		wg.Go(func() {
			s := policies.Sample{When: a.Now()}
			failed := err
			if failed == nil {
				s.Value, failed = a.ask(ctx, client, query)
			}
			if failed != nil {
				s.Err = plain(failed)
			}
			mu.Lock()
			defer mu.Unlock()
			samples[name] = s
		})
	}
	wg.Wait()
	return samples
}

func (a *Asker) client() (*http.Client, error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if a.CAFile != "" {
		pem, err := os.ReadFile(a.CAFile)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", a.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport, Timeout: queryLimit}, nil
}

func (a *Asker) ask(ctx context.Context, client *http.Client, query string) (float64, error) {
	form := url.Values{"query": {query}}
	at := strings.TrimSuffix(a.URL, "/") + "/api/v1/query"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a.TokenFile != "" {
		token, err := os.ReadFile(a.TokenFile)
		if err != nil {
			return 0, err
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return 0, err
	}
	value, err := number(body)
	if err != nil && resp.StatusCode/100 != 2 {
		return 0, fmt.Errorf("%s: %w", resp.Status, err)
	}
	return value, err
}

// answer is what a server says.
type answer struct {
	Status string
	Error  string
	Data   struct {
		ResultType string
		Result     json.RawMessage
	}
}

// number reads an answer with exactly one number in it.
func number(body []byte) (float64, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return 0, errors.New("that is no answer of a Prometheus")
	}
	if a.Status != "success" {
		return 0, fmt.Errorf("the query was refused: %s", a.Error)
	}
	var pair [2]any
	switch a.Data.ResultType {
	case "scalar":
		if err := json.Unmarshal(a.Data.Result, &pair); err != nil {
			return 0, errors.New("that is no answer of a Prometheus")
		}
	case "vector":
		var series []struct{ Value [2]any }
		if err := json.Unmarshal(a.Data.Result, &series); err != nil {
			return 0, errors.New("that is no answer of a Prometheus")
		}
		if len(series) != 1 {
			return 0, fmt.Errorf("the query has %d results: want one", len(series))
		}
		pair = series[0].Value
	default:
		return 0, fmt.Errorf("the query gives a %s: want one number", a.Data.ResultType)
	}
	text, _ := pair[1].(string)
	return strconv.ParseFloat(text, 64)
}

// plain is one short line of an error, without the address that an URL error repeats.
func plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	text := strings.Join(strings.Fields(err.Error()), " ")
	if len(text) > reasonLimit {
		text = strings.ToValidUTF8(text[:reasonLimit], "") + "…"
	}
	return text
}
