// Package etcd is the hand inside an etcd cluster: its members, its health, its authentication, users
// and roles.
//
//	SetPlaces ─► how each cluster is reached: endpoints, authority, passwords
//	Observe   ─► one look at a cluster ─► a State for every id in it
//	Apply     ─► look again ─► the same as the plan was made from? ─► one change ─► wait until it holds
//
// A look asks every endpoint at once, over connections that are kept: its status, a linearizable read,
// the list of members. What it may say:
//
//	an endpoint answers a linearizable read         there, with a quorum
//	one answers, and says that it has no leader;
//	or accepts a connection and stays silent        there, without a quorum
//	every endpoint positively refuses to connect    absent
//	anything else                                   unknown: an error
//
// A certificate that cannot be verified, a password that is refused, endpoints of two clusters, an
// endpoint that could not be reached while no other has a quorum: all are unknown, never absent.
//
// It guarantees:
//
//   - No voter is removed when the healthy ones left would not be a quorum, and a leader hands over
//     first. A member joins as a learner. A member said to be lost is kept when it answers as healthy.
//   - Authentication is never switched off; root and its role are never removed.
//   - Passwords are in no error and in no log.
//   - Nothing is retried that is not safe to try twice, and every wait ends, saying what it waited for.
//
// Only this package knows etcd's protocol. It dials nothing by itself: connections come from Options.
package etcd
