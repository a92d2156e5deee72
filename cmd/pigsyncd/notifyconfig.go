package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pigsync/pigsync/notify"
)

// notifyConfig says who is told of what changes for better or worse.
type notifyConfig struct {
	Link  string       `yaml:"link"` // of the page Cluster, for whoever wants to see
	Sinks []sinkConfig `yaml:"sinks"`
}

type sinkConfig struct {
	Name        string        `yaml:"name"`
	URLFile     string        `yaml:"url_file"` // of an address of shoutrrr, which holds a secret
	Body        string        `yaml:"body"`     // default text
	Kinds       []string      `yaml:"kinds"`
	Inventories []string      `yaml:"inventories"`
	Every       time.Duration `yaml:"every"` // at most one message in that time; default 30s
}

func (c *config) checkNotify(d *decoder) {
	if u, err := url.Parse(c.Notify.Link); err != nil || c.Notify.Link != "" && u.Scheme != "https" && u.Scheme != "http" {
		d.wrongAt("notify.link", "want an address such as https://grafana.example/d/pigsync-cluster")
	}
	seen := map[string]bool{}
	for i, s := range c.Notify.Sinks {
		at := fmt.Sprintf("notify.sinks[%d]", i)
		c.checkName(d, at, s.Name, seen)
		c.checkNames(d, at+".inventories", s.Inventories)
		if s.URLFile == "" {
			d.wrongAt(at+".url_file", "is required: addresses hold secrets, so they stand in a file of their own")
		}
		if s.Body != "" && !slices.Contains(notify.Bodies, notify.Body(s.Body)) {
			d.wrongAt(at+".body", "want one of %s, got %q", listed(notify.Bodies), s.Body)
		}
		for j, k := range s.Kinds {
			if !slices.Contains(notify.Kinds, notify.Kind(k)) {
				d.wrongAt(fmt.Sprintf("%s.kinds[%d]", at, j), "want one of %s, got %q", listed(notify.Kinds), k)
			}
		}
	}
}

func listed[T ~string](all []T) string {
	var names []string
	for _, one := range all {
		names = append(names, string(one))
	}
	return strings.Join(names, ", ")
}

// sinks reads the addresses. No error tells one.
func (c *config) sinks() (sinks []notify.Sink, err error) {
	for _, s := range c.Notify.Sinks {
		address, bad := os.ReadFile(s.URLFile)
		var send func([]notify.Note, int) error
		if bad == nil {
			body := notify.Text
			if s.Body != "" {
				body = notify.Body(s.Body)
			}
			send, bad = notify.Sender(string(address), body, c.Notify.Link)
		}
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("sink %s: %s: %w", s.Name, s.URLFile, bad))
			continue
		}
		sink := notify.Sink{Name: s.Name, Send: send, Inventories: s.Inventories, Every: s.Every}
		for _, k := range s.Kinds {
			sink.Kinds = append(sink.Kinds, notify.Kind(k))
		}
		sinks = append(sinks, sink)
	}
	return sinks, readable(err)
}

// voice tells sinks what is news, and forgets nothing when the sinks become others.
type voice struct {
	memory notify.Memory
	counts notify.Counts
	stop   context.CancelFunc
	done   sync.WaitGroup

	mu  sync.Mutex // guards now
	now *notify.Notifier
}

// speak tells sinks of the daemons from now on.
func (s *service) speak(sinks []notify.Sink) {
	s.voice.hush()
	n := notify.New(sinks, &s.voice.memory, s.voice.counts, s.log)
	s.voice.mu.Lock()
	s.voice.now = n
	s.voice.mu.Unlock()
	s.metrics.Queue("notifications", n.Waiting)
	var backends []notify.Backend
	for _, d := range s.daemons() {
		backends = append(backends, d)
	}
	ctx, stop := context.WithCancel(s.ctx)
	s.voice.stop = stop
	s.voice.done.Go(func() { n.Run(ctx, backends) })
}

// hush ends what is told now.
func (v *voice) hush() {
	if v.stop != nil {
		v.stop()
		v.done.Wait()
	}
}

// down says which sinks cannot be reached.
func (v *voice) down() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.now == nil || len(v.now.Down()) == 0 {
		return ""
	}
	return "nobody can be told by " + strings.Join(v.now.Down(), ", ") + "; "
}
