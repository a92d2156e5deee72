// Package fleet knows what can only be told of all modules together: that no two programs of a node want
// one port, that an address belongs to one owner, that a cluster has one home, and that nothing of the
// sample inventory is left behind.
//
// It is compiled after all others, wants nothing and manages nothing. It reads the few parameters it
// compares by itself: what is wrong with each of them alone is the affair of their modules, and a
// value that cannot be read is no port and no address here.
package fleet
