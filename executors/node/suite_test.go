package node_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/exectest"
	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/executors/ssh"
	"github.com/pigsync/pigsync/executors/ssh/sshtest"
	"github.com/pigsync/pigsync/resource"
)

// options are for an executor over a temporary root.
func options(logged func() string) exectest.Options {
	at := func(k resource.Kind, name string) resource.ID { return resource.ID{Kind: k, Name: name, At: "node-1"} }
	return exectest.Options{
		Tree: true, Owner: "daemon", Logged: logged, Walks: walks(30),
		Strange: []resource.ID{at("etcduser", "root"), at("ca", "ca")},
		Samples: []exectest.Sample{
			{ID: at("group", "etcd"), Specs: []resource.Spec{resource.Group{System: true}}},
			{ID: at("user", "etcd"), Specs: []resource.Spec{
				resource.User{System: true, Group: "daemon", Home: "/var/lib/etcd", Shell: "/bin/false"},
				resource.User{Group: "staff", Home: "/x", Shell: "/bin/sh"}, resource.User{Groups: []string{"root", "daemon"}},
			}},
		},
	}
}

// farOptions are options for the same hand behind a stream: what it does to files has been tried near
// by, so that a few random walks show whether it gets through.
func farOptions(logged func() string) exectest.Options {
	o := options(logged)
	o.Walks = walks(5)
	return o
}

// walks is n, or as many as there are for those who have the time.
func walks(n int) int {
	if os.Getenv("PIGSYNC_SOAK") == "1" {
		return 0
	}
	return n
}

func TestSuiteLocal(t *testing.T) {
	t.Parallel()
	var j journal
	near := func(t testing.TB) *node.Local {
		l := local(t, machine(t))
		l.Log = j.logger()
		return l
	}
	o := options(j.String)
	o.Blind = func(t testing.TB) executors.Executor {
		l := near(t)
		must(t, l.Root.Close())
		return l
	}
	exectest.RunFiles(t, func(t testing.TB) executors.Executor { return near(t) }, o)
}

func TestSuitePipe(t *testing.T) {
	t.Parallel()
	var j journal
	far := func(t testing.TB) *node.Remote {
		return piped(t, local(t, machine(t)), node.Options{Log: j.logger()})
	}
	o := farOptions(j.String)
	o.Blind = func(t testing.TB) executors.Executor {
		r := far(t)
		must(t, r.Close())
		return r
	}
	exectest.RunFiles(t, func(t testing.TB) executors.Executor { return far(t) }, o)
}

func TestSuiteProcess(t *testing.T) {
	t.Parallel()
	var j journal
	o := farOptions(j.String)
	o.Blind = func(t testing.TB) executors.Executor {
		p := spawn(t, machine(t), nil)
		r := connect(t, p, node.Options{Log: j.logger()})
		must(t, p.cmd.Process.Kill())
		return r
	}
	exectest.RunFiles(t, func(t testing.TB) executors.Executor {
		return connect(t, spawn(t, machine(t), nil), node.Options{Log: j.logger()})
	}, o)
}

// The far hand behind an SSH server in this process, one connection for each test.
func TestSuiteSSH(t *testing.T) {
	t.Parallel()
	var j journal
	far := func(t testing.TB, l *node.Local) executors.Executor {
		srv := sshtest.Serve(t, sshtest.Options{Exec: func(ctx context.Context, e *sshtest.Exec) int {
			if l == nil || node.Serve(ctx, channel{e.Stdin, e.Stdout}, l, "digest") != nil {
				return 1
			}
			return 0
		}})
		pool := ssh.NewPool(ssh.Config{KnownHosts: []string{srv.KnownHosts}})
		t.Cleanup(func() { pool.Close() })
		to := ssh.Target{Host: srv.Host, Port: srv.Port, User: "admin", KeyFile: srv.KeyFile}
		return behind(t, pool, to, "pigsync node", node.Options{Log: j.logger()})
	}
	o := farOptions(j.String)
	o.Blind = func(t testing.TB) executors.Executor { return far(t, nil) }
	exectest.RunFiles(t, func(t testing.TB) executors.Executor { return far(t, local(t, machine(t))) }, o)
}

// channel is the far end of a session, which ends with its command.
type channel struct {
	io.Reader
	io.Writer
}

func (channel) Close() error { return nil }

// The same behind OpenSSH, which runs this test binary as the helper of a machine below a root.
func TestSuiteOpenSSH(t *testing.T) {
	t.Parallel()
	var j journal
	d := sshtest.OpenSSH(t)
	pool := ssh.NewPool(ssh.Config{KnownHosts: []string{d.KnownHosts}})
	t.Cleanup(func() { pool.Close() })
	to := ssh.Target{Host: d.Host, Port: d.Port, User: d.User, KeyFile: d.KeyFile}
	far := func(t testing.TB, command string) executors.Executor {
		return behind(t, pool, to, command, node.Options{Log: j.logger()})
	}
	o := farOptions(j.String)
	o.Blind = func(t testing.TB) executors.Executor { return far(t, "exit 1") }
	exectest.RunFiles(t, func(t testing.TB) executors.Executor {
		return far(t, fmt.Sprintf("env %s '%s'", strings.Join(helperEnv(machine(t)), " "), os.Args[0]))
	}, o)
}

// behind is a fleet of one node, on which command is the helper.
func behind(t testing.TB, pool *ssh.Pool, to ssh.Target, command string, opts node.Options) *node.Fleet {
	f := &node.Fleet{Options: opts, Open: func(ctx context.Context, _ string) (io.ReadWriteCloser, error) {
		c, err := pool.Client(ctx, to)
		if err != nil {
			return nil, err
		}
		return c.Start(ctx, command)
	}}
	t.Cleanup(func() { f.Close() })
	return f
}
