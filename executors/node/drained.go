package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pigsync/pigsync/resource"
)

const (
	balancerSocket  = "/run/haproxy-admin.sock"
	balancerTimeout = 5 * time.Second
)

// drainNote is the note of who is out; it is made before, and dropped after.
const drainNote = "drained"

// seeDrained reads our own note: who else keeps an instance out does so for reasons of his own.
func (v *view) seeDrained(name string) (resource.Spec, error) {
	var note resource.PGDrained
	if err := v.stamp(drainNote, name, &note); err != nil {
		return nil, err
	}
	return note, nil
}

// drain sends nobody new to who is out, stops looking at who is to be left still, and takes both back of all
// others.
func (w *work) drain(ctx context.Context, want resource.PGDrained, have resource.Spec) error {
	was, _ := have.(resource.PGDrained)
	quiet := len(want.Out)+len(want.Still) == 0
	if !quiet {
		if err := w.putStamp(drainNote, w.id.Name, want); err != nil {
			return err
		}
	}
	for _, step := range []struct {
		names   []string
		but     []string
		command string
	}{
		{was.Still, want.Still, "enable health %s"}, {was.Out, want.Out, "set server %s state ready"},
		{want.Still, nil, "disable health %s"}, {want.Out, nil, "set server %s state drain"},
	} {
		for _, name := range step.names {
			if slices.Contains(step.but, name) {
				continue
			}
			if err := w.tellBalancer(ctx, w.id.Name, name, step.command); err != nil {
				return err
			}
		}
	}
	if quiet {
		return w.dropStamp(drainNote, w.id.Name)
	}
	return nil
}

// tellBalancer says something of an instance in all services of its cluster. Where no balancer runs there is
// nothing to say, and one that starts takes everybody.
func (w *work) tellBalancer(ctx context.Context, cluster, instance, command string) error {
	all, err := w.servers(ctx, cluster)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.name != instance || strings.HasSuffix(command, " drain") && !spared(all, s) {
			continue
		}
		command := fmt.Sprintf(command, s.backend+"/"+s.name)
		said, err := w.balancer(ctx, command)
		if said = strings.TrimSpace(said); err != nil || said != "" {
			return errors.Join(fmt.Errorf("HAProxy: %s: %s", command, said), err)
		}
	}
	return nil
}

// served is a server behind a service.
type served struct {
	backend, name string
	up            bool
}

// spared tells whether somebody else of its service can do the work.
func spared(all []served, s served) bool {
	return slices.ContainsFunc(all, func(o served) bool { return o.backend == s.backend && o.name != s.name && o.up })
}

// servers are those behind the services of a cluster; another cluster's name may begin like this one's.
func (v *view) servers(ctx context.Context, cluster string) (all []served, err error) {
	said, err := v.balancer(ctx, "show stat -1 4 -1")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(said) {
		f := strings.Split(line, ",")
		const status = 17
		if len(f) <= status || !strings.HasPrefix(f[0], cluster+"-") || !strings.HasPrefix(f[1], cluster+"-") {
			continue
		}
		all = append(all, served{backend: f[0], name: f[1], up: strings.HasPrefix(f[status], "UP") || f[status] == "no check"})
	}
	return all, nil
}

// balancer asks HAProxy over its socket.
func (v *view) balancer(ctx context.Context, command string) (string, error) {
	if v.l.Balancer != nil {
		return v.l.Balancer(ctx, command)
	}
	ctx, cancel := context.WithTimeout(ctx, balancerTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", balancerSocket)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // a socket takes one
	}
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		return "", err
	}
	said, err := io.ReadAll(io.LimitReader(conn, maxOutput))
	return string(said), err
}
