package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// Body is how a message looks to a service that shoutrrr speaks to by its generic service only.
type Body string

// The bodies. Text is that of all other services.
const (
	Text         Body = "text"
	DingTalk     Body = "dingtalk"
	Teams        Body = "teams" // a workflow's webhook
	Alertmanager Body = "alertmanager"
	Grafana      Body = "grafana" // an annotation
)

// Bodies are all of them.
var Bodies = []Body{Text, DingTalk, Teams, Alertmanager, Grafana}

// asked bounds how long a service may take: the library has no bound of its own everywhere.
const asked = 30 * time.Second

func init() { http.DefaultClient.Timeout = asked } //nolint:gochecknoinits // it is the library's, and others read it later

// ours is the name of the template through which a body of ours passes as it is.
const ours = "pigsync"

var errAddress = errors.New("that is no address of a service")

// Sender makes what sends to an address of shoutrrr. An error does not tell the address. Link is a page that
// shows a unit, "" for none.
func Sender(address string, body Body, link string) (func([]Note, int) error, error) {
	address = strings.TrimSpace(address)
	sender, err := shoutrrr.CreateSender()
	if err != nil {
		return nil, errAddress
	}
	if body != Text {
		if address, err = raw(address); err != nil {
			return nil, err
		}
	}
	service, err := sender.Locate(address)
	if err != nil {
		return nil, errAddress
	}
	if body != Text {
		if err := service.SetTemplateString(ours, "{{.message}}"); err != nil {
			return nil, err
		}
	}
	return func(notes []Note, lost int) error {
		if body == Text {
			params := types.Params{types.TitleKey: title(notes)}
			return service.Send(text(notes, lost, link), &params)
		}
		message, err := compose(body, notes, lost, link)
		if err != nil {
			return err
		}
		return service.Send(message, &types.Params{})
	}, nil
}

// raw makes a body of ours pass through the generic service.
func raw(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", errAddress
	}
	switch u.Scheme {
	case "http", "https":
		u.Scheme = "generic+" + u.Scheme
	case "generic", "generic+http", "generic+https":
	default:
		return "", fmt.Errorf("%w that is asked over http or https", errAddress)
	}
	q := u.Query()
	q.Set("template", ours)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// compose is a body of ours.
func compose(body Body, notes []Note, lost int, link string) (string, error) {
	said := text(notes, lost, link)
	var form any
	switch body {
	case DingTalk:
		form = map[string]any{"msgtype": "text", "text": map[string]string{"content": title(notes) + "\n" + said}}
	case Teams:
		block := map[string]any{"type": "TextBlock", "wrap": true, "text": strings.ReplaceAll(title(notes)+"\n"+said, "\n", "\n\n")}
		form = map[string]any{"type": "message", "attachments": []any{map[string]any{
			"contentType": "application/vnd.microsoft.card.adaptive",
			"content":     map[string]any{"type": "AdaptiveCard", "version": "1.4", "body": []any{block}},
		}}}
	case Alertmanager:
		form = alerts(notes, link)
	case Grafana:
		form = map[string]any{"time": notes[0].When.UnixMilli(), "tags": tags(notes), "text": title(notes) + "\n" + said}
	case Text:
	}
	out, err := json.Marshal(form)
	return string(out), err
}

// alert is one of Alertmanager's API.
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt,omitzero"`
	EndsAt       time.Time         `json:"endsAt,omitzero"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// alertLasts is how long an alert counts that nobody has ended.
const alertLasts = 24 * time.Hour

// alerts begin and end with the conditions; that a commit has converged is none.
func alerts(notes []Note, link string) []alert {
	out := []alert{}
	for _, n := range notes {
		if n.Kind == Converged {
			continue
		}
		module, cluster, _ := strings.Cut(n.Owner, "/")
		a := alert{
			Labels:      map[string]string{"alertname": "Pigsync" + strings.ToUpper(string(n.Kind[:1])) + string(n.Kind[1:]), "inventory": n.Inventory, "module": module, "cluster": cluster},
			Annotations: map[string]string{"summary": headline(n), "description": strings.Join(n.Details, "\n"), "next": n.Next},
			StartsAt:    n.When, EndsAt: n.When.Add(alertLasts), GeneratorURL: page(n, link),
		}
		if n.Over {
			a.StartsAt, a.EndsAt = time.Time{}, n.When
		}
		out = append(out, a)
	}
	return out
}

func tags(notes []Note) []string {
	seen, out := map[string]bool{}, []string{"pigsync"}
	for _, n := range notes {
		for _, tag := range []string{n.Inventory, string(n.Kind), n.Owner} {
			if tag != "" && !seen[tag] {
				seen[tag] = true
				out = append(out, tag)
			}
		}
	}
	return out
}
