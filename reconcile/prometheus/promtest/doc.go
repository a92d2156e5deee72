// Package promtest starts a real Prometheus for a test, on an address of its own.
//
//	p := promtest.Start(t, "rule_files: [ rules.yml ]\n")   // what its configuration says beside how often it looks
//	http.Get(p.URL + "/api/v1/query?query=up")
//
// A test that wants one is skipped where the program prometheus is not installed. It is for tests only.
package promtest
