package inventory

import (
	"slices"
	"strings"
)

// shapes are the parameters that kept their name while the shape of their value changed.
var shapes = map[string]conversion{
	"pg_rto":              fromSeconds,
	"pg_databases":        fromPools,
	"pg_services":         fromServices,
	"pg_default_services": fromServices,
	"pg_hba_rules":        unchanged,
	"pg_fs_main":          unchanged,
	"redis_fs_main":       unchanged,
	"node_packages":       unchanged,
}

func unchanged(n *node) (*node, []Edit, bool) { return n, nil, true }

// shaped converts the value of a parameter that kept its name.
func (l *legacy) shaped(n line) line {
	name := n.key.text
	switch name {
	case "pg_rto":
		return l.recoveryTime(n)
	case "pg_fs_main", "redis_fs_main":
		return l.directory(n)
	case "pg_services":
		if servicesOfV1(n.value) {
			return l.renamed(n.entry, oldName{to: "pg_default_services", convert: fromServices})
		}
	case "pg_databases":
		value, edits, _ := fromPools(n.value)
		n.value, n.edits = value, edits
		n.meaning = "in pg_databases pool_size_reserve is called pool_reserve now, and pool_max_db_conn is pool_connlimit"
	}
	return n
}

// presets are the recovery times in seconds that a name stands for.
var presets = map[string]string{"20": "fast", "30": "norm", "60": "safe", "120": "wide"}

func fromSeconds(n *node) (*node, []Edit, bool) {
	text, _ := plainText(n)
	preset, ok := presets[text]
	if !ok {
		preset = "norm"
	}
	return rewritten(n, preset), []Edit{Set(Spot{Pos: n.pos()}, preset)}, ok
}

// recoveryTime reads pg_rto, which was a number of seconds.
func (l *legacy) recoveryTime(n line) line {
	if n.value.kind != Int {
		return n
	}
	value, edits, ok := fromSeconds(n.value)
	written := flowText(n.value)
	n.value, n.edits = value, edits
	n.meaning = "pg_rto: " + written + " is written pg_rto: " + value.text + " now"
	if !ok {
		l.problems.errorf(n.entry.value, CodeRecoveryTime, "pg_rto was a number of seconds and names a plan now: fast is 20, norm 30, safe 60, wide 120. "+
			"None is %s, and what pg_rto_plan does not name counts as norm, so that failover would take another time", written)
		n.told = true
	}
	return n
}

// rewritten is a value in place of another.
func rewritten(n *node, value any) *node {
	fresh, err := newNode(value)
	if err != nil {
		return n // every value here is a word, a number or a bool
	}
	fresh.src, fresh.line, fresh.col, fresh.secret = n.src, n.line, n.col, n.secret
	return fresh
}

// setTo is a conversion to a new scalar.
func setTo(n *node, value any) (*node, []Edit, bool) {
	return rewritten(n, value), []Edit{Set(Spot{Pos: n.pos()}, value)}, true
}

// fromBool converts a boolean to one of two words; an empty word means that there is none.
func fromBool(on, off string) conversion {
	return func(n *node) (*node, []Edit, bool) {
		b, err := Value{n: n}.Bool()
		word := map[bool]string{true: on, false: off}[b]
		if err != nil || word == "" {
			return n, nil, false
		}
		return setTo(n, word)
	}
}

func toBool(n *node) (*node, []Edit, bool) {
	_, err := Value{n: n}.Bool()
	return n, nil, err == nil
}

// fromWords converts one word to another value.
func fromWords(words map[string]any) conversion {
	return func(n *node) (*node, []Edit, bool) {
		value, ok := words[n.text]
		switch {
		case !ok || n.held != ready || n.kind != String:
			return n, nil, false
		case value == n.text:
			return n, nil, true
		}
		return setTo(n, value)
	}
}

// fromAction converts what v1 did with a service that ran already: clean removed it.
func fromAction(n *node) (*node, []Edit, bool) {
	return fromWords(map[string]any{"abort": true, "skip": true, "clean": false})(n)
}

