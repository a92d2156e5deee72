package stories

import (
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// storeAt is where the object store of a story listens: at the host, as nodes see it.
const storeAt = lab.Gateway + ":9000"

// storeCA is where nodes have who vouches for it.
const storeCA = "/etc/ssl/store.crt"

// objectStore is an object store with one bucket, "pgsql".
type objectStore struct {
	s    *story
	dir  string
	exe  string
	stop func()
}

// newStore prepares an object store that does not run yet. The first three nodes believe its certificate.
func (s *story) newStore() *objectStore {
	s.Helper()
	exe, err := s.lab.Minio(s.Context())
	s.must(err)
	st := &objectStore{s: s, dir: s.path("store"), exe: exe}
	s.must(os.MkdirAll(filepath.Join(st.dir, "data/pgsql"), 0o755))
	s.must(os.MkdirAll(filepath.Join(st.dir, "certs"), 0o755))
	cert := s.vouch("sss.pigsty", filepath.Join(st.dir, "certs/public.crt"), filepath.Join(st.dir, "certs/private.key"))
	for n := 1; n <= 3; n++ {
		s.must(s.node(n).WriteFile(s.Context(), storeCA, cert, 0o644))
	}
	return st
}

// start runs the store until the story ends, or stop is called.
func (st *objectStore) start() {
	s := st.s
	s.Helper()
	cmd := s.lab.Command(s.Context(), st.exe, "server", filepath.Join(st.dir, "data"), "--address", storeAt, "--certs-dir", filepath.Join(st.dir, "certs"))
	cmd.Env = append(os.Environ(), "MINIO_ROOT_USER=pgbackrest", "MINIO_ROOT_PASSWORD=S3User.Backup", "MINIO_UPDATE=off", "MINIO_BROWSER=off", "HOME="+st.dir)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	s.must(cmd.Start())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }() // it is killed
	st.stop = func() { _ = cmd.Process.Kill(); <-ended }
	s.Cleanup(st.stop)
	s.eventually(time.Minute, "the store listens", func() bool {
		conn, err := s.lab.Dial(s.Context(), "tcp", storeAt)
		return err == nil && conn.Close() == nil
	})
}
