package history

import (
	"bytes"
	"io"
	"os"
)

// tornFile is where the last torn line is set aside, for whoever wants to know.
const tornFile = "torn"

// heal sets aside what a crash left without an end in the newest file and tells how many bytes that
// were. A file that has nothing else goes.
func heal(root *os.Root) (torn int64, err error) {
	names, err := files(root)
	if err != nil || len(names) == 0 {
		return 0, err
	}
	name := names[len(names)-1]
	f, err := root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	size, end, err := extent(f)
	if err != nil || size == end && end > 0 {
		return 0, err
	}
	if err := setAside(root, io.NewSectionReader(f, end, size-end)); err != nil {
		root.Remove(tornFile) // on a full disk it is let go: what has no end never counted
	}
	if end == 0 {
		err = root.Remove(name)
	} else if err = f.Truncate(end); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return 0, err
	}
	return size - end, syncDir(root, ".")
}

// extent is the size of a file and where its last complete line ends. What is longer than a line can
// be is no torn line: it is left for the reader to report.
func extent(f *os.File) (size, end int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	size = info.Size()
	buf := make([]byte, 1<<16)
	for at := size; at > 0; {
		if size-at > maxLine {
			return size, size, nil
		}
		part := buf[:min(at, int64(len(buf)))]
		at -= int64(len(part))
		if _, err := f.ReadAt(part, at); err != nil {
			return 0, 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return size, at + int64(i) + 1, nil
		}
	}
	return size, 0, nil
}

func setAside(root *os.Root, tail io.Reader) error {
	f, err := root.OpenFile(tornFile, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, tail); err != nil {
		return err
	}
	return f.Sync()
}
