package sops

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"regexp"
	"strconv"
	"time"
)

const (
	keySize  = 32
	maxNonce = 64
)

var (
	sealedForm = regexp.MustCompile(`^ENC\[AES256_GCM,data:([A-Za-z0-9+/=]+),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+),type:([a-z]+)\]$`)
	errSealed  = errors.New("sealed with another key, for another place, or changed")
	errForm    = errors.New("not of the form ENC[AES256_GCM,…]")
)

// Sealed reports whether a text has the form of a sealed value.
func Sealed(text string) bool { return sealedForm.MatchString(text) }

// value is what was sealed.
type value struct {
	text string
	kind string // str, int, float, bool, bytes, time, comment
}

// unseal opens a value; place is its path, which was authenticated with it.
func unseal(text string, key []byte, place string) (value, error) {
	m := sealedForm.FindStringSubmatch(text)
	if m == nil {
		return value{}, errForm
	}
	var parts [3][]byte
	for i := range parts {
		var err error
		if parts[i], err = base64.StdEncoding.DecodeString(m[i+1]); err != nil {
			return value{}, errForm
		}
	}
	data, nonce, tag := parts[0], parts[1], parts[2]
	if len(nonce) == 0 || len(nonce) > maxNonce || len(tag) != aes.BlockSize {
		return value{}, errForm
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return value{}, errSealed
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, len(nonce))
	if err != nil {
		return value{}, errForm
	}
	plain, err := gcm.Open(nil, nonce, append(data, tag...), []byte(place))
	if err != nil {
		return value{}, errSealed
	}
	return typed(string(plain), m[4])
}

// typed judges that the text is of the kind it says.
func typed(text, kind string) (value, error) {
	var err error
	switch kind {
	case "str", "bytes", "comment":
	case "int":
		_, err = strconv.Atoi(text)
	case "float":
		_, err = strconv.ParseFloat(text, 64)
	case "bool":
		_, err = strconv.ParseBool(text)
	case "time":
		_, err = time.Parse(time.RFC3339Nano, text)
	default:
		err = errForm
	}
	if err != nil {
		return value{}, errForm
	}
	return value{text, kind}, nil
}
