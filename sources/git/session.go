package git

import "github.com/go-git/go-git/v5/plumbing/transport"

// fetching is a session that ends something else with it: the connections that were kept for it, or its relay.
type fetching struct {
	transport.UploadPackSession
	then func()
}

// Close ends the session. What the far side says to that is of no use: all was read, or an error is on its way already.
func (f fetching) Close() error {
	_ = f.UploadPackSession.Close()
	f.then()
	return nil
}

// pushing is the same for a session that sends.
type pushing struct {
	transport.ReceivePackSession
	then func()
}

// Close ends the session, as that of fetching does.
func (p pushing) Close() error {
	_ = p.ReceivePackSession.Close()
	p.then()
	return nil
}
