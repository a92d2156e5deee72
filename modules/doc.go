// Package modules says what a module is: knowledge of one Pigsty module, and nothing else.
//
//	inventory ─► Survey ─► ids ─► (an executor looks) ─► known
//	inventory × known ─► Compile ─► what should be true, and what is wrong with the inventory
//	inventory ─► Places ─► how it is reached
//
// A Module is a value: a name, a text and functions over values. Its functions are pure: they read no
// clock, no file and no network, and for the same inventory and the same known they say the same.
//
// An owner is a module and the cluster or node it speaks of: "etcd/etcd", "node/10.10.10.10". An error
// inside one owner freezes that owner only: it is neither changed nor pruned. An identity that is
// missing or claimed twice refuses the whole commit, because nothing can be said of anybody then.
// A module that panics is an error that refuses the commit, too.
//
// On a node whose facts could not be learned Want declares what is wanted without saying what it
// is, so that a module cannot render a file from a guess.
package modules
