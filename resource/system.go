package resource

// Sysctl is a parameter of the kernel that somebody of ours has set. The id's name is the
// parameter's, with dots: "vm.swappiness". What it was before is remembered on the node, and is what
// it becomes again when nobody asks for it any more.
type Sysctl struct {
	Value string // as /proc/sys has it, its words joined by one space
}

// Kind is KindSysctl.
func (Sysctl) Kind() Kind { return KindSysctl }

// Compare looks at the value that is in force.
func (s Sysctl) Compare(have Spec) []Field {
	h, there := have.(Sysctl)
	var d fields
	d.text("value", h.Value, s.Value, 0)
	if !there && len(d) == 0 {
		d.text("state", "not ours", "set", 0)
	}
	return d
}

// KernelModule is a module of the kernel that is loaded or built in. The id's name is the module's.
type KernelModule struct{}

// Kind is KindKernelModule.
func (KernelModule) Kind() Kind { return KindKernelModule }

// Compare knows presence only.
func (KernelModule) Compare(have Spec) []Field {
	if have != nil {
		return nil
	}
	var d fields
	d.text("state", "absent", "loaded", 0)
	return d
}

// Timezone is the node's time zone. The id is "timezone:node@<node>".
type Timezone struct {
	Name string // of the zone database: "Asia/Shanghai"
}

// Kind is KindTimezone.
func (Timezone) Kind() Kind { return KindTimezone }

// Compare looks at the name: zones of the same rules are different zones.
func (t Timezone) Compare(have Spec) []Field {
	h, _ := have.(Timezone)
	var d fields
	d.text("name", h.Name, t.Name, 0)
	return d
}
