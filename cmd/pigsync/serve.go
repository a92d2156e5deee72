package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/server"
)

func newServe(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "follow the configured inventories and keep their fleets as they say",
		Long: "Serve follows every inventory of the configuration, each with a loop of its own, and answers\n" +
			"/metrics, /healthz, /readyz and /api/v1/status. It ends on SIGTERM, once the steps under way have finished.",
		Example: "  pigsync serve\n  pigsync serve --inventory pigsty.yml --listen 127.0.0.1:9100",
		Args:    none,
		RunE:    func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), o) },
	}
	o.listenFlag(cmd)
	return cmd
}

func serve(ctx context.Context, o *options) error {
	c, err := o.settings()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(o.stderr, &slog.HandlerOptions{Level: logLevel(o)}))
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	daemons, end, err := o.daemons(c, reg, log)
	if err != nil {
		return errors.Join(err, end())
	}
	err = serveAll(ctx, c, daemons, reg, log)
	return errors.Join(err, end())
}

func logLevel(o *options) slog.Level {
	if o.verbose {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// daemons makes one loop for each inventory; end closes what they hold.
func (o *options) daemons(c *config, reg prometheus.Registerer, log *slog.Logger) (ds []*reconcile.Daemon, end func() error, err error) {
	var opened []*session
	end = func() (err error) {
		for _, s := range opened {
			err = errors.Join(err, s.Close())
		}
		return err
	}
	var names []string
	for _, inv := range c.Inventories {
		names = append(names, inv.Name)
	}
	metrics := reconcile.NewMetrics(reg, names...)
	for _, inv := range c.Inventories {
		s, err := o.session(c, inv, writeJournal)
		if err != nil {
			return nil, end, taken(fmt.Errorf("inventory %s: %w", inv.Name, err))
		}
		opened = append(opened, s)
		s.Log = log.With("inventory", inv.Name)
		s.Watch, s.Mode = metrics.Watch(inv.Name), inv.mode
		s.hands.timed(func(source string, e executors.Executor) executors.Executor {
			return metrics.Timing(inv.Name, source, e)
		})
		ds = append(ds, reconcile.NewDaemon(s.Reconciler, s.source, inv.Interval, metrics))
	}
	return ds, end, nil
}

func serveAll(ctx context.Context, c *config, daemons []*reconcile.Daemon, reg *prometheus.Registry, log *slog.Logger) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var backends []server.Backend
	for _, d := range daemons {
		backends = append(backends, d)
	}
	hooks, err := c.hooks()
	if err != nil {
		return err
	}
	secured, err := c.API.TLS.secured()
	if err != nil {
		return readable(err)
	}
	handler := server.New(server.Options{
		Backends: backends, Gatherer: reg, Registry: reg, Log: log, Version: version(), Access: c.access(), Hooks: hooks,
	})
	var wg sync.WaitGroup
	for _, d := range daemons {
		wg.Go(func() { _ = d.Serve(ctx) }) // it ends with ctx
	}
	wg.Go(func() { watchdog(ctx, daemons) })
	log.Info("serving", slog.Int("inventories", len(daemons)), slog.String("listen", c.Listen))
	err = server.Serve(ctx, c.Listen, handler, secured)
	stop()
	wg.Wait()
	return err
}

// watchdog tells systemd that we are ready, and then, as often as it wants to know, that we live.
func watchdog(ctx context.Context, daemons []*reconcile.Daemon) {
	_, _ = sd.SdNotify(false, sd.SdNotifyReady) // not under systemd: nothing to tell
	every, err := sd.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		every = time.Minute
	}
	t := time.NewTicker(every / 2)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			_, _ = sd.SdNotify(false, sd.SdNotifyStopping)
			return
		case <-t.C:
			_, _ = sd.SdNotify(false, sd.SdNotifyWatchdog+"\nSTATUS="+summary(daemons))
		}
	}
}

func summary(daemons []*reconcile.Daemon) string {
	text := ""
	for _, d := range daemons {
		s := d.Status()
		text += s.Inventory + ": " + string(s.State) + "; "
	}
	return text
}
