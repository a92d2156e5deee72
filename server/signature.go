package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// call is a webhook's call as it came.
type call struct {
	header http.Header
	body   []byte
	now    time.Time
}

// signature tells whether a call is signed with a secret.
type signature func(c call, secret string) bool

// signatures are by provider.
//
//	github     X-Hub-Signature-256: sha256=HEX   (GitHub: Validating webhook deliveries)
//	gitea      X-Gitea-Signature: HEX            (Gitea: Webhooks; Forgejo sends X-Forgejo-Signature too)
//	gitlab     webhook-signature: v1,BASE64 of "id.timestamp.body" where a signing token is set, else
//	           X-Gitlab-Token: the secret itself (GitLab: Webhooks)
//	bitbucket  X-Hub-Signature: sha256=HEX       (Bitbucket: Manage webhooks)
//	generic    X-Pigsync-Signature: sha256=HEX of "timestamp.body", X-Pigsync-Timestamp: seconds
var signatures = map[string]signature{
	"github":    hexOf("X-Hub-Signature-256", "sha256="),
	"gitea":     either(hexOf("X-Gitea-Signature", ""), hexOf("X-Forgejo-Signature", "")),
	"forgejo":   either(hexOf("X-Forgejo-Signature", ""), hexOf("X-Gitea-Signature", "")),
	"gitlab":    gitlab,
	"bitbucket": hexOf("X-Hub-Signature", "sha256="),
	"generic":   generic,
}

// signedID is the header with what tells a call from another one of the same body, where the signature
// covers it. Elsewhere the body alone counts: a replay under another name is still one.
var signedID = map[string]string{"gitlab": "webhook-id", "generic": timestampHeader}

// Providers are the forges whose signatures are known, and generic.
func Providers() (names []string) {
	for name := range signatures {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

const (
	signatureHeader = "X-Pigsync-Signature"
	timestampHeader = "X-Pigsync-Timestamp"
	// skew is how far a signed time may be from ours.
	skew = 5 * time.Minute
)

func mac(secret string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// hexOf is the HMAC of the body in hexadecimal digits, in a header.
func hexOf(header, prefix string) signature {
	return func(c call, secret string) bool {
		digits, ok := strings.CutPrefix(c.header.Get(header), prefix)
		said, err := hex.DecodeString(digits)
		return ok && err == nil && hmac.Equal(said, mac(secret, c.body))
	}
}

func either(a, b signature) signature {
	return func(c call, secret string) bool { return a(c, secret) || b(c, secret) }
}

// gitlab signs when it was told to, and otherwise shows the secret.
func gitlab(c call, secret string) bool {
	id, at := c.header.Get("webhook-id"), c.header.Get("webhook-timestamp")
	if signed := c.header.Get("webhook-signature"); signed != "" {
		return c.fresh(at) && slices.ContainsFunc(strings.Fields(signed), func(one string) bool {
			said, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(one, "v1,"))
			return err == nil && hmac.Equal(said, mac(signingKey(secret), []byte(id+"."+at+"."), c.body))
		})
	}
	return subtle.ConstantTimeCompare([]byte(c.header.Get("X-Gitlab-Token")), []byte(secret)) == 1
}

// signingKey is the key in a secret of the Standard Webhooks form, which is base64.
func signingKey(secret string) string {
	coded, ok := strings.CutPrefix(secret, "whsec_")
	if key, err := base64.StdEncoding.DecodeString(coded); ok && err == nil {
		return string(key)
	}
	return secret
}

func generic(c call, secret string) bool {
	at := c.header.Get(timestampHeader)
	said, err := hex.DecodeString(strings.TrimPrefix(c.header.Get(signatureHeader), "sha256="))
	return err == nil && c.fresh(at) && hmac.Equal(said, mac(secret, []byte(at+"."), c.body))
}

// fresh tells whether a time in seconds is near enough.
func (c call) fresh(seconds string) bool {
	n, err := strconv.ParseInt(seconds, 10, 64)
	return err == nil && c.now.Sub(time.Unix(n, 0)).Abs() <= skew
}
