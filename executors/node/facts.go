package node

import (
	"fmt"
	"path"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/pigsync/pigsync/resource"
)

func (v *view) seeFacts() (resource.Spec, error) {
	f := resource.Facts{Arch: runtime.GOARCH}
	var err error
	if f.Hostname, err = v.kernelName(); err != nil {
		return nil, err
	}
	read := func(name string) string {
		b, e := v.small(name)
		if e == nil && b == nil {
			e = fmt.Errorf("%s is not there", name)
		}
		if err == nil {
			err = e
		}
		return string(b)
	}
	release := parseOSRelease(read("/etc/os-release"))
	f.Distro, f.Release, f.Codename = release["ID"], release["VERSION_ID"], release["VERSION_CODENAME"]
	f.CPU = countCPU(read("/proc/stat"))
	f.MemMB = memTotal(read("/proc/meminfo")) / 1024
	f.BootID = strings.TrimSpace(read("/proc/sys/kernel/random/boot_id"))
	if err != nil {
		return nil, err
	}
	if f.DiskMB, f.Free, err = v.disks(); err != nil {
		return nil, err
	}
	if f.Packages, err = v.packageFormat(); err != nil {
		return nil, err
	}
	if f.NICs, err = v.l.nics(); err != nil {
		return nil, err
	}
	if f.Ansible, err = v.ansible(); err != nil {
		return nil, err
	}
	f.Resolver, f.Nameservers, err = v.resolver()
	return f, err
}

// disks are the size of the file system that holds /data, or would, and the room there and at the root.
func (v *view) disks() (dataMB int, free []resource.FileSystem, err error) {
	root, err := v.fileSystem("/", "/")
	if err != nil {
		return 0, nil, err
	}
	data, err := v.fileSystem("/data", "/data")
	if err != nil {
		return 0, nil, err
	}
	free = append(free, root)
	if data.SizeMB != root.SizeMB || data.FreeMB != root.FreeMB {
		free = append(free, data)
	}
	return data.SizeMB, free, nil
}

// fileSystem is that of a directory, or of the nearest above it that is there.
func (v *view) fileSystem(name, dir string) (fs resource.FileSystem, err error) {
	open, err := v.open(dir)
	if absent(err) && dir != "/" {
		return v.fileSystem(name, path.Dir(dir))
	}
	if err != nil {
		return fs, err
	}
	f, err := open.Open(".")
	if err != nil {
		return fs, err
	}
	defer shut(f)
	var s syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &s); err != nil {
		return fs, err
	}
	mb := func(blocks uint64) int { return int(blocks * uint64(s.Bsize) >> 20) } //nolint:gosec // a block has a size above zero
	return resource.FileSystem{Path: name, SizeMB: mb(s.Blocks), FreeMB: mb(s.Bavail)}, nil
}

func (v *view) packageFormat() (string, error) {
	for _, try := range []struct{ path, format string }{{"/var/lib/dpkg", "deb"}, {"/usr/bin/rpm", "rpm"}} {
		_, info, err := v.stat(try.path)
		if err != nil {
			return "", err
		}
		if info != nil {
			return try.format, nil
		}
	}
	return "", nil
}

// parseOSRelease reads NAME=value lines as os-release(5) has them: a subset of the shell's.
func parseOSRelease(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && name != "" && name[0] != '#' {
			out[name] = unquote(value)
		}
	}
	return out
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '"' && s[0] != '\'' {
		return s
	}
	s, quote := s[1:len(s)-1], s[0]
	if quote == '\'' {
		return s
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`, "\\`", "`").Replace(s)
}

// countCPU counts the lines cpu0, cpu1 … of /proc/stat: what is online, whatever we may use of it.
func countCPU(stat string) int {
	n := 0
	for line := range strings.Lines(stat) {
		if len(line) > 3 && strings.HasPrefix(line, "cpu") && line[3] >= '0' && line[3] <= '9' {
			n++
		}
	}
	return n
}

// memTotal is in KiB.
func memTotal(meminfo string) int {
	for line := range strings.Lines(meminfo) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemTotal:" {
			n, _ := strconv.Atoi(f[1]) // the kernel writes a number
			return n
		}
	}
	return 0
}
