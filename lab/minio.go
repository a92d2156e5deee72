package lab

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// minioVersion of MinIO, a server of the protocol of S3, is built from its Go module: Debian has no package.
const minioVersion = "v0.0.0-20260212201848-7aac2a2c5b7c"

// Minio is the path of a MinIO server, which is built when it is wanted for the first time. It takes some
// minutes then, and is kept beside the base systems.
func (l *Lab) Minio(ctx context.Context) (string, error) {
	dir := filepath.Join(l.cfg.Cache, "minio-"+digest(minioVersion))
	err := l.cached(ctx, dir, "MinIO", func(tmp string) error {
		cmd := exec.CommandContext(ctx, cmp.Or(os.Getenv("GO"), "go"), "install", "-p", "2", "-trimpath", "github.com/minio/minio@"+minioVersion)
		cmd.Dir, cmd.Env = tmp, append(os.Environ(), "GOBIN="+tmp, "CGO_ENABLED=0", "GOFLAGS=")
		_, err := output(cmd)
		return err
	})
	return filepath.Join(dir, "minio"), err
}
