package resource

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// File is a regular file. The id's name is its absolute path.
type File struct {
	Sum   string // SHA-256 of the content, in hex
	Mode  uint32 // permission bits
	Owner string
	Group string
	// Content is wanted in full. Observed, it is there only for a small file that everybody may
	// read (so that a plan can show its lines).
	Content Content
	// Validate is a command that must accept the file before it takes its place; the argument
	// "{}" stands for the path of the new file. Only wanted, never observed. What it says of a secret file is
	// told nobody, but for lines that begin with "reason: ".
	Validate []string
	// Secret keeps the content out of every plan.
	Secret bool
}

// NewFile wants content at a path.
func NewFile(content []byte, mode uint32, owner, group string) File {
	sum := sha256.Sum256(content)
	return File{Content: content, Sum: hex.EncodeToString(sum[:]), Mode: mode, Owner: owner, Group: group}
}

// Kind is KindFile.
func (File) Kind() Kind { return KindFile }

// Compare shows the lines of a public file, and only that a secret one differs.
func (f File) Compare(have Spec) []Field {
	h, there := have.(File)
	var d fields
	if h.Sum != f.Sum {
		d = append(d, f.contentField(h, there))
	}
	d.mode("mode", h.Mode, f.Mode)
	d.owner(h.Owner, f.Owner, h.Group, f.Group)
	return d
}

func (f File) contentField(h File, there bool) Field {
	if f.Secret {
		return Field{Path: "content", Have: secretContent(there), Want: mask}
	}
	have := string(h.Content)
	if there && h.Content == nil && h.Sum != emptySum {
		have = "sha256:" + short(h.Sum)
	}
	return Field{Path: "content", Have: have, Want: string(f.Content)}
}

func secretContent(there bool) string {
	if there {
		return "<another secret>"
	}
	return ""
}

const emptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func short(sum string) string { return sum[:min(12, len(sum))] }

// Dir is a directory. The id's name is its absolute path.
type Dir struct {
	Mode  uint32 // 0 wants any, and makes 0755
	Owner string
	Group string
	// Vacant wants it empty: what it holds is set aside, never mixed with what comes. Observed, it
	// says that there is nothing in it.
	Vacant bool
	// Data marks a directory whose loss is the loss of data.
	Data bool
}

// Kind is KindDir.
func (Dir) Kind() Kind { return KindDir }

// Compare asks for emptiness only where that is wanted.
func (w Dir) Compare(have Spec) []Field {
	h, there := have.(Dir)
	var d fields
	d.mode("mode", h.Mode, w.Mode)
	d.owner(h.Owner, w.Owner, h.Group, w.Group)
	if there && w.Vacant && !h.Vacant {
		d.text("contents", "present", "set aside", DataLoss)
	}
	if !there && len(d) == 0 {
		d.text("state", "absent", "present", 0)
	}
	return d
}

// Loss is DataLoss for a data directory.
func (w Dir) Loss() Hazard {
	if w.Data {
		return DataLoss
	}
	return 0
}

// Link is a symbolic link. The id's name is its absolute path.
type Link struct{ Target string }

// Kind is KindLink.
func (Link) Kind() Kind { return KindLink }

// Compare looks at the target's text, not at where it leads.
func (l Link) Compare(have Spec) []Field {
	h, _ := have.(Link)
	var d fields
	d.text("target", h.Target, l.Target, 0)
	return d
}

// Lines are the lines of a shared file that carry our marker at their end: "# pigsty dns" in
// /etc/hosts. All other lines belong to somebody else. The id's name is made by LinesName.
type Lines struct {
	Lines []string
	// Adopt makes lines that say the same without our marker ours: jobs that another tool has put into a
	// crontab must not run twice. Only wanted, never observed.
	Adopt bool `json:",omitempty"`
}

// LinesName names the marked lines of a file: "/etc/hosts#pigsty dns".
func LinesName(path, marker string) string { return path + "#" + marker }

// Kind is KindLines.
func (Lines) Kind() Kind { return KindLines }

// Empty tells whether no line is wanted.
func (l Lines) Empty() bool { return len(l.Lines) == 0 }

// Compare keeps the order of lines.
func (l Lines) Compare(have Spec) []Field {
	h, there := have.(Lines)
	var d fields
	d.text("lines", join(h.Lines), join(l.Lines), 0)
	if !there && len(d) == 0 && len(l.Lines) > 0 {
		d.text("state", "absent", "present", 0)
	}
	return d
}

func join(lines []string) string {
	var s string
	for _, l := range lines {
		s += fmt.Sprintln(l)
	}
	return s
}
