package inventory

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"slices"
	"strings"
)

// Directories of variables, which Ansible reads beside the inventory.
const (
	groupVars = "group_vars"
	hostVars  = "host_vars"
)

// varFiles reads the files of variables that belong to groups and hosts.
type varFiles struct {
	*loader
	taken map[string]bool // the entries of a directory that somebody reads
}

// addVarFiles gives every group and host of the builder what is written for it in a file.
func (l *loader) addVarFiles(b *builder) {
	v := &varFiles{loader: l}
	if names := v.list(path.Join(path.Dir(l.name), groupVars)); names != nil {
		for _, g := range b.sorted() {
			g.files = v.layers(groupVars, names, g.Name, g.Name)
		}
		v.strays(groupVars, names, "group")
	}
	if names := v.list(path.Join(path.Dir(l.name), hostVars)); names != nil {
		for _, h := range b.known {
			h.files = v.layers(hostVars, names, h.Addr, h.home())
		}
		v.strays(hostVars, names, "host")
	}
}

// list returns what is in a directory; nil when there is no such directory. For Ansible a file
// in its place is nothing.
func (v *varFiles) list(dir string) map[string]fs.DirEntry {
	v.taken = map[string]bool{}
	info, err := fs.Stat(v.fsys, dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil
	}
	entries, err := fs.ReadDir(v.fsys, dir)
	if err != nil {
		v.failed(dir, err)
	}
	names := make(map[string]fs.DirEntry, len(entries))
	for _, e := range entries {
		names[e.Name()] = e
	}
	return names
}

// sopsEndings are those of the files that the collection community.sops reads.
var sopsEndings = []string{".sops.yml", ".sops.yaml", ".sops.json"}

// extensions of files of variables, in the order in which they are looked for.
var extensions = []string{"", ".yml", ".yaml", ".json"}

// layers reads what belongs to name: the first of NAME, NAME.yml, NAME.yaml and NAME.json, which
// may be a directory of files; and what community.sops reads, which wins over it.
func (v *varFiles) layers(dir string, names map[string]fs.DirEntry, name, group string) []layer {
	layers := v.plain(dir, names, name, group)
	for _, ending := range sopsEndings {
		if e, ok := names[name+ending]; ok && !e.IsDir() {
			v.taken[name+ending] = true
			for _, l := range v.layer(path.Join(path.Dir(v.name), dir, name+ending), group) {
				l.old = []entry{} // ansible-inventory does not show it
				layers = append(layers, l)
			}
		}
	}
	return layers
}

func (v *varFiles) plain(dir string, names map[string]fs.DirEntry, name, group string) []layer {
	for _, ext := range extensions {
		e, ok := names[name+ext]
		if !ok {
			continue
		}
		v.taken[name+ext] = true
		var layers []layer
		for _, file := range v.below(path.Join(path.Dir(v.name), dir, name+ext), e) {
			layers = append(layers, v.layer(file, group)...)
		}
		return layers
	}
	return nil
}

// below returns the file itself or, of a directory, the files in it that Ansible reads, sorted.
func (v *varFiles) below(name string, e fs.DirEntry) []string {
	if !e.IsDir() {
		return []string{name}
	}
	entries, err := fs.ReadDir(v.fsys, name)
	if err != nil {
		v.failed(name, err)
	}
	var files []string
	for _, e := range entries {
		ext := path.Ext(e.Name())
		switch {
		case strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), "~"):
		case e.IsDir() && ext == "":
			files = append(files, v.below(path.Join(name, e.Name()), e)...)
		case !e.IsDir() && slices.Contains(extensions, ext):
			files = append(files, path.Join(name, e.Name()))
		}
	}
	return files
}

// layer reads one file. What is wrong in it is a problem, and the rest of the inventory is read.
func (v *varFiles) layer(file, group string) []layer {
	src := v.files.newSource(file)
	src.plans = v.src.plans
	src.group = group
	root, err := v.file(src)
	var wrong Problem
	switch {
	case errors.As(err, &wrong):
		v.problems.add(wrong)
		return nil
	case err != nil:
		v.failed(file, err)
		return nil
	case root == nil || root.kind != Map && root.falsy():
		return nil
	case root.kind != Map:
		v.problems.errorf(root, CodeShape, "want a mapping of variables, got %s", root.kind)
		return nil
	}
	return []layer{newLayer(root.entries)}
}

// falsy reports whether Python takes the value for false: a file with such a value is skipped.
func (n *node) falsy() bool {
	v := Value{n: n}
	switch n.kind {
	case Null:
		return true
	case Bool:
		return v.String() == "false"
	case Int, Float:
		f, _ := number(n)
		return f == 0
	case String:
		return n.text == ""
	case List:
		return len(n.list) == 0
	}
	return len(n.entries) == 0
}

func (v *varFiles) failed(name string, err error) {
	v.problems.add(Problem{
		Pos: v.files.place(name), Code: CodeVarsFile, Msg: fmt.Sprintf("cannot be read: %v", err),
	})
}

// strays warns of files that look like variables of somebody who does not exist.
func (v *varFiles) strays(dir string, names map[string]fs.DirEntry, what string) {
	for file := range names {
		name, ext := file, path.Ext(file)
		switch {
		case v.taken[name], strings.HasPrefix(name, "."), strings.HasSuffix(name, "~"):
			continue
		case slices.Contains(extensions[1:], ext):
			name = strings.TrimSuffix(strings.TrimSuffix(name, ext), ".sops")
		case what == "group" && ext != "", what == "host" && !parsesAsIP(name):
			continue
		}
		v.problems.add(Problem{
			Pos:      v.files.place(path.Join(path.Dir(v.name), dir, file)),
			Severity: Warning, Code: CodeVarsFile,
			Msg: fmt.Sprintf("nothing reads this file: there is no %s %s", what, quoteKey(name)),
		})
	}
}

func parsesAsIP(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}
