// Command pigsync-node is the far hand: the only part of pigsync that runs on the machines of a fleet.
//
//	pigsync-node node            answers a controller on stdin and stdout, and ends with them
//	pigsync-node node undo PATH  takes back the change of a guarded file that nobody confirmed
//
// The controller brings it and starts it as root; nobody installs it there. It is a program of its own because
// it shares its machine with a database: it holds what looks at a node and changes it, and nothing else.
package main
