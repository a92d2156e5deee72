package pgtest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pigsync/pigsync/resource"
)

// The names of a cluster, and who may use Patroni's REST API.
const (
	Name     = "pg-test"
	APIUser  = "patroni"
	Password = "rest-canary"
)

// Cluster is a cluster of n instances.
type Cluster struct {
	testing.TB
	Place resource.PGPlace
	DBSU  string

	dir    string
	bin    string
	subnet string
	creds  *syscall.Credential
	procs  *processes
}

// processes are what runs, by name.
type processes struct {
	mu     sync.Mutex // guards byName
	byName map[string]*exec.Cmd
}

// New prepares a cluster of which nothing runs yet. The test is skipped where a program is missing.
func New(t testing.TB, n int) *Cluster {
	t.Helper()
	c := &Cluster{TB: t, bin: binaries(t), procs: &processes{byName: map[string]*exec.Cmd{}}}
	c.becomes()
	dir, err := os.MkdirTemp("", "pgtest-")
	c.must(err)
	c.dir, c.subnet = dir, fmt.Sprintf("127.%d.%d.", 64+os.Getpid()%128, 1+time.Now().UnixNano()/1000%250)
	t.Cleanup(c.down)
	c.must(os.Chmod(dir, 0o755)) //nolint:gosec // the servers run as somebody else
	c.Place = resource.PGPlace{At: Name, User: APIUser, Password: resource.NewSecret(Password)}
	for i := 1; i <= n; i++ {
		c.Place.Seats = append(c.Place.Seats, c.seat(i))
		c.must(os.MkdirAll(c.Place.Seats[i-1].Socket, 0o755)) //nolint:gosec // as above
		c.own(c.home(i), c.Place.Seats[i-1].Socket)
	}
	return c
}

// Start is a cluster that runs, its first instance leading.
func Start(t testing.TB, n int) *Cluster {
	t.Helper()
	c := New(t, n)
	c.Etcd()
	for i := 1; i <= n; i++ {
		c.Patroni(i)
		c.Up(i)
	}
	return c
}

func binaries(t testing.TB) string {
	for _, program := range []string{"etcd", "patroni"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if found == nil {
		t.Skip("PostgreSQL is not installed")
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1])
}

