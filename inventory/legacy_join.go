package inventory

import "strings"

// join translates what several lines of one layer say together: the VIP of v1, and where its
// repository was. It returns the line that each key became, nil for one that went into another.
func (l *legacy) join(at layer) map[*node]*line {
	joined := map[*node]*line{}
	if l.dialect.vip {
		l.joinVIP(at, joined)
	}
	l.joinRepository(at, joined)
	return joined
}

// joinVIP translates the VIP of a leader: vip_mode, vip_address, vip_cidrmask and vip_interface.
func (l *legacy) joinVIP(at layer, joined map[*node]*line) {
	mode, hasMode := at.get("vip_mode")
	if l.generation > generation1 {
		if hasMode {
			l.problems.errorf(mode.key, CodeTwoVIPs, "vip_mode is of v1, where vip_address was the address of a leader; in this inventory it is keepalived's: "+
				"write pg_vip_enabled, pg_vip_address and pg_vip_interface, and take vip_mode out")
			joined[mode.key] = &line{entry: mode, was: mode.key, told: true}
		}
		return
	}
	if device, ok := at.get("vip_interface"); ok {
		n := l.renamed(device, oldName{to: "pg_vip_interface"})
		joined[device.key] = &n
	}
	mask, hasMask := at.get("vip_cidrmask")
	address, hasAddress := at.get("vip_address")
	if hasAddress {
		n := l.address(address, mask, hasMask)
		joined[address.key] = &n
	}
	switch {
	case hasMask && hasAddress:
		joined[mask.key] = nil
	case hasMask:
		l.problems.warnf(mask.key, CodeNotCarried, "vip_cidrmask is gone: it is written behind the address in pg_vip_address now")
		joined[mask.key] = &line{entry: mask, was: mask.key, told: true}
	}
}

// address joins an address and its mask.
func (l *legacy) address(address, mask entry, hasMask bool) line {
	bits := l.mask
	if hasMask {
		bits = Value{n: mask.value}.String()
	}
	if bits == "" {
		bits = "24"
	}
	text := Value{n: address.value}.String()
	n := l.renamed(address, oldName{to: "pg_vip_address"})
	if text == "" || strings.Contains(text, "/") {
		return n
	}
	n.value, n.edits, _ = setTo(address.value, text+"/"+bits)
	n.meaning = "vip_address is called pg_vip_address now, and has its mask with it"
	if hasMask {
		n.gone = []*node{mask.key}
	}
	return n
}

// joinRepository makes the address of the repository of its host and port.
func (l *legacy) joinRepository(at layer, joined map[*node]*line) {
	address, ok := at.get("repo_address")
	if !ok {
		return
	}
	text, port := Value{n: address.value}.String(), "80"
	n := l.renamed(address, oldName{to: "repo_endpoint"})
	if e, ok := at.get("repo_port"); ok {
		port = Value{n: e.value}.String()
		joined[e.key], n.gone = nil, []*node{e.key}
	}
	joined[address.key] = &n
	switch {
	case text == "" || port == "" || strings.Contains(text, "://"):
		return
	case !strings.Contains(text, ":"):
		text += ":" + port
	}
	n.value, n.edits, _ = setTo(address.value, "http://"+text)
	n.meaning = "repo_address is called repo_endpoint now, and is a whole address"
}
