package stories

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
)

const (
	// election is the longest that a client may wait: etcd's default election timeout is one second,
	// after which a second attempt may be needed.
	election = 5 * time.Second
	// attempt bounds one try of a write; a client that lost its member then asks another.
	attempt = time.Second
	// writes is how soon after an answer the next write follows.
	writes = 5 * time.Millisecond
)

// writer is a client that writes to etcd without pause until it is stopped.
type writer struct {
	s       *story
	client  *clientv3.Client
	stop    context.CancelFunc
	ended   chan struct{}
	acked   int           // keys 0 … acked-1 were acknowledged
	longest time.Duration // that a write waited
	at      time.Time     // when the longest began
	err     error
}

// client connects as root, by way of the lab's network, to etcd on the nodes given.
func (s *story) client(nodes ...int) *clientv3.Client {
	s.Helper()
	pem, err := os.ReadFile(s.path("state/ca/ca.crt"))
	s.must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	var endpoints []string
	for _, n := range nodes {
		endpoints = append(endpoints, "https://"+address(n)+":2379")
	}
	dial := func(ctx context.Context, addr string) (net.Conn, error) { return s.lab.Dial(ctx, "tcp", addr) }
	c, err := clientv3.New(clientv3.Config{
		Endpoints: endpoints, Username: "root", Password: "Etcd.Story", DialTimeout: 5 * time.Second,
		DialKeepAliveTime: time.Second, DialKeepAliveTimeout: time.Second, PermitWithoutStream: true,
		TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, Logger: zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(dial)},
	})
	s.must(err)
	s.Cleanup(func() { c.Close() })
	return c
}

// writesTo starts a writer to etcd on the nodes given; where there is no member, it asks the others.
func (s *story) writesTo(nodes ...int) *writer {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &writer{s: s, client: s.client(nodes...), stop: cancel, ended: make(chan struct{})}
	s.Cleanup(func() { w.stop(); <-w.ended })
	go w.run(ctx)
	return w
}

func (w *writer) run(ctx context.Context) {
	defer close(w.ended)
	for tick := time.NewTicker(writes); ctx.Err() == nil; <-tick.C {
		began := time.Now()
		if !w.write(ctx, w.acked) {
			return
		}
		w.acked++
		if took := time.Since(began); took > w.longest {
			w.longest, w.at = took, began
		}
	}
}

// write tries until the write is acknowledged; writing the same again does no harm.
func (w *writer) write(ctx context.Context, n int) bool {
	for ctx.Err() == nil {
		try, cancel := context.WithTimeout(ctx, attempt)
		_, err := w.client.Put(try, key(n), strconv.Itoa(n))
		cancel()
		if err == nil {
			return true
		}
		w.err = err
	}
	return false
}

func key(n int) string { return fmt.Sprintf("/writer/%08d", n) }

// lostNothing stops the writer, and wants every write that was acknowledged to be there and none to
// have waited longer than an election.
func (w *writer) lostNothing() {
	w.s.Helper()
	w.kept()
	if w.longest > election {
		w.s.Errorf("a write waited %s, want at most %s", w.longest, election)
	}
}

// kept stops the writer, and wants every write that was acknowledged to be there.
func (w *writer) kept() {
	w.s.Helper()
	w.stop()
	<-w.ended
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	res, err := w.client.Get(ctx, "/writer/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	w.s.must(err)
	there := map[string]bool{}
	for _, kv := range res.Kvs {
		there[string(kv.Key)] = true
	}
	lost := 0
	for n := range w.acked {
		if !there[key(n)] {
			lost++
		}
	}
	w.s.Logf("%d writes were acknowledged, %d are lost; the longest waited %s (at %s; last error: %v)",
		w.acked, lost, w.longest.Round(time.Millisecond), w.at.Format(time.TimeOnly), w.err)
	if lost > 0 || w.acked == 0 {
		w.s.Errorf("%d of %d acknowledged writes are lost", lost, w.acked)
	}
}
