// Package server is the windows of the house: what others may see of it and ask of it, over HTTP. The
// routes are a table in routes.go; openapi.json describes each to programs, and a test holds them together.
//
//	GET  /metrics /healthz /readyz /api/v1/openapi.json   whoever can connect
//	GET  /api/v1/status /status/{inventory} /history/{inventory} /events   the role view
//	POST /api/v1/plan/{inventory}                         plan
//	POST /api/v1/wake/{inventory}                         sync
//	POST /api/v1/approve/{inventory}                      approve, and destroy for what may lose data
//	POST /api/v1/rollback/{inventory} /forgive/{inventory} approve
//	POST /api/v1/hold/{inventory} /resume/{inventory}     suspend
//	POST /hooks/{hook}                                    a forge that signs its call
//
// Nothing else is answered. What is shown are the newest pictures the loops have published; only plan looks
// at nodes, at those of the inventory in force, and changes nothing. A webhook or a wake only makes a loop do
// sooner what it would do anyway; what is decided is journaled, under the caller's name, before it counts.
//
// Who shows no token and no certificate has the roles of the anonymous, who shows one that is not known has
// none. Tokens are kept as digests. Bodies are bounded by their route, headers are bounded, every
// request but events ends in time, a panic ends its request and nothing else, and a browser on a page of
// somebody else can ask for nothing. A status is masked where it is made (secrets have no text there), and
// this package adds nothing to it.
package server
