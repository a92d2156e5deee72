package modules

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/pigsync/pigsync/resource"
)

// Loaded is a file that a service reads.
type Loaded struct {
	Path    string
	Content []byte
	Skip    string // lines that begin so are read on the first start only
	Conf    bool   // it is read again on a reload
}

// Reads puts into a unit what it reads: at its start, and at each reload.
func Reads(u resource.Unit, files ...Loaded) resource.Unit {
	var start, reload []Loaded
	for _, f := range files {
		u.Loads = append(u.Loads, resource.Load{Path: f.Path, Skip: f.Skip, Conf: f.Conf})
		if f.Conf {
			reload = append(reload, f)
		} else {
			start = append(start, f)
		}
	}
	u.Inputs = digest(start)
	if len(reload) > 0 {
		u.Conf = digest(reload)
	}
	return u
}

func digest(files []Loaded) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q\n", f.Path)
		for line := range bytes.Lines(f.Content) {
			if f.Skip == "" || !bytes.HasPrefix(line, []byte(f.Skip)) {
				h.Write(line)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
