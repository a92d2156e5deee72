package inventory

import (
	"errors"
	"io/fs"
	"strings"
	"unicode/utf8"
)

// A secret may be kept elsewhere: where a password is expected, a text that is as a whole env:NAME
// or file:NAME names it.
//
//	env:PG_ADMIN_PASSWORD      a variable of the environment: letters, digits and _
//	file:/run/secrets/pg_admin the content of a file, without the line breaks at its end
//
// Only what is bound as a Secret is read so, and only what stands plainly in the file: ordinary
// parameters may hold any text, and what was decrypted is the secret itself. A password that begins
// so must therefore be encrypted, or kept elsewhere.
const (
	envPrefix  = "env:"
	filePrefix = "file:"
)

// maxReferred bounds a secret that is kept in a file.
const maxReferred = 64 << 10

// unopened stands for a secret that nobody is expected to know here: see Options.Keyless.
const unopened = "unknown"

// isReference reports whether a text names a secret instead of being one.
func isReference(text string) bool {
	if name, ok := strings.CutPrefix(text, envPrefix); ok {
		return isVariable(name)
	}
	name, ok := strings.CutPrefix(text, filePrefix)
	return ok && name != "" && !strings.ContainsAny(name, " \t\r\n\x00")
}

// isVariable reports whether the text is the name of a variable of the environment.
func isVariable(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	return name != "" && strings.Contains(letters, name[:1]) && only(name, letters+"0123456789")
}

// secretText returns the text of a secret, wherever it is kept. The error is a Problem. No problem
// repeats a reference: it may be a password that only looks like one.
func (v Value) secretText() (string, error) {
	if v.n != nil && v.n.unknown() && !v.n.broken() {
		return unopened, nil
	}
	text, err := v.Text()
	if err != nil || v.n == nil || v.n.seal != nil || v.n.kind != String || v.n.src == nil || v.n.src.options == nil || !isReference(text) {
		return text, err
	}
	options := v.n.src.options
	if name, ok := strings.CutPrefix(text, envPrefix); ok {
		return v.fromEnv(options, name)
	}
	return v.fromFile(options, strings.TrimPrefix(text, filePrefix))
}

func (v Value) fromEnv(options *Options, name string) (string, error) {
	if options.Env == nil {
		return v.nowhere(options, "no variable of the environment may be read here")
	}
	text, ok := options.Env(name)
	if !ok || text == "" {
		return v.nowhere(options, "the variable of the environment it names is not set, or may not be read")
	}
	return text, nil
}

func (v Value) fromFile(options *Options, name string) (string, error) {
	if options.File == nil {
		return v.nowhere(options, "no file may be read here")
	}
	content, err := options.File(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return v.nowhere(options, "the file it names does not exist")
	case errors.Is(err, fs.ErrPermission):
		return v.nowhere(options, "the file it names may not be read")
	case err != nil:
		return v.nowhere(options, "the file it names cannot be read")
	}
	text := strings.TrimRight(string(content), "\r\n")
	if text == "" || len(text) > maxReferred || !utf8.ValidString(text) {
		return "", v.badReference("the file it names is empty, too large, or no text in UTF-8")
	}
	return text, nil
}

// nowhere says that a reference leads to nothing; where keys are not expected, it is unknown.
func (v Value) nowhere(options *Options, why string) (string, error) {
	if options.Keyless {
		return unopened, nil
	}
	return "", v.badReference(why)
}

func (v Value) badReference(why string) Problem {
	return Problem{Pos: v.Pos, Code: CodeRef, Msg: v.name + ": a reference to a secret that is not there: " + why}
}
