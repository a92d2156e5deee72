package main

import (
	"bytes"
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
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// clientFlags say which daemon is asked, and who asks.
type clientFlags struct {
	server    string
	tokenFile string
	caFile    string
}

func (o *options) clientFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.client.server, "server", o.getenv("PIGSYNC_SERVER"), "`URL` of a daemon to ask instead (default: $PIGSYNC_SERVER)")
	f.StringVar(&o.client.tokenFile, "token-file", "", "`file` of the token for it (default: the token in $PIGSYNC_TOKEN)")
	f.StringVar(&o.client.caFile, "server-ca", "", "`file` of the authority of its certificate (default: those of the system)")
}

// client asks a daemon.
type client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// answerLimit is how much of an answer is read, in bytes; planTime is how long a plan may take.
const (
	answerLimit = 64 << 20
	planTime    = 6 * time.Minute
)

func (o *options) daemon() (*client, error) {
	base, err := url.Parse(o.client.server)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.User != nil {
		return nil, errors.New("--server: want a URL such as https://admin.example:9099")
	}
	c := &client{base: base, token: strings.TrimSpace(o.getenv("PIGSYNC_TOKEN"))}
	if o.client.tokenFile != "" {
		text, err := os.ReadFile(o.client.tokenFile)
		if err != nil {
			return nil, readable(fmt.Errorf("--token-file: %w", err))
		}
		c.token = strings.TrimSpace(string(text))
	}
	if c.token != "" && base.Scheme == "http" && !loopback(hostPort(base)) {
		return nil, hinted{errors.New("--server: the token would be sent in the clear"), "want https"}
	}
	c.http, err = httpClient(o.client.caFile)
	return c, err
}

// hostPort is the address that a URL of plain HTTP names.
func hostPort(u *url.URL) string {
	if u.Port() == "" {
		return u.Host + ":80"
	}
	return u.Host
}

func httpClient(caFile string) (*http.Client, error) {
	secured := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, readable(fmt.Errorf("--server-ca: %w", err))
		}
		secured.RootCAs = x509.NewCertPool()
		if !secured.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--server-ca: no certificate in %s", caFile)
		}
	}
	return &http.Client{
		Transport: &http.Transport{TLSClientConfig: secured, Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("it redirects: a token is for one daemon")
		},
	}, nil
}

// refusal is what the daemon says instead of an answer.
type refusal struct {
	status int
	body   []byte
}

// Error is what it says, in its words where there are any.
func (r refusal) Error() string {
	var said struct{ Error string }
	if json.Unmarshal(r.body, &said) == nil && said.Error != "" {
		return said.Error
	}
	return http.StatusText(r.status)
}

// ask sends body, nil for nothing, and decodes the answer into out, nil for none.
func (c *client) ask(ctx context.Context, verb, path, kind string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, planTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, verb, c.base.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the daemon: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	switch {
	case err != nil:
		return fmt.Errorf("ask the daemon at %s: %w", c.base.Host, err)
	case res.StatusCode >= http.StatusMultipleChoices:
		return fmt.Errorf("the daemon at %s: %w", c.base.Host, refusal{res.StatusCode, answer})
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("read the answer of the daemon at %s: %w", c.base.Host, err)
	}
	return nil
}

// inventoryOf is the inventory that is meant: that of --name, or the only one the daemon shows.
func (c *client) inventoryOf(ctx context.Context, name string) (string, error) {
	if name != "" {
		return name, nil
	}
	var all statusViews
	if err := c.ask(ctx, http.MethodGet, "/api/v1/status", "", nil, &all); err != nil {
		return "", err
	}
	if len(all) != 1 {
		var names []string
		for _, s := range all {
			names = append(names, s.Inventory)
		}
		return "", hinted{fmt.Errorf("the daemon shows %s", count(len(all), "inventory")), "name one with --name: " + strings.Join(names, ", ")}
	}
	return all[0].Inventory, nil
}

// call is a POST about the inventory that is meant.
func (o *options) call(ctx context.Context, what, kind string, body []byte, out any) (inventory string, err error) {
	c, err := o.daemon()
	if err != nil {
		return "", err
	}
	if inventory, err = c.inventoryOf(ctx, o.name); err != nil {
		return "", err
	}
	return inventory, c.ask(ctx, http.MethodPost, "/api/v1/"+what+"/"+url.PathEscape(inventory), kind, body, out)
}

// send is a call with a body of JSON.
func (o *options) send(ctx context.Context, what string, in, out any) (inventory string, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	return o.call(ctx, what, "application/json", body, out)
}
