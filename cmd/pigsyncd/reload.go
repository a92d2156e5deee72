package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"gopkg.in/yaml.v3"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/notify"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/server"
)

// service is what the daemon serves now. When the configuration is read again, what did not change in it goes on
// undisturbed.
type service struct {
	o       *options
	log     *slog.Logger
	reg     *prometheus.Registry
	metrics *reconcile.Metrics
	ctx     context.Context // of the loops
	answers atomic.Pointer[http.Handler]

	reloads reloads
	voice   voice

	mu     sync.Mutex // guards what follows
	config *config
	loops  map[string]*loop
}

// loop is an inventory that is served.
type loop struct {
	made    []byte // by this of the configuration
	session *session
	daemon  *reconcile.Daemon
	done    chan struct{} // closed when it has ended
}

func newService(ctx context.Context, o *options, reg *prometheus.Registry, log *slog.Logger) *service {
	return &service{
		o: o, log: log, reg: reg, ctx: ctx, metrics: reconcile.NewMetrics(reg), reloads: newReloads(reg), loops: map[string]*loop{},
		voice: voice{counts: notify.NewCounts(reg)},
	}
}

// reloads tell how reading the configuration went.
type reloads struct{ good, at prometheus.Gauge }

func newReloads(reg prometheus.Registerer) reloads {
	f := promauto.With(reg)
	return reloads{
		good: f.NewGauge(prometheus.GaugeOpts{Name: "pigsync_config_last_reload_successful", Help: "0 when the configuration was read again and could not be taken; the one before is in force."}),
		at:   f.NewGauge(prometheus.GaugeOpts{Name: "pigsync_config_last_reload_success_timestamp_seconds", Help: "When the configuration in force was read."}),
	}
}

// ServeHTTP answers as the configuration in force says.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*s.answers.Load()).ServeHTTP(w, r)
}

// daemons are those that run, by name.
func (s *service) daemons() (ds []*reconcile.Daemon) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.loops)) {
		ds = append(ds, s.loops[name].daemon)
	}
	return ds
}

// heed reads the configuration again on SIGHUP.
func (s *service) heed(ctx context.Context) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			_, _ = sd.SdNotify(false, sd.SdNotifyReloading+"\n"+sd.SdNotifyMonotonicUsec())
			why := s.reload()
			_, _ = sd.SdNotify(false, sd.SdNotifyReady+why)
		}
	}
}

// reload takes the configuration as it is now. One that is broken is told, and the one before stays in force.
func (s *service) reload() (status string) {
	c, err := s.o.settings()
	if err == nil {
		err = s.take(c)
	}
	if err == nil {
		s.log.Info("the configuration was read again", slog.Int("inventories", len(c.Inventories)))
		return ""
	}
	s.reloads.good.Set(0)
	for line := range strings.Lines(err.Error()) {
		s.log.Error("the configuration cannot be taken; the one before stays in force", slog.String("err", strings.TrimSuffix(line, "\n")))
	}
	return "\nSTATUS=the configuration cannot be taken, the one before stays in force"
}

// take makes the daemon serve as c says. What c says of files is looked at before anything is changed.
func (s *service) take(c *config) error {
	hooks, err := c.hooks()
	if err != nil {
		return err
	}
	if err := s.takeable(c); err != nil {
		return err
	}
	sinks, err := c.sinks()
	if err != nil {
		return err
	}
	old := s.config
	if err := s.change(c); err != nil {
		if old != nil {
			err = errors.Join(err, s.change(old))
		}
		return err
	}
	s.answer(c, hooks)
	s.speak(sinks)
	s.reloads.good.Set(1)
	s.reloads.at.Set(float64(time.Now().UnixMilli()) / 1000)
	return nil
}

// takeable tells what of c cannot be read, or cannot be changed while the daemon runs.
func (s *service) takeable(c *config) error {
	_, err := c.API.TLS.secured()
	errs := []error{readable(err)}
	if s.config != nil && s.config.Listen != c.Listen {
		errs = append(errs, fmt.Errorf("listen: %s becomes %s with a restart only", s.config.Listen, c.Listen))
	}
	if s.config != nil && s.config.API.TLS != c.API.TLS {
		errs = append(errs, errors.New("api.tls: other files are taken with a restart only"))
	}
	for _, inv := range c.Inventories {
		secrets, err := inv.Secrets.with(s.o.secrets)
		if err == nil {
			_, err = secrets.open(s.o.getenv)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("inventory %s: %w", inv.Name, readable(err)))
		}
	}
	return errors.Join(errs...)
}

