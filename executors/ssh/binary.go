package ssh

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// binary is a helper on this machine.
type binary struct {
	path string
	sum  string // SHA-256, 64 lower-case hex digits
	size int64  // bytes
}

// binaries remembers digests, so that a start does not read 20 MB. A file that was replaced is
// seen by its size or time.
type binaries struct {
	mu   sync.Mutex // guards seen; held while hashing, so that a file is hashed once
	seen map[string]seen
}

type seen struct {
	size     int64
	modified time.Time
	binary   binary
}

func (b *binaries) get(path string) (binary, error) {
	f, err := os.Open(path)
	if err != nil {
		return binary{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return binary{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if s, ok := b.seen[path]; ok && s.size == info.Size() && s.modified.Equal(info.ModTime()) {
		return s.binary, nil
	}
	bin, err := digest(f, info)
	if err != nil {
		return binary{}, err
	}
	bin.path = path
	if b.seen == nil {
		b.seen = map[string]seen{}
	}
	b.seen[path] = seen{info.Size(), info.ModTime(), bin}
	return bin, nil
}

func digest(f io.Reader, info fs.FileInfo) (binary, error) {
	if !info.Mode().IsRegular() {
		return binary{}, fmt.Errorf("%s is not a file", info.Name())
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return binary{}, err
	}
	return binary{sum: hex.EncodeToString(h.Sum(nil)), size: n}, nil
}
