package ssh

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

// bringTimeout bounds the receiving of the helper, on both ends: 7.4 MB in that time are
// 25 kB/s.
const bringTimeout = 5 * time.Minute

// packet is the most data that one SSH packet carries.
const packet = 32 << 10

// receive is what a node runs as root to receive a helper. Its arguments are the directory,
// the digest, the number of bytes and the coding of stdin. It must not contain a single quote,
// for the user's shell, whichever that is, gets it in single quotes.
//
// The free space that df tells leaves out what is reserved for root, so a database's disk is
// not filled up. Writability is asked of the directory itself: root may write everywhere but
// on a read-only file system. [ -x ] on an empty executable is false where noexec is. The
// newest helper but one stays, for a controller of the version before.
const receive = `set -u
umask 022
LC_ALL=C
export LC_ALL
home=$1 sum=$2 size=$3 coding=$4
bin=$home/bin
part=$bin/.$sum.$$.part
fail() { rm -f "$part"; exit "$1"; }
space() { df -Pk "$bin" | { read -r _; read -r _ _ _ free _ && [ "$free" -ge "$1" ]; }; }
unwritable() {
	at=$bin
	while [ ! -e "$at" ]; do at=${at%/*}; done
	[ -w "$at" ] || fail 76
	[ ! -d "$bin" ] || space 64 || fail 75
	fail 70
}
trap "fail 71" HUP INT TERM PIPE
mkdir -p "$bin" || unwritable
[ -O "$bin" ] && [ ! -L "$bin" ] && chmod 755 "$bin" || fail 78
find "$bin" -name ".*.part" -mmin +60 -exec rm -f {} +
space $((size / 1024 + 16384)) || fail 75
: >"$part" && chmod 700 "$part" || unwritable
[ -x "$part" ] || fail 77
case $coding in
gzip) timeout 300 gzip -dc >"$part" ;;
*) timeout 300 cat >"$part" ;;
esac || { space 64 || fail 75; fail 74; }
[ "$(sha256sum <"$part")" = "$sum  -" ] || fail 74
chmod 755 "$part" && sync "$part" && mv -f "$part" "$bin/$sum" && sync "$bin" || unwritable
cd "$bin" && ls -t | grep -E "^[0-9a-f]{64}$" | tail -n +3 | while read -r old; do
	[ "$old" = "$sum" ] || rm -f "$old"
done
exit 0
`

// How receive ends.
const (
	statusDigest   = 74
	statusNoSpace  = 75
	statusReadOnly = 76
	statusNoExec   = 77
	statusNotOurs  = 78
)

// lacks tells how b should be sent, "" when it is on the node already.
func (c *Client) lacks(ctx context.Context, b binary) (coding string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	path := c.pool.home + "/bin/" + b.sum
	out, err := c.Run(ctx, c.sudo()+"/bin/sh -c 'if test -x "+path+"; then echo there; elif command -v gzip >/dev/null; then echo gzip; else echo plain; fi'", nil)
	if err != nil {
		return "", fmt.Errorf("look for the helper: %w", err)
	}
	switch answer := lastLine(string(out)); answer {
	case "there":
		return "", nil
	case "gzip":
		return answer, nil
	default:
		return "plain", nil
	}
}

// bring sends b.
func (c *Client) bring(ctx context.Context, b binary, coding string) error {
	ctx, cancel := context.WithTimeout(ctx, bringTimeout)
	defer cancel()
	file, err := os.Open(b.path)
	if err != nil {
		return fmt.Errorf("bring the helper: %w", err)
	}
	defer file.Close()
	start := time.Now()
	stdin, stop := encode(file, coding)
	cmd := fmt.Sprintf("%s/bin/sh -c '%s' pigsync %s %s %d %s", c.sudo(), receive, c.pool.home, b.sum, b.size, coding)
	_, err = c.Run(ctx, cmd, stdin)
	stop()
	if err != nil {
		return c.notBrought(b, err)
	}
	c.pool.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "brought the helper", slog.String("node", c.host), slog.Int64("bytes", b.size), slog.Duration("took", time.Since(start)))
	return nil
}

// encode gives r in the coding that goes over the wire. stop ends it early and waits.
func encode(r io.Reader, coding string) (encoded io.Reader, stop func()) {
	if coding != "gzip" {
		return r, func() {}
	}
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		packets := bufio.NewWriterSize(pw, packet)             // gzip writes in crumbs, and each would be sent alone
		zip, _ := gzip.NewWriterLevel(packets, gzip.BestSpeed) // a valid level: no error
		_, err := io.Copy(zip, r)
		pw.CloseWithError(errors.Join(err, zip.Close(), packets.Flush()))
	}()
	return pr, func() {
		_ = pr.Close() // never fails
		<-done
	}
}

// notBrought explains how receive ended.
func (c *Client) notBrought(b binary, err error) error {
	var exit *ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("bring the helper: %w", err)
	}
	e := &Error{Host: c.host, Detail: c.pool.home + "/bin", Err: err}
	switch exit.Status {
	case statusNoSpace:
		e.Kind, e.hint = ErrNoSpace, fmt.Sprintf("free %d MiB below %s", b.size>>20+17, c.pool.home)
	case statusReadOnly:
		e.Kind, e.hint = ErrReadOnly, "mount the file system of "+c.pool.home+" read-write; a disk fault may have turned it"
	case statusNoExec:
		e.Kind, e.hint = ErrNoExec, "mount the file system of "+c.pool.home+" without noexec"
	case statusDigest:
		e.Kind, e.hint = ErrDigest, "was the program replaced on this machine just now? otherwise try again"
	case statusNotOurs:
		e.Kind, e.hint = errNotOurs, "remove "+c.pool.home+"/bin; it must be a directory of root's"
	default:
		return fmt.Errorf("bring the helper: %w", err)
	}
	e.Err = nil // the status is spent; the words, if any, explain more
	if words := lastLine(exit.Stderr); words != "" {
		e.Err = errors.New(words)
	}
	return e
}
