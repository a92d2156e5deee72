package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Record is one line of the journal.
type Record struct {
	Seq   uint64    `json:"seq"` // 1, 2, 3, …
	Time  time.Time `json:"time"`
	Kind  Kind      `json:"kind"`
	Prev  string    `json:"prev"` // hash of the record before
	Hash  string    `json:"hash"`
	Entry Entry     `json:"data"`
}

// row is a line that was taken apart and whose own hash was found right.
type row struct {
	seq  uint64
	time time.Time
	kind Kind
	prev string
	hash string
	data []byte // part of the line
}

// record decodes the payload.
func (r row) record() (Record, error) {
	e, err := decode(r.kind, r.data)
	return Record{Seq: r.seq, Time: r.time, Kind: r.kind, Prev: r.prev, Hash: r.hash, Entry: e}, err
}

// The parts of a line, in their order. The hash is of all bytes before its own part, so that what is
// hashed is what is on disk and no second spelling of it exists.
const (
	partSeq  = `{"seq":`
	partTime = `,"time":"`
	partKind = `","kind":"`
	partPrev = `","prev":"`
	partData = `","data":`
	partHash = `,"hash":"`
	partEnd  = `"}`
)

const (
	hashLen = 2 * sha256.Size
	tailLen = len(partHash) + hashLen + len(partEnd)
	// maxLine is the longest line there is; a plan of 100,000 steps fits.
	maxLine = 32 << 20
)

// nothing is what the first record of all comes after.
var nothing = strings.Repeat("0", hashLen)

// encode writes the line and its newline, and sets the hash.
func (r *row) encode() []byte {
	b := make([]byte, 0, len(r.data)+tailLen+256)
	b = strconv.AppendUint(append(b, partSeq...), r.seq, 10)
	b = r.time.UTC().AppendFormat(append(b, partTime...), time.RFC3339Nano)
	b = append(append(b, partKind...), r.kind...)
	b = append(append(b, partPrev...), r.prev...)
	b = append(append(b, partData...), r.data...)
	r.hash = sum(b)
	return append(b, partHash+r.hash+partEnd+"\n"...)
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

var errForm = errors.New("it is not a record")

// parse takes a line without its newline apart.
func parse(line []byte) (r row, err error) {
	n := len(line) - tailLen
	if n < 0 {
		return row{}, errForm
	}
	body, tail := line[:n], line[n:]
	r.hash = sum(body)
	if string(tail) != partHash+r.hash+partEnd {
		return row{}, errors.New("its hash is wrong")
	}
	rest, ok := bytes.CutPrefix(body, []byte(partSeq))
	var f [4][]byte
	for i, sep := range []string{partTime, partKind, partPrev, partData} {
		if !ok {
			return row{}, errForm
		}
		f[i], rest, ok = bytes.Cut(rest, []byte(sep))
	}
	if !ok || len(f[3]) != hashLen {
		return row{}, errForm
	}
	r.kind, r.prev, r.data = Kind(f[2]), string(f[3]), rest
	if r.seq, err = strconv.ParseUint(string(f[0]), 10, 64); err != nil {
		return row{}, errForm
	}
	if r.time, err = time.Parse(time.RFC3339Nano, string(f[1])); err != nil {
		return row{}, errForm
	}
	return r, nil
}

// chain is the end of what was read or written so far; the zero value goes on from anything.
type chain struct {
	seq  uint64
	hash string
}

// follow checks that r comes right after and moves on to it.
func (c *chain) follow(r row) error {
	if c.hash != "" && (r.seq != c.seq+1 || r.prev != c.hash) {
		return fmt.Errorf("record %d does not follow record %d", r.seq, c.seq)
	}
	c.seq, c.hash = r.seq, r.hash
	return nil
}
