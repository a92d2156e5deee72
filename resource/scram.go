package resource

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // what a server may have stored, and is told to
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
)

// maxIterations bounds what one comparison may cost.
const maxIterations = 1 << 20

// Verifier is a password as PostgreSQL stores it: what tells whether a password is right, and does not
// tell the password.
type Verifier struct {
	Iterations           int
	Salt                 []byte
	StoredKey, ServerKey []byte
}

// ParseVerifier reads SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>.
func ParseVerifier(s string) (v Verifier, ok bool) {
	rest, ok := strings.CutPrefix(s, "SCRAM-SHA-256$")
	params, keys, ok2 := strings.Cut(rest, "$")
	count, salt, ok3 := strings.Cut(params, ":")
	stored, server, ok4 := strings.Cut(keys, ":")
	if !ok || !ok2 || !ok3 || !ok4 {
		return v, false
	}
	var errs [4]error
	v.Iterations, errs[0] = strconv.Atoi(count)
	v.Salt, errs[1] = base64.StdEncoding.DecodeString(salt)
	v.StoredKey, errs[2] = base64.StdEncoding.DecodeString(stored)
	v.ServerKey, errs[3] = base64.StdEncoding.DecodeString(server)
	for _, err := range errs {
		if err != nil {
			return Verifier{}, false
		}
	}
	return v, v.Iterations > 0 && len(v.StoredKey) == sha256.Size && len(v.ServerKey) == sha256.Size
}

// NewVerifier makes the verifier of a password. The salt must be random; password is prepared already
// (SASLprep), where that changes it.
func NewVerifier(password string, salt []byte, iterations int) Verifier {
	key, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		panic(err) // only where FIPS forbids a salt as short as a server's own
	}
	client := mac(key, "Client Key")
	stored := sha256.Sum256(client)
	return Verifier{Iterations: iterations, Salt: salt, StoredKey: stored[:], ServerKey: mac(key, "Server Key")}
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// Secret spells the verifier as the server stores it.
func (v Verifier) Secret() Secret {
	b := base64.StdEncoding.EncodeToString
	return NewSecret("SCRAM-SHA-256$" + strconv.Itoa(v.Iterations) + ":" + b(v.Salt) + "$" + b(v.StoredKey) + ":" + b(v.ServerKey))
}

// verifies tells whether password is the one behind the verifier.
func (v Verifier) verifies(password string) bool {
	if v.Iterations > maxIterations {
		return false
	}
	w := NewVerifier(password, v.Salt, v.Iterations)
	return subtle.ConstantTimeCompare(w.StoredKey, v.StoredKey)&subtle.ConstantTimeCompare(w.ServerKey, v.ServerKey) == 1
}

// IsStoredPassword tells whether a text is a password as a server stores it, and is then stored as it is.
// What only begins like one is a password in clear.
func IsStoredPassword(s string) bool {
	_, scram := ParseVerifier(s)
	return scram || isMD5(s)
}

func isMD5(s string) bool {
	digits, ok := strings.CutPrefix(s, "md5")
	_, err := hex.DecodeString(digits)
	return ok && err == nil && len(digits) == 2*md5.Size && digits == strings.ToLower(digits)
}

const passwordRight = "right"

// passwordState is how what a server has stored stands to the password wanted.
func (r PGRole) passwordState(stored Secret) string {
	have, wish := stored.Reveal(), r.Password.Reveal()
	v, scram := ParseVerifier(have)
	switch {
	case stored.Equal(r.Password):
		return passwordRight
	case have == "":
		return "none"
	case IsStoredPassword(wish):
	case scram && v.verifies(Prepared(wish)):
		return passwordRight
	case !stored.Equal(MD5Password(r.Name, wish)):
	case r.MD5:
		return passwordRight
	default:
		return "right, and stored as md5"
	}
	return "another secret"
}

// MD5Password is a password as servers once stored it.
func MD5Password(role, password string) Secret {
	sum := md5.Sum([]byte(password + role)) //nolint:gosec // as above
	return NewSecret("md5" + hex.EncodeToString(sum[:]))
}
