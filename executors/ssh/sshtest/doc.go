// Package sshtest is a real SSH server inside a test.
//
//	srv := sshtest.Serve(t, sshtest.Options{Exec: func(ctx context.Context, e *sshtest.Exec) int {
//		return serveSomething(ctx, e.Stdin, e.Stdout)
//	}})
//	pool := ssh.NewPool(ssh.Config{KnownHosts: []string{srv.KnownHosts}})
//	client, err := pool.Client(ctx, ssh.Target{Host: srv.Host, Port: srv.Port, User: "admin", KeyFile: srv.KeyFile})
//
// It speaks the protocol over loopback TCP with generated keys, runs commands with a function
// of the test or with /bin/sh, forwards TCP connections as a jump host does, and can fail as
// nodes do: fall silent (Stall), drop every connection (Drop), end (Close). It is for tests
// only: whatever the test's function does, it does as the user of the test.
//
// OpenSSH starts the real sshd instead, on loopback and with generated keys too; it runs what it is
// asked to, as whoever runs the test. Where it is not installed the test is skipped, and says so.
//
// All goroutines end with the test; a function of the test must return when its context ends.
package sshtest
