// Package server is the windows of the house: what others may see of it, over HTTP.
//
//	GET  /metrics                    for Prometheus
//	GET  /healthz                    200 while every inventory is looked at, else 503 and why
//	GET  /readyz                     200 once every inventory was looked at, else 503 and which was not
//	GET  /api/v1/status              the status of all inventories, an array, by name
//	GET  /api/v1/status/{inventory}  the status of one
//	POST /api/v1/wake/{inventory}    look now instead of later: 202
//
// Nothing else is answered. What is shown are the newest pictures the loops have published; a request
// never reaches a node, and none changes anything: waking only makes a loop do sooner what it
// would do anyway. Whoever can connect may ask, so it is made for loopback, or for a proxy that
// knows who asks.
//
// Bodies are not used and at most 64 KiB of them are read, headers are bounded, every request ends
// in time, a panic ends its request and nothing else, and a browser on a page of somebody else
// cannot wake. A status is masked where it is made (secrets have no text there), and
// this package adds nothing to it.
package server
