package git

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pigsync/pigsync/sources"
)

// maxCause is how much of another program's words an error repeats.
const maxCause = 300

// secrets are strings that must not appear in any text.
type secrets []string

// minSecret is the shortest part of a password that is looked for: a shorter one tells little
// and is in every other word.
const minSecret = 4

// with adds a name and password in every spelling that a program on the way might repeat, and
// the words a password is made of, because a parser may have cut it in two.
func (s secrets) with(user, password string) secrets {
	if password == "" { // then a name may be the token itself
		password, user = user, ""
	}
	if password == "" {
		return s
	}
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	s = append(s, basic, base64.StdEncoding.EncodeToString([]byte(password+":")), password, url.QueryEscape(password), url.PathEscape(password),
		base64.StdEncoding.EncodeToString([]byte(password)))
	s = append(s, strings.FieldsFunc(password, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	s = slices.DeleteFunc(s, func(word string) bool { return len(word) < minSecret })
	slices.SortFunc(s, func(a, b string) int { return len(b) - len(a) }) // the longest first
	return s
}

// hide replaces every secret in text, and whatever stands before the host of a URL.
func (s secrets) hide(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, "***")
	}
	before, rest, found := strings.Cut(text, "://")
	for found {
		end := strings.IndexAny(rest, "/ \"'\n")
		if end < 0 {
			end = len(rest)
		}
		if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
			rest = "***" + rest[at:]
		}
		text = before + "://" + rest
		var next string
		next, rest, found = strings.Cut(rest, "://")
		before += "://" + next
	}
	return text
}

// explain turns what went wrong while talking to the remote into one clean line that names the
// repository. Causes are classified, never wrapped: their text is a stranger's.
func (s *Source) explain(ctx context.Context, err error, hidden secrets) error {
	say := func(kind error, text string) error {
		return sources.Errorf(kind, "%s: %s", s.address.shown, text)
	}
	cause := sources.Clean(hidden.hide(err.Error()), maxCause)
	for _, kind := range []error{
		sources.ErrRefused, sources.ErrNoRef, sources.ErrEmpty, sources.ErrHostKey, sources.ErrRewound, errDamaged,
	} {
		if errors.Is(err, kind) {
			return say(kind, cause)
		}
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return say(context.Canceled, "gave up")
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return say(context.DeadlineExceeded, "no answer within "+s.options.Timeout.String())
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return say(sources.ErrEmpty, "the repository has no commit yet")
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return say(errUnavailable, "there is no such repository, or it is not shown to us")
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return say(errUnavailable, "the server does not accept the credential")
	}
	return say(errUnavailable, cause)
}

func isTimeout(err error) bool {
	var timed net.Error
	return errors.As(err, &timed) && timed.Timeout()
}

// errUnavailable is the kind of what may pass by itself or by an operator's hand.
var errUnavailable = errors.New("repository unavailable")
