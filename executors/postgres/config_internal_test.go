package postgres

import "testing"

// What a session has from its beginning is not waited for in it.
func TestHeard(t *testing.T) {
	for context, want := range map[string]bool{
		"user": true, "superuser": true, "sighup": true,
		"backend": false, "superuser-backend": false, "postmaster": false, "internal": false, "": false,
	} {
		if got := heard(context); got != want {
			t.Errorf("%q: %v, want %v", context, got, want)
		}
	}
}
