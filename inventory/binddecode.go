package inventory

import (
	"errors"
	"math"
	"net/netip"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// decode fills dst with v, or reports why not.
func (b *binder) decode(v Value, dst reflect.Value, f *field) {
	t := dst.Type()
	if holdsSecrets(t) {
		v = v.concealed()
	}
	switch {
	case t == reflect.TypeFor[Value]():
		dst.Set(reflect.ValueOf(v))
	case t.Kind() == reflect.Pointer:
		b.pointer(v, dst, f)
	case t.Kind() == reflect.Slice:
		b.list(v, dst, f)
	case t.Kind() == reflect.Map:
		b.mapping(v, dst, f)
	case t.Kind() == reflect.Struct && !isLeaf(t):
		b.nested(v, dst)
	case t.Kind() == reflect.Interface:
		b.any(v, dst)
	default:
		b.scalar(v, dst, f)
	}
}

// holdsSecrets reports whether a field takes secrets: what stands there in a wrong form may still
// contain them.
func holdsSecrets(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return holdsSecrets(t.Elem())
	}
	return t == reflect.TypeFor[Secret]()
}

// concealed returns the value as one that no problem quotes.
func (v Value) concealed() Value {
	if v.n != nil && !v.n.secret {
		n := *v.n
		n.secret = true
		v.n = &n
	}
	return v
}

func (b *binder) pointer(v Value, dst reflect.Value, f *field) {
	if v.IsNull() {
		return
	}
	before, unknown := len(b.problems.list), b.bound.unknown
	made := reflect.New(dst.Type().Elem())
	b.decode(v, made.Elem(), f)
	if !HasErrors(b.problems.list[before:]) && b.bound.unknown == unknown {
		dst.Set(made)
	}
}

func (b *binder) list(v Value, dst reflect.Value, f *field) {
	items, err := v.List()
	if err != nil {
		b.fail(err)
		return
	}
	each, ok := b.length(v, len(items), "a list", f)
	if !ok {
		return
	}
	made := reflect.MakeSlice(dst.Type(), len(items), len(items))
	for i, item := range items {
		b.note(item)
		b.decode(item, made.Index(i), each)
	}
	dst.Set(made)
}

// length judges how many items there are, and returns the rules for each of them.
func (b *binder) length(v Value, n int, what string, f *field) (each *field, ok bool) {
	if !f.inRange(float64(n)) {
		b.outside(v, what+" with a length"+f.span(), strconv.Itoa(n))
		return nil, false
	}
	inner := *f
	inner.min, inner.max = nil, nil
	return &inner, true
}

func (b *binder) mapping(v Value, dst reflect.Value, f *field) {
	entries, err := v.Map()
	if err != nil {
		b.fail(err)
		return
	}
	each, ok := b.length(v, len(entries), "a mapping", f)
	if !ok {
		return
	}
	made := reflect.MakeMapWithSize(dst.Type(), len(entries))
	for _, e := range entries {
		key := reflect.New(dst.Type().Key()).Elem()
		if !b.key(e.Key, key) {
			continue
		}
		item := reflect.New(dst.Type().Elem()).Elem()
		b.note(e.Value)
		b.decode(e.Value, item, each)
		made.SetMapIndex(key, item)
	}
	dst.Set(made)
}

// key reads the key of a mapping. Ports are integers in YAML and text after JSON: both are taken.
func (b *binder) key(k Value, dst reflect.Value) bool {
	if dst.Kind() == reflect.String {
		dst.SetString(k.n.text)
		return true
	}
	i, err := k.Int()
	if err != nil {
		b.fail(err)
		return false
	}
	dst.SetInt(int64(i))
	return true
}

func (b *binder) nested(v Value, dst reflect.Value) {
	if v.Kind() != Map {
		b.fail(v.wrongOrHeld("a mapping"))
		return
	}
	b.object(v, v, dst)
}

func (v Value) wrongOrHeld(want string) Problem {
	var p Problem
	if errors.As(v.evaluated(want), &p) {
		return p
	}
	return v.wrong(want)
}

func (b *binder) any(v Value, dst reflect.Value) {
	if v.n != nil {
		if held := v.n.firstHeld(); held != nil {
			b.fail(Value{Pos: held.pos(), n: held, name: v.name}.evaluated("a value"))
			return
		}
	}
	if plain := v.Any(); plain != nil {
		dst.Set(reflect.ValueOf(plain))
	}
}

// note remembers where a part of a value is.
func (b *binder) note(v Value) {
	if !v.isDefault() {
		b.bound.places[v.name] = v.Pos
	}
}

func (b *binder) fail(err error) {
	var p Problem
	switch {
	case !errors.As(err, &p):
	case p.Severity == Warning:
		b.bound.unknown++ // Load has warned of it
	default:
		b.report(p)
	}
}

// outside reports a value of the right type that is not allowed.
func (b *binder) outside(v Value, want, got string) {
	b.report(Problem{Pos: v.Pos, Code: CodeRange, Msg: v.name + ": want " + want + ", got " + got})
}

func (b *binder) scalar(v Value, dst reflect.Value, f *field) {
	want := f.want(dst.Type())
	if dst.Type() == reflect.TypeFor[Secret]() {
		b.secret(v, dst, f)
		return
	}
	if err := v.evaluated(want); err != nil {
		b.fail(err)
		return
	}
	text, number, ok := b.read(v, dst, f)
	switch {
	case !ok:
		b.report(v.wrong(want))
		dst.SetZero()
	case !f.allows(text, number):
		b.outside(v, want, describe(v.orNull()))
		dst.SetZero()
	}
}

