package lab

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"time"
)

const serveLimit = 15 * time.Second

// Serve offers the nodes their packages by HTTP and answers DNS at Gateway, until ctx ends.
// Up runs it by itself; only a Config.Helper command calls it.
func (l *Lab) Serve(ctx context.Context) error {
	st, err := l.load()
	if err != nil {
		return err
	}
	wait, err := l.serve(ctx, st)
	if err != nil {
		return err
	}
	return wait()
}

// serveOnce makes sure that someone serves: the helper, or else this process.
func (l *Lab) serveOnce(ctx context.Context, st state) error {
	if l.served(ctx) {
		return nil
	}
	if len(l.cfg.Helper) > 0 {
		return l.startHelper(ctx)
	}
	serveCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	wait, err := l.serve(serveCtx, st)
	if err != nil {
		cancel()
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.close = func() { cancel(); _ = wait() } // it ended because we said so
	return nil
}

// stopServing ends what serveOnce started in this process.
func (l *Lab) stopServing() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.close != nil {
		l.close()
		l.close = nil
	}
}

// served says whether the servers answer.
func (l *Lab) served(ctx context.Context) bool {
	conn, err := l.Dial(ctx, "tcp", Gateway+":80")
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// startHelper starts the command that serves, in the lab's network.
func (l *Lab) startHelper(ctx context.Context) error {
	log, err := os.Create(l.path("helper.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("nsenter", append([]string{"--net=" + l.Netns(), "--"}, l.cfg.Helper...)...) // outlives ctx
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, "/"
	detach(cmd, nil)
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // reaps it, if this process is still there when it ends; its fate is seen by asking it
	return await(ctx, serveLimit, "the helper to serve (see "+l.path("helper.log")+")", func() bool { return l.served(ctx) })
}

// serve listens in the lab's network and serves until ctx ends; wait returns when all is over.
func (l *Lab) serve(ctx context.Context, st state) (wait func() error, err error) {
	var web net.Listener
	var names net.PacketConn
	err = inNetwork(l.Netns(), func() (err error) {
		if web, err = net.Listen("tcp4", Gateway+":80"); err != nil {
			return err
		}
		names, err = net.ListenPacket("udp4", Gateway+":53")
		return err
	})
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: packages(st), ReadHeaderTimeout: 10 * time.Second}
	var wg sync.WaitGroup
	var webErr, namesErr error
	wg.Go(func() { webErr = server.Serve(web); names.Close() })
	wg.Go(func() { namesErr = answerNames(names); server.Close() })
	stop := context.AfterFunc(ctx, func() { server.Close(); names.Close() })
	return func() error {
		wg.Wait()
		stop()
		if ctx.Err() != nil {
			return nil
		}
		return errors.Join(webErr, namesErr)
	}, nil
}

// packages serves a file of /pigsty/SUITE/, and below /pigsty/ one of the asking node's suite.
// It takes "/./" as it comes, which apt sends for a flat repository: when redirected apt
// escapes the name once more, and no longer finds what has a plus sign in it.
func packages(st state) http.Handler {
	suites := map[string]Suite{}
	for i, n := range st.Nodes {
		suites[nodeAddress(i)] = n.Suite
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, below := strings.CutPrefix(path.Clean(r.URL.Path), "/pigsty/")
		host, _, _ := net.SplitHostPort(r.RemoteAddr) // "" is no node's address
		suite := suites[host]
		if first, rest, cut := strings.Cut(file, "/"); cut {
			suite, file = Suite(first), rest
		}
		dir, known := st.Repos[suite]
		if !below || !known {
			http.NotFound(w, r)
			return
		}
		http.ServeFileFS(w, r, os.DirFS(dir), file)
	})
}

// answerNames answers every DNS query with "no such name", as a resolver that knows none
// would; without it sudo and sshd wait for their time-outs.
func answerNames(conn net.PacketConn) error {
	buf := make([]byte, 512)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return err
		}
		if reply := noSuchName(buf[:n]); reply != nil {
			_, _ = conn.WriteTo(reply, from) // the asker asks again
		}
	}
}

// noSuchName is the answer NXDOMAIN to a DNS query (RFC 1035, section 4.1), nil when it is none.
func noSuchName(query []byte) []byte {
	const header = 12
	if len(query) < header || query[2]&0x80 != 0 {
		return nil
	}
	end := header
	for end < len(query) && query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5 // the root label, type and class
	if end > len(query) {
		return nil
	}
	flags := []byte{0x81 | query[2]&0x78, 0x83} // answer, recursion as asked; available, no such name
	reply := append([]byte{query[0], query[1]}, flags...)
	reply = append(reply, 0, 1, 0, 0, 0, 0, 0, 0)
	return append(reply, query[header:end]...)
}