// fromSubject takes the name out of the subject of a certificate that has nothing else.
func fromSubject(n *node) (*node, []Edit, bool) {
	name, ok := strings.CutPrefix(n.text, "/CN=")
	if !ok || name == "" || strings.ContainsAny(name, "/=") || n.held != ready {
		return n, nil, false
	}
	return setTo(n, name)
}

// fromPools renames two fields of databases.
func fromPools(n *node) (*node, []Edit, bool) {
	return eachField(n, map[string]string{"pool_size_reserve": "pool_reserve", "pool_max_db_conn": "pool_connlimit"})
}

// eachField renames fields of the objects in a list. An object that has both names stays.
func eachField(n *node, names map[string]string) (*node, []Edit, bool) {
	var edits []Edit
	changed := *n
	changed.list = slices.Clone(n.list)
	for i, item := range n.list {
		fields, more := renameFields(item, names)
		changed.list[i] = fields
		edits = append(edits, more...)
	}
	if edits == nil {
		return n, nil, true
	}
	return &changed, edits, true
}

func renameFields(n *node, names map[string]string) (*node, []Edit) {
	var edits []Edit
	changed := *n
	changed.entries = slices.Clone(n.entries)
	for i, e := range n.entries {
		to := names[e.key.text]
		if _, taken := n.get(to); to == "" || taken {
			continue
		}
		key := *e.key
		key.text = to
		changed.entries[i].key = &key
		edits = append(edits, Rename(Spot{Pos: e.key.pos()}, to))
	}
	if edits == nil {
		return n, nil
	}
	return &changed, edits
}

// fieldsOfServices are the fields of a service that have another name now.
var fieldsOfServices = map[string]string{
	"src_port": "port", "src_ip": "ip", "dst_port": "dest", "check_url": "check", "selector_backup": "backup",
}

// fixedInServices are fields that nobody may choose any more, with the only value that is left.
var fixedInServices = map[string]string{"check_method": "http", "check_port": "patroni", "check_code": "200"}

// proxyFields are what stood under haproxy and stands beside it now.
var proxyFields = map[string]string{"default_server_options": "options", "maxconn": "maxconn", "balance": "balance"}

// servicesOfV1 reports whether a list holds services as v1 wrote them.
func servicesOfV1(n *node) bool {
	return slices.ContainsFunc(n.list, func(item *node) bool {
		return slices.ContainsFunc(item.entries, func(e entry) bool { return fieldsOfServices[e.key.text] != "" })
	})
}

// fromServices converts services as v1 wrote them.
func fromServices(n *node) (*node, []Edit, bool) {
	if n.kind != List || n.firstHeld() != nil {
		return n, nil, n.kind == Null
	}
	changed := *n
	changed.list = slices.Clone(n.list)
	var edits []Edit
	for i, item := range n.list {
		service, more, ok := fromService(item)
		if !ok {
			return n, nil, false
		}
		changed.list[i] = service
		edits = append(edits, more...)
	}
	if edits == nil {
		return n, nil, true
	}
	return &changed, edits, true
}

func fromService(n *node) (*node, []Edit, bool) {
	var gone []Edit
	kept := *n
	kept.entries = nil
	for _, e := range n.entries {
		switch fixed, is := fixedInServices[e.key.text]; {
		case is && Value{n: e.value}.String() != fixed:
			return n, nil, false
		case is:
			gone = append(gone, Delete(Spot{Pos: e.key.pos()}))
		case e.key.text == "haproxy":
			moved, edits, ok := fromProxy(e)
			if !ok {
				return n, nil, false
			}
			kept.entries = append(kept.entries, moved...)
			gone = append(gone, edits...)
		default:
			kept.entries = append(kept.entries, e)
		}
	}
	renamed, edits := renameFields(&kept, fieldsOfServices)
	return renamed, append(edits, gone...), true
}

// fromProxy moves the fields of haproxy beside it.
func fromProxy(e entry) ([]entry, []Edit, bool) {
	for _, field := range e.value.entries {
		to := proxyFields[field.key.text]
		if to == "" || field.value.kind == List || field.value.kind == Map {
			return nil, nil, false
		}
	}
	moved, edits := renameFields(e.value, proxyFields)
	return moved.entries, append(edits, Lift(Spot{Pos: e.key.pos()})), true
}
