// Command pigsync makes a fleet agree with a git repository of Pigsty inventories.
//
// It is the program that people and pipelines call, and a small one. What only needs the language of
// inventories, and is asked often and of large ones, it answers itself, as fast as that can be:
//
//	inventory PATH --list [--mask]
//	inventory PATH --host HOST [--mask]
//
// Everything else it hands on, word for word, to pigsyncd, which holds all commands and becomes this very process:
// cmd/pigsyncd tells of them. That program also gets what is wrong in the questions above, so that there is one
// place where something is explained. pigsyncd lies beside this one, or in ../lib/pigsync.
package main