// becomes finds out as whom the servers run: they refuse to be root.
func (c *Cluster) becomes() {
	c.Helper()
	me, err := user.Current()
	c.must(err)
	if c.DBSU = me.Username; me.Uid != "0" {
		return
	}
	c.DBSU = "postgres"
	u, err := user.Lookup(c.DBSU)
	if err != nil {
		c.Skip("there is no user postgres")
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	c.must(err)
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	c.must(err)
	c.creds = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (c *Cluster) own(paths ...string) {
	c.Helper()
	for _, p := range paths {
		if c.creds != nil {
			c.must(os.Chown(p, int(c.creds.Uid), int(c.creds.Gid)))
		}
	}
}

func (c *Cluster) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// Node is the place of an instance: an address of this machine.
func (c *Cluster) Node(i int) string { return c.subnet + strconv.Itoa(i) }

// Instance is the name of an instance.
func (c *Cluster) Instance(i int) string { return fmt.Sprintf("%s-%d", Name, i) }

func (c *Cluster) home(i int) string { return filepath.Join(c.dir, strconv.Itoa(i)) }

func (c *Cluster) seat(i int) resource.PGSeat {
	return resource.PGSeat{
		Instance: c.Instance(i), Node: c.Node(i), Socket: c.home(i) + "/s", Port: 5432, DBSU: c.DBSU,
		Data: c.home(i) + "/data", REST: "http://" + c.Node(i) + ":8008",
	}
}

// ID is the id of something inside the cluster.
func (c *Cluster) ID(k resource.Kind, name string) resource.ID {
	return resource.ID{Kind: k, Name: name, At: Name}
}

// run starts a program whose end ends nothing; what it says is kept in a file.
func (c *Cluster) run(name string, argv ...string) {
	c.Helper()
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec // programs of this package
	out, err := os.OpenFile(filepath.Join(c.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	c.must(err)
	defer out.Close()
	cmd.Stdout, cmd.Stderr, cmd.Dir = out, out, "/"
	cmd.Env = []string{"PATH=" + c.bin + ":/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/nonexistent", "PYTHONDONTWRITEBYTECODE=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if name != "etcd" {
		cmd.SysProcAttr.Credential = c.creds
	}
	c.must(cmd.Start())
	c.procs.mu.Lock()
	defer c.procs.mu.Unlock()
	c.procs.byName[name] = cmd
}

// Etcd starts the store.
func (c *Cluster) Etcd() {
	c.Helper()
	url := "http://" + c.Node(200)
	c.run("etcd", "etcd", "--data-dir", c.dir+"/etcd", "--listen-client-urls", url+":2379", "--advertise-client-urls", url+":2379",
		"--listen-peer-urls", url+":2380", "--initial-advertise-peer-urls", url+":2380", "--initial-cluster", "default="+url+":2380",
		"--unsafe-no-fsync", "--log-level", "error")
}

const config = `
scope: %[1]s
name: %[2]s
restapi: {listen: "%[3]s:8008", connect_address: "%[3]s:8008", authentication: {username: %[4]s, password: %[5]s}}
etcd3: {hosts: "%[6]s:2379"}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 1
    retry_timeout: 3
    maximum_lag_on_failover: 1048576
    postgresql:
      use_slots: true
      parameters: {max_connections: 50, max_wal_senders: 5, max_replication_slots: 5, shared_buffers: 16MB, fsync: "off", wal_level: logical}
  initdb: [{encoding: UTF8}, {locale: C}, {auth-local: peer}, {auth-host: scram-sha-256}]
  pg_hba: [local all all peer, host all all 127.0.0.0/8 scram-sha-256, host replication replicator 127.0.0.0/8 scram-sha-256]
postgresql:
  listen: "%[3]s:5432"
  connect_address: "%[3]s:5432"
  data_dir: %[7]s/data
  bin_dir: %[8]s
  pgpass: %[7]s/pgpass
  use_unix_socket: true
  authentication:
    superuser: {username: %[9]s}
    replication: {username: replicator, password: replicator}
  parameters: {unix_socket_directories: "%[7]s/s", log_statement: all, logging_collector: "off"}
`

// Patroni starts an instance.
func (c *Cluster) Patroni(i int) {
	c.Helper()
	path := filepath.Join(c.home(i), "patroni.yml")
	text := fmt.Sprintf(config, Name, c.Instance(i), c.Node(i), APIUser, Password, c.Node(200), c.home(i), c.bin, c.DBSU)
	c.must(os.WriteFile(path, []byte(text), 0o600))
	c.own(path)
	c.run(c.Instance(i), "patroni", path)
}

// Stop ends an instance, its server too: by SIGTERM the gentle way, by SIGKILL as a power cut does.
func (c *Cluster) Stop(i int, how syscall.Signal) {
	c.Helper()
	c.procs.mu.Lock()
	cmd := c.procs.byName[c.Instance(i)]
	delete(c.procs.byName, c.Instance(i))
	c.procs.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(how) // it may have ended
	if how == syscall.SIGKILL {
		c.postmaster(i)
	}
	_ = cmd.Wait() // of a signal
}

// postmaster kills a server that its Patroni has left behind.
func (c *Cluster) postmaster(i int) {
	b, err := os.ReadFile(c.home(i) + "/data/postmaster.pid")
	first, _, _ := strings.Cut(string(b), "\n")
	if pid, bad := strconv.Atoi(first); err == nil && bad == nil && pid > 1 {
		_ = syscall.Kill(pid, syscall.SIGQUIT) // at once, its children with it
	}
}

func (c *Cluster) down() {
	if c.Failed() {
		text := c.Log()
		c.Logf("the end of the logs:\n%s", text[max(0, len(text)-4000):])
	}
	for i := range c.Place.Seats {
		c.Stop(i+1, syscall.SIGKILL)
	}
	c.procs.mu.Lock()
	defer c.procs.mu.Unlock()
	for _, cmd := range c.procs.byName {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	}
	for range 50 { // the children of a server that was told to quit may still write
		if os.RemoveAll(c.dir) == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Log is what all programs have said so far.
func (c *Cluster) Log() string {
	var b strings.Builder
	files, _ := filepath.Glob(c.dir + "/*.log")
	for _, f := range files {
		text, _ := os.ReadFile(f) //nolint:gosec // our own
		b.Write(text)
	}
	return b.String()
}

// Up waits until an instance runs, and leads or streams.
func (c *Cluster) Up(i int) {
	c.Helper()
	want := `"state": "running"`
	c.Eventually(c.Instance(i)+" runs", func() bool {
		said := c.get(i, "/patroni")
		return strings.Contains(said, want) || strings.Contains(said, `"state": "streaming"`)
	})
	c.Eventually(c.Instance(i)+" is of the cluster", func() bool {
		return strings.HasPrefix(c.get(i, "/primary"), "200") || strings.HasPrefix(c.get(i, "/replica"), "200")
	})
}

// get is the status and the body of an answer of Patroni.
func (c *Cluster) get(i int, path string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Node(i)+":8008"+path, nil)
	c.must(err)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.Status + " " + string(body)
}

// Eventually waits for something, for a minute.
func (c *Cluster) Eventually(what string, holds func() bool) {
	c.Helper()
	deadline := time.Now().Add(time.Minute)
	for !holds() {
		if time.Now().After(deadline) {
			c.Fatalf("it never came about that %s", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// SQL runs statements on an instance by psql, as its superuser, and gives the rows.
func (c *Cluster) SQL(i int, database, sql string) string {
	c.Helper()
	cmd := exec.Command(filepath.Join(c.bin, "psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", c.home(i)+"/s", "-U", c.DBSU, "-d", database)
	cmd.Stdin = strings.NewReader(sql)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.creds}
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.Fatalf("%s: %v: %s", sql, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Login tries a password over TCP.
func (c *Cluster) Login(i int, role, password string) error {
	c.Helper()
	cmd := exec.Command(filepath.Join(c.bin, "psql"), "-X", "-w", "-h", c.Node(i), "-U", role, "-d", "postgres", "-c", "SELECT 1")
	cmd.Env = []string{"PGPASSWORD=" + password, "PGCLIENTENCODING=UTF8", "LC_ALL=C.UTF-8"}
	cmd.Dir = "/"
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("log in as %s: %w: %s", role, err, out)
	}
	return nil
}

// With is the same cluster under a part of the test.
func (c *Cluster) With(t testing.TB) *Cluster {
	return &Cluster{TB: t, Place: c.Place, DBSU: c.DBSU, dir: c.dir, bin: c.bin, subnet: c.subnet, creds: c.creds, procs: c.procs}
}

// File is a path in the home of an instance.
func (c *Cluster) File(i int, name string) string { return filepath.Join(c.home(i), name) }
