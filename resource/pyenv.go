package resource

import (
	"regexp"
	"strings"
)

// PyEnv is a virtual environment of Python with packages in it. The id's name is its directory, such as
// "/data/venv". What else is installed there is somebody else's.
type PyEnv struct {
	Packages []string // as pip takes them: "requests", "psycopg[binary]==3.2.1"; observed: name==version
}

// Kind is KindPyEnv.
func (PyEnv) Kind() Kind { return KindPyEnv }

// Compare names the packages that are not there, or in another version than the one named.
func (p PyEnv) Compare(have Spec) []Field {
	h, _ := have.(PyEnv)
	var d fields
	for _, want := range p.Missing(h) {
		name, _ := Requirement(want)
		d.text("package "+name, h.version(name), want, 0)
	}
	return d
}

// Missing are the packages that are wanted and not there as they should be.
func (p PyEnv) Missing(have PyEnv) (missing []string) {
	for _, want := range p.Packages {
		name, version := Requirement(want)
		at := have.version(name)
		if at == "" || version != "" && !sameRelease(version, at) {
			missing = append(missing, want)
		}
	}
	return missing
}

// version is that of a package; one that is there in a version nobody knows has "any".
func (p PyEnv) version(name string) string {
	for _, have := range p.Packages {
		n, version := Requirement(have)
		switch {
		case n == name && version == "":
			return "any"
		case n == name:
			return version
		}
	}
	return ""
}

func sameRelease(want, have string) bool {
	if begin, glob := strings.CutSuffix(want, ".*"); glob {
		return have == begin || strings.HasPrefix(have, begin+".")
	}
	return have == want || have == "any"
}

var (
	requirement = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)(\[[^\]]*\])?(==([^,;@]+)$)?`)
	separators  = regexp.MustCompile(`[-_.]+`)
)

// Requirement reads a package as pip takes it: its name as Python compares names, and its version, if exactly
// one is asked for. The name is "" where it is none.
func Requirement(text string) (name, version string) {
	m := requirement.FindStringSubmatch(text)
	if m == nil {
		return "", ""
	}
	return strings.ToLower(separators.ReplaceAllString(m[1], "-")), m[4]
}

// PyEnvOf is the id of an environment on a node.
func PyEnvOf(path, node string) ID { return ID{Kind: KindPyEnv, Name: path, At: node} }
