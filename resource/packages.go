package resource

import (
	"slices"
	"strings"
)

// Repo is a package source: the file of the package manager that names it, and the index fetched
// from it. The id's name is the path of the file, such as "/etc/apt/sources.list.d/local.list".
type Repo struct {
	Sum     string // SHA-256 of the content
	Fetched bool   // the index has been fetched since the file was written
	Content Content
}

// NewRepo wants a source file and a fresh index.
func NewRepo(content []byte) Repo {
	return Repo{Sum: NewFile(content, 0, "", "").Sum, Content: content, Fetched: true}
}

// Kind is KindRepo.
func (Repo) Kind() Kind { return KindRepo }

// Compare asks for the file and its index.
func (r Repo) Compare(have Spec) []Field {
	h, _ := have.(Repo)
	var d fields
	if h.Sum != r.Sum {
		d.text("content", string(h.Content), string(r.Content), 0)
	}
	d.flag("fetched", h.Fetched, r.Fetched, 0)
	return d
}

// Sources wants the files of a node that name package sources to be ours alone: those of others are set
// aside, and given back when nobody wants this any more. The id is "sources:node@<node>".
type Sources struct {
	Files  []string // the paths of our own files; wanted only
	Active []string // the files in use, ours and those of others; observed only
	Aside  []string // where the files were that are set aside; observed only
}

// Kind is KindSources.
func (Sources) Kind() Kind { return KindSources }

// Ours is what was set aside.
func (s Sources) Ours() bool { return len(s.Aside) > 0 }

// Compare names the files to be set aside.
func (s Sources) Compare(have Spec) []Field {
	h, _ := have.(Sources)
	var d fields
	d.list("others", h.Others(s.Files), nil, 0)
	return d
}

// Others are the files in use that are not among ours.
func (s Sources) Others(ours []string) []string {
	var out []string
	for _, path := range s.Active {
		if !slices.Contains(ours, path) {
			out = append(out, path)
		}
	}
	return out
}

// SourcesOf is the id of a node's package sources.
func SourcesOf(node string) ID { return ID{Kind: KindSources, Name: "node", At: node} }

// Package is an installed package. The id's name may list alternatives, best first, as Debian's
// own dependencies do: "etcd|etcd-server" holds when one of them is installed.
type Package struct {
	Name string // which alternative is installed; observed only
	// Version "" wants any; "3.5*" any that begins so; "3.5" also every package of that version.
	Version string
	// Optional is wanted where a package source offers it, and done without elsewhere; wanted only.
	Optional bool
	// Trouble is why it is neither there nor gone: an installation was cut short, by a power cut or a
	// script that failed. "" when it is well; only observed.
	Trouble string
	// Held says that somebody on the node keeps it at its version; only observed.
	Held bool
	// Unoffered says that it is not installed, and that no package source had it when that was last
	// asked; only observed.
	Unoffered bool
}

// Kind is KindPackage.
func (Package) Kind() Kind { return KindPackage }

// Compare wants presence, or exactly the version named; present is not latest.
func (p Package) Compare(have Spec) []Field {
	h, there := have.(Package)
	if h.Unoffered && p.Optional {
		return nil
	}
	there = there && !h.Unoffered
	var d fields
	if !there {
		d.text("installed", "no", "yes", 0)
	}
	d.text("trouble", h.Trouble, "", 0)
	if p.Version != "" && !SameVersion(p.Version, h.Version) {
		hazard := Hazard(0)
		if there {
			hazard = Restart // a maintainer script may restart what runs
		}
		d.text("version", h.Version, p.Version, hazard)
	}
	return d
}

// SameVersion tells whether a version is the one wanted. What is wanted may end in *, and may leave out
// the epoch and the release of the package, "2.4.22" for "1:2.4.22-3.el9".
func SameVersion(want, have string) bool {
	if want == have {
		return true
	}
	if !strings.Contains(want, ":") {
		if _, after, found := strings.Cut(have, ":"); found {
			have = after
		}
	}
	if begin, glob := strings.CutSuffix(want, "*"); glob {
		return have != "" && strings.HasPrefix(have, begin)
	}
	return want == have || strings.HasPrefix(have, want+"-")
}

// RunsVersion tells whether a program that says of itself which version it is, "4.0.6", may be that of a package that is
// wanted as "1:4.0.6-1.pgdg13+1", "4.0.6" or "4.0*".
func RunsVersion(want, program string) bool {
	if _, version, epoch := strings.Cut(want, ":"); epoch {
		want = version
	}
	return SameVersion(want, program) || program != "" && strings.HasPrefix(want, program+"-")
}
