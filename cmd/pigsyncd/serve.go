package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/server"
)

func newServe(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "follow the configured inventories and keep their fleets as they say",
		Long: "Serve follows every inventory of the configuration, each with a loop of its own, and answers\n" +
			"/metrics, /healthz, /readyz and /api/v1/status. It ends on SIGTERM, once the steps under way have finished.\n" +
			"On SIGHUP it reads the configuration again: a broken one is said and changes nothing, and whatever did not\n" +
			"change in it goes on undisturbed.",
		Example: "  pigsync serve\n  pigsync serve --inventory pigsty.yml --listen 127.0.0.1:9100",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.logFormat != "logfmt" && o.logFormat != "json" {
				return misused(cmd, fmt.Errorf("--log-format: want logfmt or json, got %q", o.logFormat))
			}
			return serve(cmd.Context(), o)
		},
	}
	o.listenFlag(cmd)
	cmd.Flags().StringVar(&o.logFormat, "log-format", "logfmt", "logfmt or json")
	_ = cmd.RegisterFlagCompletionFunc("log-format", cobra.FixedCompletions([]string{"logfmt", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// growth is at what growth of the heap, in percent, the collector runs where $GOGC does not say it: nearly all that a
// round makes is garbage at its end. GOMEMLIMIT, which the unit sets, bounds it.
const growth = 300

func serve(ctx context.Context, o *options) error {
	c, err := o.settings()
	if err != nil {
		return err
	}
	if o.getenv("GOGC") == "" {
		debug.SetGCPercent(growth)
	}
	log := o.daemonLog()
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := newService(ctx, o, reg, log)
	err = s.take(c)
	if err == nil {
		err = s.serve(ctx)
	}
	stop()
	return errors.Join(err, s.end())
}

// serve answers until ctx ends, and reads the configuration again whenever it is told to.
func (s *service) serve(ctx context.Context) error {
	secured, err := s.config.API.TLS.secured()
	if err != nil {
		return readable(err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	listen := s.config.Listen
	wg.Go(func() { watchdog(ctx, func() string { return s.voice.down() + summary(s.daemons()) }) })
	wg.Go(func() { s.heed(ctx) })
	s.log.Info("serving", slog.Int("inventories", len(s.daemons())), slog.String("listen", listen))
	return server.Serve(ctx, listen, s, secured)
}

// daemonLog is in the form that the administrator wants: logfmt or JSON.
func (o *options) daemonLog() *slog.Logger {
	how := &slog.HandlerOptions{Level: slog.LevelInfo}
	if o.verbose {
		how.Level = slog.LevelDebug
	}
	if o.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(o.stderr, how))
	}
	return slog.New(slog.NewTextHandler(o.stderr, how))
}

// watchdog tells systemd that we are ready, and then, as often as it wants to know, that we live.
func watchdog(ctx context.Context, status func() string) {
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
			_, _ = sd.SdNotify(false, sd.SdNotifyWatchdog+"\nSTATUS="+status())
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
