package resource

import "path"

// Noted is the field of a unit of which only our own note is out of date: nothing of the service is
// touched by renewing it.
const Noted = "noted"

// Unit is a systemd service. The id's name is the unit's, without ".service"; "docker.socket" is a socket.
type Unit struct {
	Active  bool
	Enabled bool
	// Inputs is the digest of what the unit should have loaded when it started. The node notes it
	// at every start by pigsync; a unit that runs with other inputs is restarted.
	Inputs string
	// Conf is the digest of what the unit reads again when it is told to: what runs with another one
	// is reloaded, and keeps its connections. A restart reads it, too.
	Conf string
	// Loads are the files behind Inputs and Conf. They tell the node whether a process that somebody
	// else started has read what it should.
	Loads []Load
	// Noted says that the running process is the one the note is about. A reboot or a hand-made
	// restart makes it false; when what was loaded is right all the same, only the note is renewed.
	Noted bool
	// Stale says that systemd's picture of the unit is older than the unit file.
	Stale bool
	// Settle is for how many seconds a started unit must stay up to count as started.
	Settle int
}

// Load is a file a unit reads when it starts. Lines that begin with Skip are not counted, because
// the program reads them on its first start only.
type Load struct {
	Path string
	Skip string `json:",omitempty"`
	// Conf says that the file is behind Conf, not behind Inputs.
	Conf bool `json:",omitempty"`
	// Files makes Path a directory, of which all files are read whose name matches: "*.cfg". One that
	// comes or goes is noticed, whoever did it.
	Files string `json:",omitempty"`
}

// Kind is KindUnit.
func (Unit) Kind() Kind { return KindUnit }

// Compare sees a restart only where something runs.
func (u Unit) Compare(have Spec) []Field {
	h, there := have.(Unit)
	var d fields
	if !there {
		d.text("state", "absent", "present", 0)
	}
	d.flag("enabled", h.Enabled, u.Enabled, 0)
	stop := Hazard(0)
	if h.Active && !u.Active {
		stop = Restart
	}
	d.flag("active", h.Active, u.Active, stop)
	if u.Active {
		u.compareRunning(h, &d)
	}
	return d
}

// ReadsFrom are the directories of which the unit reads whatever files are there.
func (u Unit) ReadsFrom() (dirs []string) {
	for _, l := range u.Loads {
		if l.Files != "" {
			dirs = append(dirs, l.Path)
		}
	}
	return dirs
}

// Outdated is what a running unit will be once a file of a directory that it reads again has changed.
func (u Unit) Outdated(file string, have Spec) (then Spec, ok bool) {
	h, _ := have.(Unit)
	if !u.Active || !h.Active {
		return nil, false
	}
	for _, l := range u.Loads {
		match, err := path.Match(l.Files, path.Base(file))
		if l.Conf && l.Path == path.Dir(file) && match && err == nil {
			h.Conf = ""
			return h, true
		}
	}
	return nil, false
}

func (u Unit) compareRunning(h Unit, d *fields) {
	d.flag("stale", h.Stale, false, 0)
	if !h.Active {
		return
	}
	switch {
	case h.Inputs != u.Inputs:
		d.text("inputs", short(h.Inputs), short(u.Inputs), Restart)
	case h.Conf != u.Conf:
		// Not even digests are shown: what is read again may hold a password.
		d.text("conf", "as read before", "as written", Reload)
	default:
		d.flag(Noted, h.Noted, true, 0)
	}
}

// Loss says that taking a running unit away stops a service.
func (u Unit) Loss() Hazard {
	if u.Active {
		return Restart
	}
	return 0
}
