package resource

import "strconv"

// SELinux is the mode of SELinux. The id is "selinux:node@<node>". A system without SELinux is in no
// mode, and wants none.
type SELinux struct {
	Boot    string // enforcing, permissive or disabled: what the next start of the node begins with
	Running string // what holds now; wanted, it is the same as Boot
	Absent  bool   // the system has no SELinux; observed only
}

// SELinuxOff is the mode that is begun and ended by a start of the node only.
const SELinuxOff = "disabled"

// NewSELinux wants a mode now and later.
func NewSELinux(mode string) SELinux { return SELinux{Boot: mode, Running: mode} }

// Kind is KindSELinux.
func (SELinux) Kind() Kind { return KindSELinux }

// Compare leaves out what only a start of the node can bring about.
func (s SELinux) Compare(have Spec) []Field {
	h, _ := have.(SELinux)
	var d fields
	if h.Absent {
		return nil
	}
	d.text("boot", h.Boot, s.Boot, 0)
	if !s.waits(h) {
		d.text("running", h.Running, s.Running, 0)
	}
	return d
}

// Pending is a kernel that runs with SELinux and should not, or the other way round.
func (s SELinux) Pending(have Spec) []Field {
	h, _ := have.(SELinux)
	var d fields
	if !h.Absent && h.Boot == s.Boot && s.waits(h) {
		d.text("running", h.Running, s.Running, 0)
	}
	return d
}

func (s SELinux) waits(h SELinux) bool { return (h.Running == SELinuxOff) != (s.Running == SELinuxOff) }

// KernelArg is an argument that the kernel is started with. The id's name is the argument: "numa=off".
type KernelArg struct {
	Kept    bool // the boot loader gives it to the kernel at the next start
	Running bool // the kernel that runs was given it
}

// Kind is KindKernelArg.
func (KernelArg) Kind() Kind { return KindKernelArg }

// Compare asks for the next start only.
func (a KernelArg) Compare(have Spec) []Field {
	h, there := have.(KernelArg)
	var d fields
	d.flag("kept", h.Kept, a.Kept, 0)
	if !there && len(d) == 0 {
		d.text("state", "not ours", "set", 0)
	}
	return d
}

// Pending is an argument that the running kernel was not given.
func (a KernelArg) Pending(have Spec) []Field {
	h, _ := have.(KernelArg)
	var d fields
	if h.Kept == a.Kept {
		d.flag("running", h.Running, a.Running, 0)
	}
	return d
}

// NoSwap is a node without swap. The id is "noswap:node@<node>". It is ours only while it is wanted:
// what swap there was comes back when it is not.
type NoSwap struct {
	Active []string // what is swapped to; wanted, there is none
	Kept   []string // lines of fstab that bring swap back at the next start; wanted, there are none
}

// Kind is KindNoSwap.
func (NoSwap) Kind() Kind { return KindNoSwap }

// Compare wants both to be empty.
func (n NoSwap) Compare(have Spec) []Field {
	h, there := have.(NoSwap)
	var d fields
	d.list("active", h.Active, n.Active, 0)
	d.list("kept", h.Kept, n.Kept, 0)
	if !there && len(d) == 0 {
		d.text("state", "not ours", "set", 0)
	}
	return d
}

// ReadAhead is how far ahead rotating disks are read. The id is "readahead:node@<node>".
type ReadAhead struct {
	KB   int
	Less []string // rotating disks that are read ahead by something else; wanted, there are none
}

// Kind is KindReadAhead.
func (ReadAhead) Kind() Kind { return KindReadAhead }

// Compare wants all rotating disks to be alike.
func (r ReadAhead) Compare(have Spec) []Field {
	h, _ := have.(ReadAhead)
	var d fields
	d.text("kb", kilobytes(h.KB), kilobytes(r.KB), 0)
	d.list("less", h.Less, r.Less, 0)
	return d
}

func kilobytes(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
