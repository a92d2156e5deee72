// Package postgres is the hand at the PostgreSQL instances of one node. The node's helper has it, so that all
// of a node goes through one request a round.
//
//	controller                         node a (leads)                 node b (follows)
//	pgrole:dbuser@pg-test  ──┬──────►  REST: leader; SQL ─► its state
//	                         └───────────────────────────────────►   REST: replica ─► ErrElsewhere
//
// What is inside a cluster has the cluster's name for its place. Every member's helper is asked for it, with
// everything else of its node; only the member that leads has an answer, and a change goes to that one. So
// who leads is found out by looking, never from what somebody wrote down, and a leader that moves costs
// nothing but ErrMoved. What the answers of all members make together is package node's affair:
//
//	the leader answers                                     that is the state
//	every node was reached, and nowhere is anything        absent, as all that is inside
//	anything else                                          unknown: an error that names each member's reason
//
// Patroni is asked over its REST API, from its own node. The server is asked over its socket as its own
// superuser, whom it knows as a peer: for the moment of connecting, one thread has that user's number. So
// no password is needed, and no line of pg_hba.conf but the one for the socket.
//
// A look is one REST call, two more where the DCS is asked, and at most one read-only transaction in each database
// that something is asked of, with a limit of time and without locks; databases are asked at the same time. One session,
// in the maintenance database, rests until the next look, for 90 seconds at most. It guarantees:
//
//   - A server in recovery is never written to.
//   - A password is set as a verifier, in a transaction that logs no statement, and is in no error.
//   - Nothing is done that the plan did not show: before every change the differences are taken again, and
//     they must be those of the plan.
//   - Nobody's objects go with a role, and nobody's tables with a schema, unless that was asked for.
package postgres
