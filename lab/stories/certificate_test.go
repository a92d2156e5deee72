package stories

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"
)

func TestEtcdRenewsCertificates(t *testing.T) {
	long(t)
	s := onThree(t)
	w := s.writesTo(1, 2, 3)
	for n := 1; n <= 3; n++ {
		s.aged(n, time.Hour)
	}
	var lives []string
	for n := 1; n <= 3; n++ {
		lives = append(lives, s.invocation(n))
		if left := time.Until(s.served(n).NotAfter); left > time.Hour {
			t.Fatalf("node-%d serves a certificate for %s, want the one of an hour", n, left)
		}
	}
	s.serve()
	s.converges(time.Minute)
	for n := 1; n <= 3; n++ {
		if left := time.Until(s.served(n).NotAfter); left < 365*24*time.Hour {
			t.Errorf("node-%d serves a certificate for %s after renewal", n, left)
		}
		if s.invocation(n) != lives[n-1] {
			t.Errorf("etcd on node-%d was started anew for its certificate", n)
		}
	}
	if !named(s.journal(), "cert:/etc/etcd/{server.crt,server.key}@"+address(2), "due") {
		t.Error("no plan says that the certificate was due")
	}
	w.lostNothing()
	s.agrees()
}

// aged puts in place of a node's certificate one of the same authority that ends soon.
func (s *story) aged(n int, left time.Duration) {
	s.Helper()
	s.agedAt(n, "/etc/etcd/server.crt", left)
}

// agedAt does it to the certificate of a path.
func (s *story) agedAt(n int, path string, left time.Duration) {
	s.Helper()
	pair, err := tls.LoadX509KeyPair(s.path("state/ca/ca.crt"), s.path("state/ca/ca.key"))
	s.must(err)
	block, _ := pem.Decode([]byte(s.on(n, "cat "+path)))
	leaf, err := x509.ParseCertificate(block.Bytes)
	s.must(err)
	leaf.NotBefore, leaf.NotAfter = time.Now().Add(-9*left), time.Now().Add(left)
	der, err := x509.CreateCertificate(rand.Reader, leaf, pair.Leaf, leaf.PublicKey, pair.PrivateKey)
	s.must(err)
	aged := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.must(s.node(n).WriteFile(s.Context(), "/root/aged.crt", aged, 0o644))
	s.on(n, "cat /root/aged.crt >"+path+"; rm /root/aged.crt")
}

// served is the certificate that etcd on a node shows to who connects now.
func (s *story) served(n int) *x509.Certificate {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
	defer cancel()
	raw, err := s.lab.Dial(ctx, "tcp", address(n)+":2379")
	s.must(err)
	defer raw.Close()
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true}) // the certificate itself is looked at
	s.must(conn.HandshakeContext(ctx))
	return conn.ConnectionState().PeerCertificates[0]
}