// secret never says what it got: a password in the wrong place is still a password.
func (b *binder) secret(v Value, dst reflect.Value, f *field) {
	text, err := v.secretText()
	if held := v.evaluated(f.want(dst.Type())); err != nil && held != nil {
		err = held
	}
	if err != nil {
		b.fail(v.noSecret(err))
		return
	}
	if text != unopened && !f.allows(text, 0) {
		b.outside(v, f.want(dst.Type()), "something else")
		return
	}
	dst.Set(reflect.ValueOf(NewSecret(text)))
}

// noSecret is the problem of a value that is no secret: its kind is all that is told of it.
func (v Value) noSecret(err error) error {
	var p Problem
	if errors.As(err, &p) && p.Code == CodeType {
		p.Msg = v.name + ": want text, got " + v.Kind().String()
	}
	return p
}

// read converts a scalar to the type of dst and sets it. It returns what the rules judge: the
// text of texts, the number of numbers.
func (b *binder) read(v Value, dst reflect.Value, f *field) (text string, number float64, ok bool) {
	switch dst.Interface().(type) {
	case time.Duration:
		d, ok := v.interval()
		dst.SetInt(int64(d))
		return "", float64(d), ok
	case netip.Addr:
		return "", 0, setParsed(v, dst, netip.ParseAddr)
	case netip.Prefix:
		return "", 0, setParsed(v, dst, netip.ParsePrefix)
	}
	switch kind := dst.Kind(); {
	case kind == reflect.String:
		text, ok = v.word(f.enum)
		if f.expand {
			text = b.expand(text)
		}
		dst.SetString(text)
		return text, 0, ok
	case kind == reflect.Bool:
		value, err := v.Bool()
		dst.SetBool(value)
		return "", 0, err == nil
	case dst.CanFloat():
		value, err := v.Float()
		dst.SetFloat(value)
		return "", value, err == nil
	}
	return readInt(v, dst)
}

func readInt(v Value, dst reflect.Value) (text string, number float64, ok bool) {
	i, err := v.Int()
	switch {
	case err != nil:
		return "", 0, false
	case dst.CanInt() && !dst.OverflowInt(int64(i)):
		dst.SetInt(int64(i))
	case dst.CanUint() && i >= 0 && !dst.OverflowUint(uint64(i)):
		dst.SetUint(uint64(i))
	default:
		return "", 0, false
	}
	return strconv.Itoa(i), float64(i), true
}

// word returns the text of a value; an unquoted off or yes is a boolean, but when it is one of
// the allowed words it is clear what was meant.
func (v Value) word(enum []string) (string, bool) {
	if v.Kind() == Bool {
		word := strings.ToLower(v.n.text)
		return word, slices.Contains(enum, word)
	}
	text, err := v.Text()
	return text, err == nil
}

func (v Value) interval() (time.Duration, bool) {
	if v.Kind() == String {
		return parseInterval(v.n.text)
	}
	seconds, err := v.Float()
	if err != nil {
		return 0, false
	}
	return scale(seconds, time.Second)
}

// setParsed sets an address; an empty text is none.
func setParsed[T any](v Value, dst reflect.Value, parse func(string) (T, error)) bool {
	if v.Kind() != String {
		return false
	}
	var parsed T
	if v.n.text != "" {
		var err error
		if parsed, err = parse(v.n.text); err != nil {
			return false
		}
	}
	dst.Set(reflect.ValueOf(parsed))
	return true
}

func (r *rules) inRange(n float64) bool {
	return (r.min == nil || n >= r.min.value) && (r.max == nil || n <= r.max.value)
}

// allows judges a scalar; text is what enum, pattern and path look at.
func (r *rules) allows(text string, number float64) bool {
	switch {
	case r.kind == "port" && (number < 1 || number > math.MaxUint16):
		return false
	case r.kind == "path" && text != "" && !path.IsAbs(text):
		return false
	case r.enum != nil && !slices.Contains(r.enum, text):
		return false
	case r.pattern != nil && !r.pattern.MatchString(text):
		return false
	}
	return r.inRange(number)
}

// want says in a problem what is accepted.
func (r *rules) want(t reflect.Type) string {
	switch {
	case r.kind == "port":
		return "a port number (1..65535)"
	case r.kind == "path":
		return "an absolute path"
	case r.enum != nil:
		return "one of " + strings.Join(r.enum, ", ")
	case r.pattern != nil && r.like != "":
		return "text such as " + r.like + ", matching " + patternText(*r)
	case r.pattern != nil:
		return "text matching " + patternText(*r)
	}
	return typeName(t) + r.span()
}

func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration such as 30s, 24h or 7300d"
	case reflect.TypeFor[netip.Addr]():
		return "an IP address"
	case reflect.TypeFor[netip.Prefix]():
		return "an address with mask length such as 10.0.0.0/8"
	}
	switch t.Kind() {
	case reflect.String, reflect.Struct:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

func (r *rules) span() string {
	switch {
	case r.min != nil && r.max != nil:
		return " in " + r.min.text + ".." + r.max.text
	case r.min != nil:
		return " of at least " + r.min.text
	case r.max != nil:
		return " of at most " + r.max.text
	}
	return ""
}
