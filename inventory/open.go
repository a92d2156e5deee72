package inventory

// Open reports whether whoever can read the file can read the value: it is neither encrypted nor
// evaluated, nor a reference to where it is kept.
func (v Value) Open() bool {
	if v.n == nil || v.n.held != ready || v.n.seal != nil || v.n.src != nil && v.n.src.sealed {
		return false
	}
	return !v.Elsewhere()
}

// Elsewhere reports whether the text, where a secret is expected, names the place that holds it.
func (v Value) Elsewhere() bool {
	return v.n != nil && v.n.held == ready && v.n.seal == nil && v.n.kind == String && isReference(v.n.text)
}
