package sshtest

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"

	"golang.org/x/crypto/ssh"
)

// Exec is one command that a client asked for.
type Exec struct {
	Command string
	User    string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
}

// ErrSignal is the cause of a context that ended because the client sent a signal.
var ErrSignal = errors.New("signal")

// Exited is what an Exec returns to end the session without an exit status, as a server does
// that dies.
const Exited = -1

func (s *Server) serve(ctx context.Context, l *line) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, channels, requests, err := ssh.NewServerConn(l, s.config)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.logins++
	s.mu.Unlock()
	s.wg.Go(func() { answer(requests) })
	for ch := range channels {
		s.wg.Go(func() { s.open(ctx, conn.User(), ch) })
	}
}

// answer refuses all global requests, as sshd does with a keepalive: an answer it is.
func answer(requests <-chan *ssh.Request) {
	for r := range requests {
		if r.WantReply {
			_ = r.Reply(false, nil) // fails only when nobody listens any more
		}
	}
}

func (s *Server) open(ctx context.Context, user string, ch ssh.NewChannel) {
	switch {
	case ch.ChannelType() == "session":
		s.session(ctx, user, ch)
	case ch.ChannelType() == "direct-tcpip" && !s.opts.NoForward:
		s.forward(ctx, ch)
	default:
		_ = ch.Reject(ssh.Prohibited, "administratively prohibited")
	}
}

// session runs the one command of a session.
func (s *Server) session(ctx context.Context, user string, ch ssh.NewChannel) {
	channel, requests, err := ch.Accept()
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	started := false
	for r := range requests { // ends when the client closes the channel or the connection is lost
		switch {
		case r.Type == "exec" && !started:
			started = true
			_ = r.Reply(true, nil) // when it fails, so will the rest
			e := s.command(user, channel, r.Payload)
			s.wg.Go(func() { s.run(ctx, e, channel) })
		case r.Type == "signal":
			cancel(ErrSignal)
		case r.WantReply:
			_ = r.Reply(false, nil)
		}
	}
}

func (s *Server) command(user string, channel ssh.Channel, payload []byte) *Exec {
	var exec struct{ Command string }
	_ = ssh.Unmarshal(payload, &exec) // our own client: a malformed one is an empty command
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = append(s.commands, exec.Command)
	return &Exec{Command: exec.Command, User: user, Stdin: channel, Stdout: channel, Stderr: channel.Stderr()}
}

func (s *Server) run(ctx context.Context, e *Exec, channel ssh.Channel) {
	defer channel.Close()
	status := s.opts.Exec(ctx, e)
	_ = channel.CloseWrite() // as below: the client may be gone
	if status != Exited {
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
	}
}

// forward connects a tunnel, as a jump host does.
func (s *Server) forward(ctx context.Context, ch ssh.NewChannel) {
	var to struct {
		Host     string
		Port     uint32
		From     string
		FromPort uint32
	}
	if err := ssh.Unmarshal(ch.ExtraData(), &to); err != nil {
		_ = ch.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	var d net.Dialer
	far, err := d.DialContext(ctx, "tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
	if err != nil {
		_ = ch.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	near, requests, err := ch.Accept()
	if err != nil {
		_ = far.Close()
		return
	}
	s.wg.Go(func() { answer(requests) })
	s.wg.Go(func() { carry(near, far) })
	carry(far, near)
}

func carry(to, from io.ReadWriteCloser) {
	_, _ = io.Copy(to, from) // either end may go at any time
	_, _ = to.Close(), from.Close()
}