// change ends the loops of what is gone or is another now, each after its run, and begins those that are new.
func (s *service) change(c *config) error {
	wanted := map[string][]byte{}
	for _, inv := range c.Inventories {
		wanted[inv.Name] = c.fingerprint(inv)
	}
	s.mu.Lock()
	running := maps.Clone(s.loops)
	s.mu.Unlock()
	var wg sync.WaitGroup
	for name, l := range running {
		if !bytes.Equal(wanted[name], l.made) {
			wg.Go(func() { s.retire(name, l, wanted[name] == nil) })
		}
	}
	wg.Wait()
	s.config = c
	for _, inv := range c.Inventories {
		if err := s.begin(c, inv, wanted[inv.Name]); err != nil {
			return taken(fmt.Errorf("inventory %s: %w", inv.Name, err))
		}
	}
	return nil
}

// fingerprint is all that a loop is made by.
func (c *config) fingerprint(inv inventoryConfig) []byte {
	shared := *c
	shared.Listen, shared.API, shared.Webhooks, shared.Notify = "", apiConfig{}, nil, notifyConfig{}
	shared.Inventories = []inventoryConfig{inv}
	text, err := yaml.Marshal(shared)
	if err != nil {
		return nil // never the same as before
	}
	return text
}

// retire lets the run of a loop end, and closes what it holds.
func (s *service) retire(name string, l *loop, gone bool) {
	l.daemon.Retire()
	<-l.done
	if err := l.session.Close(); err != nil {
		s.log.Warn("what an inventory held cannot be closed", slog.String("inventory", name), slog.Any("err", err))
	}
	if gone {
		s.metrics.Forget(name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.loops, name)
}

// begin starts the loop of an inventory, unless it runs.
func (s *service) begin(c *config, inv inventoryConfig, made []byte) error {
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	s.mu.Lock()
	_, runs := s.loops[inv.Name]
	s.mu.Unlock()
	if runs {
		return nil
	}
	opened, err := s.o.session(c, inv, writeJournal)
	if err != nil {
		return err
	}
	opened.Log = s.log.With("inventory", inv.Name)
	opened.Watch, opened.Mode = s.metrics.Watch(inv.Name), inv.mode
	opened.hands.timed(func(source string, e executors.Executor) executors.Executor {
		return s.metrics.Timing(inv.Name, source, e)
	})
	s.metrics.Expect(inv.Name)
	l := &loop{made: made, session: opened, done: make(chan struct{})}
	l.daemon = reconcile.NewDaemon(opened.Reconciler, opened.source, inv.Interval, s.metrics)
	l.daemon.Tries = inv.tries()
	if err := c.desks(inv, opened, l.daemon, opened.Log); err != nil {
		return errors.Join(err, opened.Close())
	}
	go func() {
		defer close(l.done)
		_ = l.daemon.Serve(s.ctx) // it ends with ctx, or when it is retired
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loops[inv.Name] = l
	return nil
}

// answer makes the windows of what is served now.
func (s *service) answer(c *config, hooks []server.Hook) {
	var backends []server.Backend
	for _, d := range s.daemons() {
		backends = append(backends, d)
	}
	h := server.New(server.Options{
		Backends: backends, Gatherer: s.reg, Registry: anew{s.reg}, Log: s.log, Version: reconcile.Version(), Access: c.access(), Hooks: hooks,
		Quarantine: c.Policies.approvalLasts() - approvalLife,
	})
	s.answers.Store(&h)
}

// anew registers collectors in the place of those of the same names.
type anew struct{ *prometheus.Registry }

// MustRegister registers them.
func (a anew) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		a.Unregister(c)
	}
	a.Registry.MustRegister(cs...)
}

// end waits for all loops, whose context has ended, and closes what they hold.
func (s *service) end() (err error) {
	s.voice.hush()
	for name, l := range s.loops {
		<-l.done
		err = errors.Join(err, l.session.Close())
		delete(s.loops, name)
	}
	return err
}
