package inventory

// Options are what Load may use beyond the files of the inventory. The zero value allows nothing:
// what would need it is then a problem at its place.
type Options struct {
	// Env answers lookup('env', NAME) and env:NAME; nil when the environment is nobody's business.
	Env func(name string) (value string, ok bool)
	// File answers lookup('file', NAME) and file:NAME; nil when no file may be read. It decides
	// which names are allowed.
	File func(name string) ([]byte, error)
	// Keys open vaults and SOPS files; nil opens nothing.
	Keys *Keys
	// Keyless is for looking at an inventory without its keys: what none of them opens, and what is
	// referred to where nobody answers, is unknown, and an error of nobody.
	Keyless bool
}
