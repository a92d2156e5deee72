package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// Requirement is a program the lab runs and the Debian package that brings it.
type Requirement struct{ Program, Package string }

// Requires lists the programs the lab needs on the host.
func Requires() []Requirement {
	return []Requirement{
		{"systemd-nspawn", "systemd-container"},
		{"mmdebstrap", "mmdebstrap"},
		{"apt-ftparchive", "apt-utils"},
		{"ip", "iproute2"},
		{"ssh", "openssh-client"},
		{"ssh-keygen", "openssh-client"},
		{"nsenter", "util-linux"},
		{"unshare", "util-linux"},
		{"fsfreeze", "util-linux"},
		{"mount", "mount"},
		{"losetup", "mount"},
		{"mkfs.ext4", "e2fsprogs"},
		{"e2fsck", "e2fsprogs"},
	}
}

// keyring signs the archive of every suite.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// Check says in one line why a lab cannot run here and what would help, or nil.
func Check() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("lab: nodes need Linux, this is %s: run it in a Linux virtual machine", runtime.GOOS)
	}
	if os.Geteuid() != 0 {
		return errors.New("lab: nodes need root: run it with sudo")
	}
	programs, packages := missing(func(p string) bool { _, err := exec.LookPath(p); return err == nil })
	if _, err := os.Stat(keyring); err != nil {
		programs, packages = append(programs, keyring), append(packages, "debian-archive-keyring")
	}
	if len(programs) > 0 {
		return fmt.Errorf("lab: %s missing: apt-get install %s", strings.Join(programs, ", "), strings.Join(packages, " "))
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		return errors.New("lab: loop devices are missing: modprobe loop")
	}
	if err := exec.Command("unshare", "--mount", "--net", "true").Run(); err != nil {
		return errors.New("lab: root may make no namespaces here: run it on a host of its own or in a privileged container")
	}
	return nil
}

// missing names the programs that are not there and the packages that bring them.
func missing(there func(string) bool) (programs, packages []string) {
	for _, r := range Requires() {
		if there(r.Program) {
			continue
		}
		programs = append(programs, r.Program)
		if !slices.Contains(packages, r.Package) {
			packages = append(packages, r.Package)
		}
	}
	return programs, packages
}
