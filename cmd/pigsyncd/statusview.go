package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/reconcile"
)

// statusView is what status prints of an inventory. The daemon sends more, which JSON passes on.
type statusView struct {
	Inventory string    `json:"inventory"`
	State     string    `json:"state"`
	Since     time.Time `json:"since,omitzero"`
	Revision  string    `json:"revision,omitempty"`
	Subject   string    `json:"subject,omitempty"`
	Drift     bool      `json:"drift,omitempty"`
	Problems  []struct {
		Place    string `json:"place"`
		Severity string `json:"severity"`
		Code     string `json:"code"`
		Message  string `json:"message"`
	} `json:"problems,omitempty"`
	Owners []struct {
		Owner  string `json:"owner"`
		Differ int    `json:"differ"`
		Orphan bool   `json:"orphan,omitempty"`
	} `json:"owners,omitempty"`
	Clusters []struct {
		Cluster  string            `json:"cluster"`
		Leader   string            `json:"leader,omitempty"`
		Node     string            `json:"node,omitempty"`
		Timeline int               `json:"timeline,omitempty"`
		Paused   bool              `json:"paused,omitempty"`
		Silent   map[string]string `json:"silent,omitempty"`
	} `json:"clusters,omitempty"`
	Drifts []driftView `json:"drifts,omitempty"`
	Holds  []struct {
		Owner  string    `json:"owner"`
		By     string    `json:"by"`
		Reason string    `json:"reason"`
		Until  time.Time `json:"until"`
	} `json:"holds,omitempty"`
	Unwatched []struct {
		Place  string `json:"place"`
		Source string `json:"source"`
		Error  string `json:"error"`
	} `json:"unwatched,omitempty"`
	Fetch string `json:"fetch,omitempty"`
	Error string `json:"error,omitempty"`
	Plan  *struct {
		Digest  string `json:"digest"`
		Summary string `json:"summary"`
		Steps   []struct {
			Action string `json:"action"`
			ID     string `json:"id"`
			Origin string `json:"origin"`
		} `json:"steps"`
	} `json:"plan,omitempty"`
	Pending    []diff.Pending             `json:"pending_reboot,omitempty"`
	Restarts   []reconcile.PendingRestart `json:"pending_restarts,omitempty"`
	Results    []string                   `json:"results,omitempty"`
	Objections []struct {
		Step   int    `json:"step"`
		Code   string `json:"code"`
		Reason string `json:"reason"`
	} `json:"objections,omitempty"`

	raw json.RawMessage // as the daemon sent it; nil when it did not
}

type statusViews []statusView

// UnmarshalJSON also keeps the text.
func (s *statusView) UnmarshalJSON(b []byte) error {
	type plain statusView
	s.raw = slices.Clone(b)
	return json.Unmarshal(b, (*plain)(s))
}

// MarshalJSON gives what the daemon sent, whole.
func (s statusView) MarshalJSON() ([]byte, error) {
	type plain statusView
	if s.raw != nil {
		return s.raw, nil
	}
	return json.Marshal(plain(s))
}

// of keeps those of the inventories.
func (all statusViews) of(invs []inventoryConfig) statusViews {
	return slices.DeleteFunc(all, func(s statusView) bool {
		return !slices.ContainsFunc(invs, func(inv inventoryConfig) bool { return inv.Name == s.Inventory })
	})
}

// statusTimeout is for the daemon's answer; statusLimit is how much of it is read, in bytes.
const (
	statusTimeout = 5 * time.Second
	statusLimit   = 64 << 20
)

// askDaemon asks the daemon at an address of this machine: through no proxy.
func askDaemon(ctx context.Context, addr string) (all statusViews, err error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/api/v1/status", nil)
	if err != nil {
		return nil, fmt.Errorf("ask the daemon: %w", err)
	}
	t := &http.Transport{DisableKeepAlives: true}
	res, err := t.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("ask the daemon at %s: %w", addr, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, hinted{fmt.Errorf("ask the daemon at %s: %s", addr, res.Status), "another program may have that port: see listen in the configuration"}
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, statusLimit)).Decode(&all); err != nil {
		return nil, fmt.Errorf("read the answer of the daemon at %s: %w", addr, err)
	}
	return all, nil
}
