package sources

import (
	"errors"
	"fmt"
)

// The kinds of error a caller may branch on with errors.Is. Everything else is a failure that
// may pass: try again later.
var (
	// ErrEmpty: the repository is there but has no commit.
	ErrEmpty = errors.New("no commit")
	// ErrNoRef: there is no such branch, tag or commit.
	ErrNoRef = errors.New("no such branch, tag or commit")
	// ErrHostKey: the key of an ssh host is unknown, has changed or is revoked.
	ErrHostKey = errors.New("ssh host key not accepted")
	// ErrRefused: the revision exists but its content is not taken: a symbolic link, a
	// submodule, a name that no file may have, too big, too many, too deep, no such path.
	ErrRefused = errors.New("revision refused")
	// ErrRewound: the newest revision does not contain the last one that was yielded.
	ErrRewound = errors.New("history rewound")
	// ErrUnsigned: a commit is signed by nobody who is known, where every one must be.
	ErrUnsigned = errors.New("not signed")
	// ErrGone: At was asked for a revision that is not available any more.
	ErrGone = errors.New("revision not available")
)

// Errorf is an error of the given kind (which errors.Is finds) that says what format says and
// nothing else, so that a cause whose text may hold a credential is classified but not quoted.
func Errorf(kind error, format string, args ...any) error {
	return &kindError{kind: kind, text: fmt.Sprintf(format, args...)}
}

type kindError struct {
	kind error
	text string
}

func (e *kindError) Error() string { return e.text }
func (e *kindError) Unwrap() error { return e.kind }
