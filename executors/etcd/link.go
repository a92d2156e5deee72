package etcd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/pigsync/pigsync/resource"
)

const (
	maxAnswer      = 16 << 20 // bytes of one answer
	keepaliveEvery = 20 * time.Second
	keepaliveWait  = 5 * time.Second
)

var errUntrusted = errors.New("its certificate cannot be verified")

// link is the connection to one endpoint. It is opened when it is needed and kept until it breaks;
// nothing is dialled behind its back, so that why an endpoint cannot be reached is always known.
type link struct {
	opts *Options
	end  resource.Endpoint
	ca   string

	mu   sync.Mutex // one opening at a time; guards conn
	conn *conn
}

// conn is one open connection and what is remembered for as long as it lives.
type conn struct {
	grpc        *grpc.ClientConn
	kv          clientv3.KV
	cluster     clientv3.Cluster
	maintenance clientv3.Maintenance
	auth        clientv3.Auth
	session     session
	memory      memory
}

func newLink(o *Options, end resource.Endpoint, ca string) *link {
	return &link{opts: o, end: end, ca: ca}
}

// reach is how far one gets at an endpoint.
type reach uint8

const (
	unclear reach = iota // nobody knows what is there, or it is not what was expected
	nothing              // the node is there, and nothing listens
	silent               // something accepts a connection and says nothing: etcd, before it has found the others
	open
)

// opened gives the connection, and opens it first where there is none that works.
func (l *link) opened(ctx context.Context) (*conn, reach, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil && l.conn.grpc.GetState() == connectivity.Ready {
		return l.conn, open, nil
	}
	l.drop()
	raw, err := l.opts.Dial(ctx, l.end.Node, l.end.Addr)
	if err != nil {
		if l.opts.Refused(err) {
			return nil, nothing, errors.New("connection refused")
		}
		return nil, unclear, err
	}
	secure, how, err := l.secure(ctx, raw)
	if err != nil {
		_ = raw.Close() // already failed
		return nil, how, err
	}
	c, err := newConn(ctx, secure)
	if err != nil {
		_ = secure.Close() // already failed
		return nil, unclear, err
	}
	l.conn = c
	return c, open, nil
}

// probe tells whether anything listens, where there is no authority yet to know it by.
func (l *link) probe(ctx context.Context) (reach, error) {
	raw, err := l.opts.Dial(ctx, l.end.Node, l.end.Addr)
	switch {
	case err == nil:
		return silent, raw.Close()
	case l.opts.Refused(err):
		return nothing, nil
	}
	return unclear, err
}

// secure makes sure that the endpoint has a certificate of our authority for its own address.
func (l *link) secure(ctx context.Context, raw net.Conn) (net.Conn, reach, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(l.ca)) {
		return nil, unclear, errors.New("the authority's certificate is not PEM")
	}
	host, _, err := net.SplitHostPort(l.end.Addr)
	if err != nil {
		return nil, unclear, err
	}
	c := tls.Client(raw, &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}})
	err = c.HandshakeContext(ctx)
	var untrusted *tls.CertificateVerificationError
	switch {
	case err == nil:
		return c, open, nil
	case errors.As(err, &untrusted):
		return nil, unclear, fmt.Errorf("%w: %w", errUntrusted, untrusted.Err)
	case ctx.Err() != nil:
		return nil, silent, errors.New("it accepts connections and does not answer")
	}
	return nil, unclear, fmt.Errorf("open TLS: %w", err)
}

// newConn speaks gRPC over an open connection. A second one is never dialled: when this one breaks,
// the conn is of no use any more.
func newConn(ctx context.Context, raw net.Conn) (*conn, error) {
	hand := make(chan net.Conn, 1)
	hand <- raw
	g, err := grpc.NewClient("passthrough:///"+raw.RemoteAddr().String(),
		// The connection is TLS already.
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			select {
			case c := <-hand:
				return c, nil
			default:
				return nil, net.ErrClosed
			}
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveEvery, Timeout: keepaliveWait}),
		grpc.WithIdleTimeout(0), grpc.WithDisableServiceConfig(), grpc.WithNoProxy(),
	)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	g.Connect()
	for s := g.GetState(); s != connectivity.Ready; s = g.GetState() {
		if s == connectivity.TransientFailure || !g.WaitForStateChange(ctx, s) {
			return nil, errors.Join(errors.New("it accepts connections and does not speak etcd's protocol"), g.Close())
		}
	}
	none := clientv3.NewCtxClient(context.Background()) // holds call options only, and we have none
	return &conn{
		grpc:        g,
		kv:          clientv3.NewKVFromKVClient(pb.NewKVClient(g), none),
		cluster:     clientv3.NewClusterFromClusterClient(pb.NewClusterClient(g), none),
		maintenance: clientv3.NewMaintenanceFromMaintenanceClient(pb.NewMaintenanceClient(g), none),
		auth:        clientv3.NewAuthFromAuthClient(pb.NewAuthClient(g), none),
	}, nil
}

// forget closes c, which has fallen silent, so that the next look dials anew.
func (l *link) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == c {
		l.drop()
	}
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop()
}

// drop closes the connection; l.mu is held.
func (l *link) drop() {
	if l.conn != nil {
		_ = l.conn.grpc.Close() // it is only ever closed here
		l.conn = nil
	}
}

func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
