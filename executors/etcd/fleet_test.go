package etcd_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors/ca"
	"github.com/pigsync/pigsync/executors/etcd"
	"github.com/pigsync/pigsync/resource"
)

// fleet is a group of nodes on loopback addresses of their own, with real etcd servers on them.
type fleet struct {
	t      testing.TB
	binary string
	dir    string
	subnet string // "127.x.y."
	ca     *ca.Authority
	place  resource.EtcdPlace
	exec   *etcd.Executor
	log    *bytes.Buffer
	opts   etcd.Options

	dials   atomic.Int32
	mu      sync.Mutex // guards what follows
	servers map[string]*server
	cut     map[string]bool // nodes that answer nothing
}

type server struct {
	cmd  *exec.Cmd
	over chan struct{} // closed when the process has ended
	log  *os.File
}

var subnets atomic.Uint32

const clusterName = "etcd"

// newFleet makes n nodes with nothing on them.
func newFleet(t testing.TB, n int) *fleet {
	t.Helper()
	net := uint32(os.Getpid())<<4 + subnets.Add(1)
	f := &fleet{
		t: t, binary: binary(t), dir: t.TempDir(), subnet: fmt.Sprintf("127.%d.%d.", 1+net>>8%200, net&0xff),
		servers: map[string]*server{}, cut: map[string]bool{}, log: &bytes.Buffer{},
	}
	f.ca = newCA(t, filepath.Join(f.dir, "ca"))
	f.place = resource.EtcdPlace{At: clusterName, User: "root", Logins: map[string]resource.Secret{}}
	f.place.CA, _ = f.ca.PEM()
	for i := range n {
		f.addNode(i + 1)
	}
	f.opts = etcd.Options{Dial: f.dial, Patience: patience, Log: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	f.exec = newExecutor(f)
	t.Cleanup(f.down)
	return f
}

// patience is for a machine so busy that a healthy member takes seconds to answer.
const patience = 10 * time.Second

// losesPatience is for whoever waits in vain: no answer is what is wanted.
func (f *fleet) losesPatience() {
	f.opts.Patience = time.Second
	f.exec = etcd.New(f.opts)
	f.move()
}

// newExecutor makes an executor that has seen nothing yet.
func newExecutor(f *fleet) *etcd.Executor {
	e := etcd.New(f.opts)
	e.SetPlaces([]resource.EtcdPlace{f.place})
	return e
}

func binary(t testing.TB) string {
	t.Helper()
	name := os.Getenv("PIGSYNC_ETCD")
	if name == "" {
		name = "etcd"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("no etcd server: install one, or name it in PIGSYNC_ETCD")
	}
	return path
}

// long marks a walk of about ten seconds, for those who have the time.
func long(t *testing.T) {
	t.Helper()
	t.Parallel()
	if os.Getenv("PIGSYNC_SOAK") != "1" {
		t.Skip("a long walk: set PIGSYNC_SOAK=1")
	}
}

func newCA(t testing.TB, dir string) *ca.Authority {
	t.Helper()
	a := ca.New(dir)
	err := a.Apply(t.Context(), diff.Change{Action: diff.Create, Resource: resource.Resource{ID: resource.CAOf("test"), Spec: resource.CA{Name: "test"}}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func name(i int) string                  { return fmt.Sprintf("etcd-%d", i) }
func (f *fleet) addr(i int) string       { return f.subnet + fmt.Sprint(i) }
func (f *fleet) client(i int) string     { return f.addr(i) + ":2379" }
func (f *fleet) peerURL(i int) string    { return "https://" + f.addr(i) + ":2380" }
func (f *fleet) dataDir(i int) string    { return filepath.Join(f.dir, name(i)) }
func (f *fleet) file(name string) string { return filepath.Join(f.dir, name) }

// addNode adds a node to the place, with a certificate.
func (f *fleet) addNode(i int) {
	f.t.Helper()
	f.place.Endpoints = append(f.place.Endpoints, resource.Endpoint{Member: name(i), Node: f.addr(i), Addr: f.client(i)})
	f.certify(f.ca, i)
}

func (f *fleet) certify(a *ca.Authority, i int) {
	f.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(f.t, err)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	must(f.t, err)
	cert, err := a.Sign(f.t.Context(), "", csr, resource.Cert{CN: name(i), Names: []string{"127.0.0.1", "localhost", f.addr(i), name(i)}})
	must(f.t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(f.t, err)
	must(f.t, os.WriteFile(f.file(name(i)+".crt"), cert, 0o600))
	must(f.t, os.WriteFile(f.file(name(i)+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// move tells the executor of the place as it is now.
func (f *fleet) move() { f.exec.SetPlaces([]resource.EtcdPlace{f.place}) }

// dial reaches a node, unless it is cut off: then nothing is ever heard of it.
func (f *fleet) dial(ctx context.Context, node, addr string) (net.Conn, error) {
	f.dials.Add(1)
	f.mu.Lock()
	cut := f.cut[node]
	f.mu.Unlock()
	if cut {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

func (f *fleet) cutOff(i int, cut bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut[f.addr(i)] = cut
}

// initial is the value of initial-cluster for these members.
func (f *fleet) initial(members ...int) string {
	var list []string
	for _, i := range members {
		list = append(list, name(i)+"="+f.peerURL(i))
	}
	return strings.Join(list, ",")
}

// start runs a member; initial matters on its first start only.
func (f *fleet) start(i int, state, initial string) {
	f.t.Helper()
	log, err := os.Create(f.file(name(i) + ".log"))
	must(f.t, err)
	crt, key, authority := f.file(name(i)+".crt"), f.file(name(i)+".key"), f.file("ca/ca.crt")
	cmd := exec.Command(f.binary, "--name", name(i), "--data-dir", f.dataDir(i), //nolint:noctx // it ends with the test, not with a context
		"--listen-client-urls", "https://"+f.client(i), "--advertise-client-urls", "https://"+f.client(i),
		"--listen-peer-urls", f.peerURL(i), "--initial-advertise-peer-urls", f.peerURL(i),
		"--cert-file", crt, "--key-file", key,
		"--peer-cert-file", crt, "--peer-key-file", key, "--peer-trusted-ca-file", authority, "--peer-client-cert-auth",
		"--initial-cluster-token", "t", "--initial-cluster-state", state, "--initial-cluster", initial,
		"--heartbeat-interval", "50", "--election-timeout", "500", "--bcrypt-cost", "4", "--logger", "zap", "--log-level", "warn")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(f.t, cmd.Start())
	s := &server{cmd: cmd, over: make(chan struct{}), log: log}
	go func() {
		_ = cmd.Wait() // how it ended does not matter
		close(s.over)
	}()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.servers[name(i)] = s
}

// stop kills a member, as a power failure does, and waits for its end.
func (f *fleet) stop(i int) {
	f.mu.Lock()
	s := f.servers[name(i)]
	delete(f.servers, name(i))
	f.mu.Unlock()
	_ = s.cmd.Process.Kill() // it may have ended by itself
	<-s.over
	_ = s.log.Close()
}

func (f *fleet) lose(i int) {
	f.stop(i)
	must(f.t, os.RemoveAll(f.dataDir(i)))
}

func (f *fleet) down() {
	f.exec.Close()
	for i := range 9 {
		f.mu.Lock()
		_, runs := f.servers[name(i)]
		f.mu.Unlock()
		if runs {
			f.stop(i)
		}
		if log, err := os.ReadFile(f.file(name(i) + ".log")); err == nil && f.t.Failed() && testing.Verbose() {
			f.t.Logf("%s:\n%.3000s", name(i), log)
		}
	}
}

// bootstrap starts the members as a new cluster and waits until all are healthy.
func (f *fleet) bootstrap(members ...int) {
	f.t.Helper()
	for _, i := range members {
		f.start(i, "new", f.initial(members...))
	}
	f.well()
}

// well waits until every member is healthy.
func (f *fleet) well() {
	f.t.Helper()
	f.eventually("health", func() bool {
		return f.see(id(resource.KindEtcdHealth, "cluster")).Spec == resource.EtcdHealth{Healthy: true}
	})
}

func id(kind resource.Kind, name string) resource.ID {
	return resource.ID{Kind: kind, Name: name, At: clusterName}
}

func (f *fleet) see(id resource.ID) resource.State {
	f.t.Helper()
	out := f.exec.Observe(f.t.Context(), []resource.ID{id})
	if len(out) != 1 {
		f.t.Fatalf("%d states for one id", len(out))
	}
	return out[id]
}

func (f *fleet) cluster() (resource.EtcdCluster, error) {
	f.t.Helper()
	s := f.see(resource.EtcdClusterOf(clusterName))
	c, _ := s.Spec.(resource.EtcdCluster)
	return c, s.Err
}

// living is the picture of a cluster with a quorum.
func (f *fleet) living() resource.EtcdCluster {
	f.t.Helper()
	c, err := f.cluster()
	if err != nil || !c.Quorum {
		f.t.Fatalf("want a quorum, got %+v, %v", c, err)
	}
	return c
}

// number gives the number of the member with that name.
func number(name string) (i int) {
	_, _ = fmt.Sscanf(name, "etcd-%d", &i) // 0 is no member
	return i
}

// to makes the change that leads from what is seen to want; nil wants it gone.
func (f *fleet) to(id resource.ID, want resource.Spec) error {
	f.t.Helper()
	s := f.see(id)
	if s.Err != nil {
		return s.Err
	}
	c := diff.Change{Resource: resource.Resource{ID: id, Spec: want}, Action: diff.Update, Have: s.Spec}
	switch {
	case want == nil:
		c.Action, c.Spec = diff.Delete, s.Spec
	case s.Spec == nil:
		c.Action = diff.Create
	}
	return f.apply(c)
}

// apply makes a change within a minute.
func (f *fleet) apply(c diff.Change) error {
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Minute)
	defer cancel()
	return f.exec.Apply(ctx, c)
}

// made makes the change, and checks that it holds.
func (f *fleet) made(id resource.ID, want resource.Spec) {
	f.t.Helper()
	if err := f.to(id, want); err != nil {
		f.t.Fatal(err)
	}
	s := f.see(id)
	if s.Err != nil {
		f.t.Fatal(s.Err)
	}
	if want == nil && s.Spec != nil {
		f.t.Fatalf("%s is still %+v", id, s.Spec)
	}
	if want != nil && len(want.Compare(s.Spec)) != 0 {
		f.t.Fatalf("%s is %+v: %v", id, s.Spec, want.Compare(s.Spec))
	}
}

// healthy passes the gate of that name.
func (f *fleet) healthy(name string) {
	f.t.Helper()
	must(f.t, f.apply(gate(name)))
}

func gate(name string) diff.Change {
	return diff.Change{Action: diff.Check, Resource: resource.Resource{
		ID: id(resource.KindEtcdHealth, name), Spec: resource.EtcdHealth{Healthy: true},
	}}
}

// etcdctl makes a change that is not ours, as root.
func (f *fleet) etcdctl(args ...string) {
	f.t.Helper()
	f.etcdctlIn("", args...)
}

func (f *fleet) etcdctlIn(input string, args ...string) {
	f.t.Helper()
	args = append(args, "--endpoints", "https://"+f.client(1), "--cacert", f.file("ca/ca.crt"))
	if len(f.place.Passwords) > 0 {
		args = append(args, "--user", "root:"+f.place.Passwords[0].Reveal())
	}
	cmd := exec.CommandContext(f.t.Context(), "etcdctl", args...)
	cmd.Env, cmd.Stdin = append(os.Environ(), "ETCDCTL_API=3"), strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		f.t.Fatalf("etcdctl %s: %v: %s", args[0], err, out)
	}
}

// eventually asks until ok says yes, for half a minute.
func (f *fleet) eventually(what string, ok func() bool) {
	f.t.Helper()
	end := time.NewTimer(30 * time.Second)
	defer end.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-end.C:
			f.t.Fatalf("waited for %s in vain", what)
		case <-tick.C:
		}
	}
}
